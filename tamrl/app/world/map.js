// The World page's map: fields, outlines, towers and the picked cell, one view for every panel.
//
// Latitude and longitude are drawn as they are (plate carree), so that one pixel of an image is one cell of the grid.
// Nothing is asked of the server while the reader pans, zooms, reads values or swipes; a click picks a cell. The view
// stands in the address, where the map itself writes it: a reload, a shared link and the back button restore it. A map
// whose palette has names shows classes; its view is its own affair (Workspace: where a tower stands).

const HOME = { lon: 0, lat: 13, zoom: 1 }; // zoom: 1 where the whole Earth is as wide as a panel, whatever its width
const SHAPE = 0.4, SHAPE_OF_TWO = 0.46, LEAST_PX = 200, MOST_PX = 90, SMOOTH_UP_TO = 5, REACH = 9, SHORT_BELOW = 480;
const ADDRESS_MS = 400; // how often the address is compared with the view
const HOLD_MS = 6000; // how long the answer to a pick may take to arrive
// Kept over a component that is made anew: the view, and the outlines.
const kept = (window.tamrlWorld ??= { views: {}, outlines: {} });

/** Read the outlines of countries once; resolves to a Path2D in degrees, y down. */
function outlines(url) {
  return (kept.outlines[url] ??= fetch(url).then((reply) => reply.json()).then((world) => {
    const path = new Path2D();
    for (const { geometry } of world.features) {
      const shapes = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
      for (const ring of shapes.flat()) {
        ring.forEach(([lon, lat], i) => (i ? path.lineTo(lon, -lat) : path.moveTo(lon, -lat)));
        path.closePath();
      }
    }
    return path;
  }).catch(() => null));
}

/** Load an image, and its pixels where values are read from it. */
async function picture(address, read) {
  const image = new Image();
  image.src = address;
  await image.decode();
  if (!read) return { image };
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return { image, pixels: context.getImageData(0, 0, image.width, image.height).data };
}

const degrees = (value, plus, minus) => `${Math.abs(value).toFixed(2)}°${value < 0 ? minus : plus}`;
const written = ({ lat, lon, zoom }) => [lat, lon, zoom].map((value) => Number(value.toFixed(2))).join(",");
/** Return the view that a text of the address means, nothing where it means none. */
const parsed = (text) => {
  const [lat, lon, zoom] = (text ?? "").split(",").map(Number);
  return Math.abs(lat) <= 90 && Math.abs(lon) <= 180 && zoom >= 1 ? { lat, lon, zoom } : {};
};
const wrapped = (lon) => ((((lon + 180) % 360) + 360) % 360) - 180;
const number = (value) => {
  const digits = Math.min(4, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1))));
  return value.toFixed(digits).replace("-", "\u2212");
};

class WorldMap {
  constructor(root) {
    this.root = root.querySelector(".map");
    this.panels = [];
    this.loaded = new Map();
    this.split = 0.5;
    this.watch = new ResizeObserver(() => this.layout());
    this.watch.observe(this.root);
    this.clock = setInterval(() => this.address(), ADDRESS_MS);
    this.back = () => this.addressed && this.show(new URLSearchParams(location.search).get("view"));
    window.addEventListener("popstate", this.back);
    this.page = location.pathname;
  }

  destroy() {
    this.watch.disconnect();
    clearInterval(this.clock);
    window.removeEventListener("popstate", this.back);
  }

  /** Whether the view stands in the address. */
  get addressed() {
    return this.data && !this.data.names;
  }

  get view() {
    return (kept.views[this.data.view] ??= { ...HOME, ...parsed(this.data.at) });
  }

  /** Pixels a degree. */
  get px() {
    return this.view.zoom * this.least;
  }

  /** Go to a view as the address writes it; without one to the whole Earth. */
  show(text) {
    Object.assign(this.view, HOME, parsed(text));
    this.layout();
  }

  /** Write the view into the address, where it differs; the app hears of it with its next run. */
  address() {
    if (!this.addressed || !this.root.isConnected) return;
    const now = written(this.view), asked = new URLSearchParams(location.search), before = asked.get("view");
    if (now === before || (before === null && now === written(HOME))) return;
    asked.set("view", now);
    history.replaceState(history.state, "", `${location.pathname}?${asked}`.replaceAll("%2C", ",") + location.hash);
  }

