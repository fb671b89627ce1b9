/** Tells how much larger than 1280 x 720 the window is, in eighths, so that all on the stage grows with it; the height
 * that is left then, in steps of 20 px, which the picture takes; and whether the window is so narrow that words and
 * picture stand below each other. */
const NARROW = matchMedia("(max-width: 899px)"); // as in stage.css
const now = () => {
  const scale = Math.max(1, Math.floor(8 * Math.min(innerWidth / 1280, innerHeight / 720)) / 8);
  const left = innerWidth < 1100 ? 0 : innerHeight - 720 * scale; // where the head may take two lines there is none
  return { scale, room: Math.max(0, 20 * Math.floor(left / 20)), narrow: NARROW.matches };
};
export default function ({ data, setStateValue }) {
  const tell = () => Object.entries(now()).forEach(([name, value]) => value !== data[name] && setStateValue(name, value));
  let rest;
  const later = () => { clearTimeout(rest); rest = setTimeout(tell, 300); };
  addEventListener("resize", later);
  tell();
  return () => { clearTimeout(rest); removeEventListener("resize", later); };
}
