/** Keys of the presenter: each presses the button that does the same. */
(() => {
  if (window.tamrlStage) return;
  window.tamrlStage = true;
  // PageDown and PageUp are what a clicker sends.
  const KEYS = {
    ArrowRight: "next", " ": "next", PageDown: "next", ArrowLeft: "undo", PageUp: "undo", u: "undo", Escape: "leave",
    1: "story_1", 2: "story_2", 3: "story_3", 4: "story_4",
  };
  const TYPING = "input, textarea, select, [contenteditable=true], [role=combobox], [role=listbox], [role=dialog]";
  const here = () => document.querySelector(".st-key-stage");
  const full = () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen?.();
  };
  addEventListener("keydown", (event) => {
    const { key, target, repeat, ctrlKey, altKey, metaKey } = event;
    if (!here() || repeat || ctrlKey || altKey || metaKey || target.closest?.(TYPING)) return;
    if (key === " " && target.closest?.("button, a")) return; // it presses what has the focus
    const name = KEYS[key.length === 1 ? key.toLowerCase() : key];
    if (!name && key.toLowerCase() !== "f") return;
    event.preventDefault();
    if (name) document.querySelector(`.st-key-stage_${name} button`)?.click();
    else full();
  });
  addEventListener("click", ({ target, detail }) => {
    if (!here()) return;
    if (target.closest?.(".tamrl-full")) full();
    // Or Space would press the button that the mouse has pressed before.
    if (detail > 0) target.closest?.(".st-key-stage_controls button")?.blur();
  });
})();
