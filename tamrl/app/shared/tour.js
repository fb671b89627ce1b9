// The guided tour: it walks the page that is there, one real element after the other.
//
// The page stays usable under it: only the box with the text takes clicks. Arrows step, Escape ends, and what was seen
// once does not open by itself again.
(() => {
  if (window.tamrlTour) return;
  const KEY = "tamrl-tour-seen";
  let steps = [], at = 0, box = null, ring = null, from = null, timer = 0;

  const seen = () => { try { return localStorage.getItem(KEY) === "1"; } catch { return true; } };
  const remember = () => { try { localStorage.setItem(KEY, "1"); } catch { /* a private window */ } };
  const target = (step) => [...document.querySelectorAll(step.at)].find((element) => element.offsetHeight > 0);
  const make = (name, parent, text = "", cls = "") => {
    const made = document.createElement(name);
    made.textContent = text;
    if (cls) made.className = cls;
    parent.append(made);
    return made;
  };

  /** Put the ring around the element and the box beside it, wherever they are now. */
  function place() {
    const element = steps[at] && target(steps[at]);
    if (!element || !box) return;
    const seenAt = element.getBoundingClientRect(), room = 6;
    const top = Math.max(seenAt.top - room, 2), bottom = Math.min(seenAt.bottom + room, innerHeight - 2);
    Object.assign(ring.style, {
      left: `${Math.max(seenAt.left - room, 2)}px`, top: `${top}px`,
      width: `${Math.min(seenAt.width + 2 * room, innerWidth - 4)}px`, height: `${Math.max(bottom - top, 0)}px`,
    });
    const { offsetWidth: width, offsetHeight: height } = box;
    const below = bottom + 12 + height <= innerHeight, above = top - 12 - height >= 0;
    const y = below ? bottom + 12 : above ? top - 12 - height : innerHeight - height - 12;
    const x = Math.min(Math.max(seenAt.left, 12), innerWidth - width - 12);
    Object.assign(box.style, { left: `${Math.max(x, 8)}px`, top: `${y}px` });
  }

  /** Show the step `to`, or the next one in the direction that is on the page. */
  function show(to, direction) {
    while (steps[to] && !target(steps[to])) to += direction;
    if (!steps[to]) { if (direction > 0) end(); return; }
    at = to;
    const step = steps[at];
    box.querySelector("h2").textContent = step.title;
    box.querySelector("p").textContent = step.text;
    box.querySelector(".count").textContent = `${at + 1} of ${steps.length}`;
    box.querySelector(".back").disabled = !steps.slice(0, at).some(target);
    box.querySelector(".next").textContent = steps.slice(at + 1).some(target) ? "Next" : "Done";
    const element = target(step);
    const tall = element.offsetHeight > innerHeight * 0.6;
    element.scrollIntoView({ block: tall ? "start" : "center" });
    place();
    box.focus();
  }

  function keys(event) {
    const deed = {
      ArrowRight: () => show(at + 1, 1), ArrowLeft: () => show(at - 1, -1), Escape: end,
    }[event.key];
    // Outside the box arrows belong to what has the focus, such as the map or a slider.
    if (!deed || (event.key !== "Escape" && !box.contains(document.activeElement))) return;
    event.preventDefault();
    event.stopPropagation();
    deed();
  }

  function end() {
    if (!box) return;
    clearInterval(timer);
    removeEventListener("keydown", keys, true);
    box.remove();
    ring.remove();
    box = ring = null;
    from?.isConnected && from.focus();
  }

  function start(told, button) {
    end();
    remember();
    steps = told;
    from = button ?? null;
    ring = make("div", document.body, "", "tamrl-tour-ring");
    box = make("div", document.body, "", "tamrl-tour-box");
    box.tabIndex = -1;
    for (const [name, value] of Object.entries({ role: "dialog", "aria-labelledby": "tamrl-tour-title",
      "aria-describedby": "tamrl-tour-text" })) box.setAttribute(name, value);
    make("h2", box).id = "tamrl-tour-title";
    make("p", box).id = "tamrl-tour-text";
    const row = make("div", box, "", "row");
    make("span", row, "", "count");
    make("button", row, "Skip").onclick = end;
    make("button", row, "Back", "back").onclick = () => show(at - 1, -1);
    make("button", row, "Next", "next").onclick = () => show(at + 1, 1);
    addEventListener("keydown", keys, true);
    timer = setInterval(place, 120); // the page moves under it, by scrolling and by its own runs
    show(0, 1);
  }

  const steps_of = (button) => JSON.parse(button.dataset.steps);
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".tamrl-tour-button");
    if (button) start(steps_of(button), button);
  });
  // A change of page takes the elements away.
  let path = location.pathname;
  setInterval(() => {
    if (location.pathname !== path) { path = location.pathname; end(); }
    const button = document.querySelector('.tamrl-tour-button[data-first="1"]');
    if (!box && button && !seen() && target(steps_of(button)[0])) start(steps_of(button), button);
  }, 1000);
  window.tamrlTour = { start, end };
})();
