/**
 * A change of page is one entry of the browser's history: streamlit makes one for the bare address of the new page, and
 * the app would make another as soon as it has written its choices into it.
 */
(() => {
  if (window.tamrlHistory) return;
  window.tamrlHistory = true;
  const push = history.pushState.bind(history);
  let turning = true; // nothing was chosen since the present entry began
  history.pushState = (data, title, url) => {
    const changes = new URL(url ?? location.href, location.href).pathname !== location.pathname;
    if (!changes && turning) return history.replaceState(data, title, url);
    turning = changes;
    return push(data, title, url);
  };
  addEventListener("popstate", () => { turning = true; });
  // What the user does is a choice, whatever run is under way. What comes without it, such as a map that asks for a run
  // once it is drawn, or a window that tells its size, belongs to the entry that is there.
  for (const deed of ["pointerdown", "keydown"]) addEventListener(deed, () => { turning = false; }, true);
})();
