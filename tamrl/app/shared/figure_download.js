// The Figure download: the charts of a row as they are seen, in one picture with title, legend, source and mark.
//
// plotly.js, which streamlit has loaded for the charts, writes each of them as SVG; they are put side by side here. The
// picture has the shape of a slide, so that it can be taken as it is. Nothing is asked of the server.

const SLIDE = { width: 1920, height: 1080 }; // of the PNG [px]
const LEAST = 540, EDGE = 24, GAP = 12, LINE = 17, BAR = 34; // [px of a chart on the page]
const NS = "http://www.w3.org/2000/svg";
const FONT = "Inter, system-ui, sans-serif";
const measure = document.createElement("canvas").getContext("2d");

/** Return the chart that streamlit drew under a key, or nothing where it is not on the page. */
function chart(key) {
  const name = key.trim().replace(/[^a-zA-Z0-9_-]/g, "-");
  return document.querySelector(`.st-key-${CSS.escape(name)} .js-plotly-plot`);
}

const font = (size, weight) => `${weight} ${size}px ${FONT}`;

function wide(text, size, weight = 400) {
  measure.font = font(size, weight);
  return measure.measureText(text).width;
}

/** Break a text into lines of at most `room` pixels; a word that is longer than a line is cut. */
function lines(text, room, size, weight = 400) {
  const found = [""];
  for (let word of text.split(/\s+/)) {
    const longer = found.at(-1) ? `${found.at(-1)} ${word}` : word;
    if (wide(longer, size, weight) <= room) {
      found[found.length - 1] = longer;
      continue;
    }
    if (found.at(-1)) found.push("");
    while (wide(word, size, weight) > room) {
      let end = word.length;
      while (end > 1 && wide(word.slice(0, end), size, weight) > room) end -= 1;
      found[found.length - 1] = word.slice(0, end);
      word = word.slice(end);
      found.push("");
    }
    found[found.length - 1] = word;
  }
  return found;
}