  /** Take new data; what is shown stays until the new images are there. */
  async update(data, say) {
    this.pick = (place) => say("pick", place);
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const wanted = data.panels.flatMap((p) => [[p.image, true], ...(p.mask ? [[p.mask, false]] : [])]);
    outlines(data.outlines).then((path) => {
      this.path = path;
      if (this.data) this.draw();
    });
    await Promise.all(wanted.map(async ([address, read]) => {
      const found = this.loaded.get(address) ?? (await picture(address, read));
      this.loaded.delete(address); // the newest stand last
      this.loaded.set(address, found);
    }));
    if (turn !== this.turn) return;
    while (this.loaded.size > 30) this.loaded.delete(this.loaded.keys().next().value);
    this.data = data;
    this.values = new Map(data.palette.map((colour, i) => [parseInt(colour, 16), i]));
    this.build(data.curtain ? 1 : data.panels.length);
    this.layout();
    this.root.dataset.drawn = data.id;
    if (!kept.told && this.addressed) requestAnimationFrame(() => setTimeout(() => this.tell(say)));
  }

  /** Say once in a window that the map is there: what stands below it waits for that. */
  tell(say) {
    // Who has gone back since wants no run of this page, which would take its place.
    if (kept.told || location.pathname !== this.page) return;
    kept.told = true;
    say("drawn", true);
  }

  build(count) {
    while (this.panels.length > count) this.panels.pop().box.remove();
    while (this.panels.length < count) this.panels.push(this.panel(this.panels.length));
    this.panels.forEach((panel, i) => {
      panel.box.setAttribute("aria-label", this.data.alt);
      panel.shown = [this.data.panels[i], ...(this.data.curtain ? [this.data.panels[1]] : [])];
      panel.reading.textContent = "";
    });
    this.curtain(this.data.curtain);
  }

  panel(index) {
    const box = document.createElement("div");
    box.className = "panel";
    box.tabIndex = 0;
    box.setAttribute("role", "application");
    const part = (tag, name) => box.appendChild(Object.assign(document.createElement(tag), { className: name }));
    const panel = { box, canvas: part("canvas", ""), name: part("div", "name"), other: part("div", "name right"),
      reading: part("div", "reading") };
    part("div", "cross"); // what Enter picks, seen while the map has the focus of the keyboard
    if (!index) this.buttons(part("div", "buttons"));
    this.listen(panel);
    this.root.append(box);
    return panel;
  }

  buttons(bar) {
    const made = [["+", "Zoom in", () => this.zoom(1.6)], ["\u2212", "Zoom out", () => this.zoom(1 / 1.6)],
      ["\u2302", "Whole Earth", () => this.home()]];
    for (const [text, title, onclick] of made) {
      bar.append(Object.assign(document.createElement("button"), { textContent: text, title, ariaLabel: title, onclick }));
    }
  }

  curtain(wanted) {
    const { box } = this.panels[0];
    const old = box.querySelector(".curtain");
    if (!wanted) return old?.remove();
    if (old) return undefined;
    const curtain = Object.assign(document.createElement("div"), { className: "curtain" });
    curtain.innerHTML = '<i></i><b tabindex="0" role="slider" aria-label="Swipe between the two maps">\u2194</b>';
    const handle = curtain.querySelector("b");
    const move = (share) => {
      this.split = Math.min(0.98, Math.max(0.02, share));
      handle.setAttribute("aria-valuenow", Math.round(100 * this.split));
      for (const part of curtain.children) part.style.left = `${100 * this.split}%`;
      this.draw();
    };
    handle.onpointerdown = (event) => handle.setPointerCapture(event.pointerId);
    handle.onpointermove = (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const { left, width } = box.getBoundingClientRect();
      move((event.clientX - left) / width);
    };
    handle.onkeydown = (event) => {
      const step = { ArrowLeft: -0.02, ArrowRight: 0.02 }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      move(this.split + step);
    };
    box.append(curtain);
    return move(this.split);
  }

