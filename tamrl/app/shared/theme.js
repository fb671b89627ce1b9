/** Asks for the page to be drawn anew when the reader's theme changes, or how large all is: figures have both in them. */
const WIDTH = 2160, HEIGHT = 900, STEPS = 8, LARGEST = 2; // of the largest window that pages are designed for [px]
const factor = () =>
  Math.min(LARGEST, Math.max(1, Math.floor(STEPS * Math.min(innerWidth / WIDTH, innerHeight / HEIGHT)) / STEPS));
export default function ({ data, setStateValue }) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  // The theme of the app follows some time later; what tells the server before that still tells it the old one.
  const tell = () => setTimeout(() => setStateValue("theme", dark.matches ? "dark" : "light"), 1000);
  const grow = () => {
    const now = factor(), page = document.documentElement;
    page.style.setProperty("--tamrl-scale", now); // type grows by it, see page.css
    page.classList.toggle("tamrl-large", now > 1);
    if (now !== data.scale) setStateValue("scale", now);
  };
  let rest;
  const later = () => { clearTimeout(rest); rest = setTimeout(grow, 300); };
  dark.addEventListener("change", tell);
  addEventListener("resize", later);
  grow();
  return () => {
    clearTimeout(rest);
    removeEventListener("resize", later);
    dark.removeEventListener("change", tell);
  };
}