function element(name, attributes, text = "") {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

function write(svg, text, x, y, size, colour, weight = 400) {
  svg.append(element("text", { x, y, fill: colour, "font-family": FONT, "font-size": size, "font-weight": weight }, text));
}

/** Put the items of a legend into rows of at most `room` pixels; an item keeps its place in `x`. */
function rows(items, room) {
  const found = [];
  for (const [glyph, colour, label] of items) {
    const width = 20 + wide(label, 12) + 16;
    const last = found.at(-1);
    const x = last?.length ? last.at(-1).x + last.at(-1).width : 0;
    const item = { glyph, colour, label, width, x };
    if (last && x + width <= room) last.push(item);
    else found.push([{ ...item, x: 0 }]);
  }
  return found;
}

/** Return one chart as an SVG element of the given size, on solid ground. */
async function panel(plot, width, height, paper) {
  const layout = { ...plot.layout, width, height, autosize: false, paper_bgcolor: paper, selections: [] };
  for (const name of Object.keys(layout).filter((key) => /^xaxis\d*$/.test(key))) {
    layout[name] = { ...layout[name], rangeselector: { visible: false } };
  }
  const text = await window.Plotly.toImage(
    { data: plot.data, layout, config: { staticPlot: true } }, { format: "svg", width, height, imageDataOnly: true },
  );
  return new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
}

/** Return the page's font as a rule of CSS, since a picture does not see those of the page. */
async function fontFace() {
  const used = performance.getEntriesByType("resource").find((entry) => /inter-latin.*\.woff2/.test(entry.name));
  if (!used) return "";
  const bytes = new Uint8Array(await (await fetch(used.name)).arrayBuffer());
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return `@font-face{font-family:Inter;font-weight:100 900;src:url(data:font/woff2;base64,${btoa(text)})}`;
}

/** Return how the picture is divided: its size, and from where to where the charts stand. */
function divide(charts, said) {
  const content = Math.max(...charts.map(({ plot }) => plot._fullLayout.height));
  let plan;
  // The height decides the width, and the width how many lines the texts take: twice is enough.
  let width = (LEAST * SLIDE.width) / SLIDE.height;
  for (let i = 0; i < 3; i += 1) {
    const room = width - 2 * EDGE;
    const part = (room - (charts.length - 1) * GAP) / charts.length;
    const mark = said.simulated ? wide("SIMULATED", 15, 700) + 2 * EDGE : 0;
    const titles = charts.map(({ title }, k) =>
      lines(title, part - (k === charts.length - 1 ? mark : 0), charts.length > 1 ? 14 : 18, 600));
    const legend = rows(said.legend, room);
    const source = lines(`Source: ${said.source}`, room, 11);
    const top = EDGE + Math.max(BAR, Math.max(...titles.map((t) => t.length)) * 22) + legend.length * 20;
    const bottom = source.length * 15 + EDGE;
    const height = Math.max(LEAST, top + content + bottom);
    width = Math.round((height * SLIDE.width) / SLIDE.height);
    plan = { width, height, part, titles, legend, source, top, bottom };
  }
  return plan;
}

/** Return what the charts show as one SVG element. */
export async function picture(said) {
  const charts = said.charts.map(([key, title]) => ({ plot: chart(key), title })).filter(({ plot }) => plot);
  if (!charts.length || !window.Plotly) throw new Error("The chart is not on the page");
  const plan = divide(charts, said);
  const { width, height, top, bottom } = plan;
  const svg = element("svg", { xmlns: NS, width, height, viewBox: `0 0 ${width} ${height}`, role: "img" });
  svg.append(element("title", {}, charts.map(({ title }) => title).join("; ")), element("desc", {}, said.source));
  svg.append(element("style", {}, await fontFace()));
  svg.append(element("rect", { width, height, fill: said.paper }));
  for (const [i, { plot }] of charts.entries()) {
    const left = EDGE + i * (plan.part + GAP);
    const size = charts.length > 1 ? 14 : 18;
    plan.titles[i].forEach((text, k) => write(svg, text, left, EDGE + size + k * 22, size, said.ink, 600));
    const drawn = await panel(plot, Math.round(plan.part), Math.round(height - top - bottom), said.paper);
    drawn.setAttribute("x", left);
    drawn.setAttribute("y", top);
    svg.append(document.importNode(drawn, true));
  }
  const begin = top - plan.legend.length * 20;
  plan.legend.forEach((row, k) => row.forEach(({ glyph, colour, label, x }) => {
    write(svg, glyph, EDGE + x, begin + 14 + k * 20, 14, colour);
    write(svg, label, EDGE + x + 20, begin + 14 + k * 20, 12, said.ink);
  }));
  plan.source.forEach((text, k) => write(svg, text, EDGE, height - bottom + 14 + k * 15, 11, said.muted));
  if (said.simulated) {
    const room = wide("SIMULATED", 15, 700) + 20, left = width - EDGE - room;
    svg.append(element("rect", { x: left, y: EDGE - 6, width: room, height: 28, rx: 6, fill: said.mark }));
    write(svg, "SIMULATED", left + 10, EDGE + 13, 15, said.paper, 700);
  }
  return svg;
}

async function png(text) {
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  await image.decode();
  const canvas = new OffscreenCanvas(SLIDE.width, SLIDE.height);
  canvas.getContext("2d").drawImage(image, 0, 0, SLIDE.width, SLIDE.height);
  URL.revokeObjectURL(image.src);
  return canvas.convertToBlob({ type: "image/png" });
}

async function save(said, kind) {
  const text = new XMLSerializer().serializeToString(await picture(said));
  const blob = kind === "png" ? await png(text) : new Blob([text], { type: "image/svg+xml" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${said.file}.${kind}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export default function (component) {
  const { data, parentElement } = component;
  const note = parentElement.querySelector(".note");
  for (const button of parentElement.querySelectorAll("button")) {
    button.onclick = async () => {
      button.disabled = true;
      note.textContent = "";
      try {
        await save(data, button.dataset.kind);
      } catch (error) {
        note.textContent = `No picture: ${error.message}. Reload the page and try again.`;
      }
      button.disabled = false;
    };
  }
}