  /** Fit the panels to the width that there is. */
  layout() {
    const width = this.root.clientWidth;
    if (!this.data || !width) return;
    const two = this.panels.length > 1;
    this.root.classList.toggle("stacked", two && width < 640);
    const each = this.panels[0].box.clientWidth;
    const height = Math.max(LEAST_PX, Math.round(each * (two ? SHAPE_OF_TWO : SHAPE)));
    this.least = each / 360;
    this.view.zoom = Math.min(MOST_PX / this.least, Math.max(1, this.view.zoom));
    const ratio = window.devicePixelRatio || 1;
    for (const { canvas } of this.panels) {
      if (canvas.width !== Math.round(each * ratio) || canvas.height !== Math.round(height * ratio)) {
        Object.assign(canvas, { width: Math.round(each * ratio), height: Math.round(height * ratio) });
        canvas.style.height = `${height}px`;
      }
    }
    for (const { shown, name, other } of this.panels) {
      const texts = shown.map((panel) => (each < SHORT_BELOW ? panel.short : panel.name));
      [name.textContent, other.textContent] = [texts[0], texts[1] ?? ""];
    }
    Object.assign(this, { width: each, height, ratio });
    this.draw();
  }

  home() {
    Object.assign(this.view, HOME);
    this.draw();
  }

  zoom(factor, x = this.width / 2, y = this.height / 2) {
    const before = this.place(x, y);
    this.view.zoom = Math.min(MOST_PX / this.least, Math.max(1, this.view.zoom * factor));
    const after = this.place(x, y);
    this.shift(before.lon - after.lon, before.lat - after.lat);
  }

  shift(lon, lat) {
    this.view.lon = wrapped(this.view.lon + lon);
    this.view.lat = Math.min(85, Math.max(-75, this.view.lat + lat));
    this.draw();
  }

  place(x, y) {
    const { lon, lat } = this.view, { px } = this;
    return { lon: lon + (x - this.width / 2) / px, lat: lat - (y - this.height / 2) / px };
  }

  x(lon) {
    return this.width / 2 + (lon - this.view.lon) * this.px;
  }

  y(lat) {
    return this.height / 2 - (lat - this.view.lat) * this.px;
  }

