/** Tells how much larger than 1280 x 720 the window is, in eighths, so that all on the stage grows with it. */
const now = () => Math.max(1, Math.floor(8 * Math.min(innerWidth / 1280, innerHeight / 720)) / 8);
export default function ({ data, setStateValue }) {
  const tell = () => { if (now() !== data.scale) setStateValue("scale", now()); };
  let rest;
  const later = () => { clearTimeout(rest); rest = setTimeout(tell, 300); };
  addEventListener("resize", later);
  tell();
  return () => { clearTimeout(rest); removeEventListener("resize", later); };
}
