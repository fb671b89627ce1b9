/** Asks for the page to be drawn anew when the reader's theme changes: figures and maps have its colours in them. */
export default function ({ setStateValue }) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  // The theme of the app follows some time later; what tells the server before that still tells it the old one.
  const tell = () => setTimeout(() => setStateValue("theme", dark.matches ? "dark" : "light"), 1000);
  dark.addEventListener("change", tell);
  return () => dark.removeEventListener("change", tell);
}
