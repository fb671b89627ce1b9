/**
 * A change of page is one entry of the browser's history: streamlit makes one for the bare address of the new page, and
 * the app would make another as soon as it has written its choices into it.
 */
(() => {
  if (window.tamrlHistory) return;
  window.tamrlHistory = true;
  const push = history.pushState.bind(history);
  let turning = true; // the run that the present entry began is not over
  history.pushState = (data, title, url) => {
    const changes = new URL(url ?? location.href, location.href).pathname !== location.pathname;
    if (!changes && turning) return history.replaceState(data, title, url);
    turning = changes;
    return push(data, title, url);
  };
  addEventListener("popstate", () => { turning = false; });
  const app = document.querySelector('[data-testid="stApp"]');
  if (!app) return;
  const over = () => app.dataset.testScriptState === "notRunning";
  // The address follows the end of a run by a moment.
  const calm = () => { if (over()) setTimeout(() => { if (over()) turning = false; }, 300); };
  // What the user does is a choice, whatever run is under way: the map asks for one by itself once it is drawn.
  for (const deed of ["pointerdown", "keydown"]) addEventListener(deed, () => { turning = false; }, true);
  calm(); // the run that brought this script may be over
  new MutationObserver(calm).observe(app, { attributes: true, attributeFilter: ["data-test-script-state"] });
})();