  draw() {
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => {
      this.asked = null;
      this.panels.forEach((panel, i) => this.paint(panel.canvas, i));
    });
    const still = this.view.zoom <= 1.001;
    for (const { canvas } of this.panels) canvas.style.touchAction = still ? "pan-y" : "none";
  }

  paint(canvas, index) {
    const context = canvas.getContext("2d");
    const { colours } = this.data;
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.fillStyle = colours.sea;
    context.fillRect(0, 0, this.width, this.height);
    this.countries(context, (path) => {
      context.fillStyle = colours.land;
      context.fill(path);
    });
    if (this.data.curtain) {
      const at = this.split * this.width;
      this.clipped(context, 0, at, () => this.field(context, this.data.panels[0]));
      this.clipped(context, at, this.width, () => this.field(context, this.data.panels[1]));
    } else this.field(context, this.data.panels[index]);
    this.countries(context, (path) => {
      context.lineWidth = 0.8 / this.px;
      context.strokeStyle = colours.border;
      context.stroke(path);
    });
    this.towers(context);
    this.cell(context);
  }

  clipped(context, from, to, draw) {
    context.save();
    context.beginPath();
    context.rect(from, 0, to - from, this.height);
    context.clip();
    draw();
    context.restore();
  }

  countries(context, draw) {
    if (!this.path) return;
    for (const turn of [-360, 0, 360]) {
      context.save();
      context.translate(this.x(turn), this.y(0));
      context.scale(this.px, this.px);
      draw(this.path);
      context.restore();
    }
  }

  field(context, panel) {
    const { image } = this.loaded.get(panel.image);
    this.stretched(context, image, panel.bounds);
    if (!panel.mask) return;
    // Where the model extrapolates: paled and hatched, the lines as dense at every zoom.
    const veil = new OffscreenCanvas(this.width * this.ratio, this.height * this.ratio);
    const over = veil.getContext("2d");
    over.scale(this.ratio, this.ratio);
    this.stretched(over, this.loaded.get(panel.mask).image, panel.bounds);
    over.globalCompositeOperation = "source-in";
    over.fillStyle = this.data.colours.veil;
    over.fillRect(0, 0, this.width, this.height);
    over.globalCompositeOperation = "source-atop";
    over.strokeStyle = this.data.colours.hatch;
    over.lineWidth = 1;
    over.beginPath();
    for (let at = -this.height; at < this.width; at += 6) {
      over.moveTo(at, this.height);
      over.lineTo(at + this.height, 0);
    }
    over.stroke();
    context.drawImage(veil, 0, 0, this.width, this.height);
  }

  stretched(context, image, [west, south, east, north]) {
    const wide = (east - west) * this.px, high = (north - south) * this.px;
    context.imageSmoothingEnabled = wide / image.width < SMOOTH_UP_TO;
    for (const turn of [-360, 0, 360]) {
      const left = this.x(west + turn);
      if (left < this.width && left + wide > 0) context.drawImage(image, left, this.y(north), wide, high);
    }
  }

  towers(context) {
    const { colours, towers } = this.data;
    context.fillStyle = colours.tower;
    context.strokeStyle = colours.edge;
    context.lineWidth = 1;
    const size = Math.min(4, Math.max(2, (this.width / 340) * (this.px / this.least) ** 0.25));
    for (const [lon, lat] of towers) {
      context.beginPath();
      context.arc(this.onscreen(lon), this.y(lat), size, 0, 2 * Math.PI);
      context.fill();
      context.stroke();
    }
  }

  onscreen(lon) {
    return this.x(this.view.lon + wrapped(lon - this.view.lon));
  }

  cell(context) {
    const { cell, colours } = this.data;
    if (!cell) return;
    const [lat, lon, high, wide] = cell;
    const x = this.onscreen(lon), y = this.y(lat);
    const w = Math.max(wide * this.px, 5) / 2, h = Math.max(high * this.px, 5) / 2;
    for (const [colour, line] of [[colours.edge, 4], [colours.mark, 2]]) {
      context.strokeStyle = colour;
      context.lineWidth = line;
      context.strokeRect(x - w, y - h, 2 * w, 2 * h);
      context.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        context.moveTo(x + dx * (w + 4), y + dy * (h + 4));
        context.lineTo(x + dx * (w + 12), y + dy * (h + 12));
      }
      context.stroke();
    }
  }

  /** The value of a panel at a place, in words; empty where there is none. */
  value(panel, { lon, lat }) {
    const { image, pixels } = this.loaded.get(panel.image);
    const [west, south, east, north] = panel.bounds;
    const column = Math.floor(((wrapped(lon - west - 180) + 180) / (east - west)) * image.width);
    const row = Math.floor(((north - lat) / (north - south)) * image.height);
    if (row < 0 || row >= image.height || column < 0 || column >= image.width) return "";
    const at = 4 * (row * image.width + column);
    if (!pixels[at + 3]) return "";
    const step = this.values.get((pixels[at] << 16) | (pixels[at + 1] << 8) | pixels[at + 2]);
    if (step === undefined) return "";
    if (this.data.names) return this.data.names[step];
    const { low, high, unit } = this.data, last = this.data.palette.length - 1;
    const sign = step === 0 ? "\u2264 " : step === last ? "\u2265 " : "";
    return `${sign}${number(low + ((high - low) * step) / last)} ${unit}`.trim();
  }

  near(x, y) {
    let best = null, distance = REACH;
    for (const tower of this.data.towers) {
      const far = Math.hypot(this.onscreen(tower[0]) - x, this.y(tower[1]) - y);
      if (far < distance) [best, distance] = [tower, far];
    }
    return best;
  }

  read(x, y) {
    const at = this.place(x, y), tower = this.near(x, y);
    this.panels.forEach((panel, i) => {
      const shown = this.data.curtain ? this.data.panels[+(x > this.split * this.width)] : this.data.panels[i];
      const where = `${degrees(at.lat, "N", "S")} ${degrees(wrapped(at.lon), "E", "W")}`;
      const said = [tower?.[3] ?? where, this.value(shown, at) || "no value"].join(" · ");
      panel.reading.textContent = Math.abs(at.lat) > 90 ? "" : said;
    });
  }

  listen({ box, canvas, reading }) {
    const held = new Map();
    let moved = 0;
    const spot = (event) => {
      const { left, top } = canvas.getBoundingClientRect();
      return { x: event.clientX - left, y: event.clientY - top };
    };
    canvas.onpointerdown = (event) => {
      canvas.setPointerCapture(event.pointerId);
      if (!held.size) moved = 0;
      held.set(event.pointerId, spot(event));
    };
    canvas.onpointermove = (event) => {
      const now = spot(event), before = held.get(event.pointerId);
      if (!before) return this.read(now.x, now.y);
      const others = [...held].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
      held.set(event.pointerId, now);
      moved += Math.hypot(now.x - before.x, now.y - before.y);
      if (moved < 4) return undefined;
      canvas.classList.add("moving");
      if (!others.length) return this.shift((before.x - now.x) / this.px, (now.y - before.y) / this.px);
      const [other] = others, span = (from) => Math.max(10, Math.hypot(from.x - other.x, from.y - other.y));
      return this.zoom(span(now) / span(before), (now.x + other.x) / 2, (now.y + other.y) / 2);
    };
    canvas.onpointerup = (event) => {
      const { x, y } = spot(event), pressed = held.delete(event.pointerId);
      canvas.classList.remove("moving");
      if (!pressed || held.size) return;
      if (moved < 4) this.choose(x, y);
      else this.address(); // at once: who lets go may reload, or send the address on
    };
    canvas.onpointercancel = (event) => held.delete(event.pointerId);
    canvas.onpointerleave = () => this.panels.forEach((panel) => (panel.reading.textContent = ""));
    canvas.addEventListener("wheel", (event) => {
      // At the whole Earth a turn outwards scrolls the page, as it does beside the map.
      if (event.deltaY > 0 && this.view.zoom <= 1.001) return;
      event.preventDefault();
      const { x, y } = spot(event);
      this.zoom(Math.exp(-Math.sign(event.deltaY) * Math.min(0.3, Math.abs(event.deltaY) / 300)), x, y);
    }, { passive: false });
    box.onfocus = () => box.matches(":focus-visible") && this.read(this.width / 2, this.height / 2);
    box.onkeydown = (event) => {
      const pan = 40 / this.px;
      const done = {
        ArrowLeft: () => this.shift(-pan, 0), ArrowRight: () => this.shift(pan, 0), ArrowUp: () => this.shift(0, pan),
        ArrowDown: () => this.shift(0, -pan), "+": () => this.zoom(1.6), "=": () => this.zoom(1.6),
        "-": () => this.zoom(1 / 1.6), Home: () => this.home(), Enter: () => this.choose(this.width / 2, this.height / 2),
      }[event.key];
      if (!done || event.target !== box) return;
      event.preventDefault();
      done();
      this.read(this.width / 2, this.height / 2);
    };
    reading.setAttribute("aria-live", "polite");
  }

  /** Keep the page where it is while the answer to a pick arrives: the tab that opens would pull it into view. */
  hold() {
    const main = this.root.getRootNode().host?.closest('[data-testid="stMain"]');
    if (!main) return;
    const top = main.scrollTop, back = () => (main.scrollTop = top), own = ["wheel", "touchmove", "keydown", "pointerdown"];
    const end = () => {
      main.removeEventListener("scroll", back);
      for (const kind of own) window.removeEventListener(kind, end, true);
      clearTimeout(late);
    };
    const late = setTimeout(end, HOLD_MS);
    main.addEventListener("scroll", back);
    for (const kind of own) window.addEventListener(kind, end, true);
  }

  choose(x, y) {
    this.hold();
    const at = this.place(x, y), tower = this.near(x, y);
    if (tower) return this.pick({ lat: tower[1], lon: tower[0], site: tower[2] });
    return Math.abs(at.lat) <= 90 && this.pick({ lat: at.lat, lon: wrapped(at.lon) });
  }
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const map = (parentElement.tamrlMap ??= new WorldMap(parentElement));
  map.update(data, setTriggerValue);
  return () => {
    map.destroy();
    delete parentElement.tamrlMap;
  };
}
