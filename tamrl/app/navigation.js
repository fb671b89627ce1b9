/**
 * Streamlit puts the sections of the navigation into its list without making them items, which a screen reader cannot
 * read as a list. The links are read as links instead, in the order in which they stand.
 */
(() => {
  if (window.tamrlNavigation) return;
  window.tamrlNavigation = true;
  const mend = () => {
    for (const list of document.querySelectorAll('[data-testid="stSidebarNavItems"]')) {
      for (const part of [list, ...list.querySelectorAll("li, header")]) {
        if (part.getAttribute("role") !== "none") part.setAttribute("role", "none");
      }
    }
  };
  mend();
  // It may be drawn later, or anew: a section that is opened, a window that grows from a telephone's.
  new MutationObserver(mend).observe(document.body, { childList: true, subtree: true });
})();
