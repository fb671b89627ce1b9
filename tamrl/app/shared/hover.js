// Charts write numbers on hover with a hyphen, whatever their locale; here it becomes a minus sign, as on the page.
if (!window.tamrlHover) {
  const mend = text => text.replace(/(^|[\s:(,[])-(?=\.?\d)/g, "$1\u2212");
  const look = node => {
    const walk = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
    for (let part = walk.nextNode(); part; part = walk.nextNode()) {
      const said = mend(part.data);
      if (said !== part.data) part.data = said;
    }
  };
  window.tamrlHover = new MutationObserver(changes => {
    const layers = new Set();
    for (const { target } of changes) {
      const layer = target.closest?.(".hoverlayer");
      if (layer) layers.add(layer);
    }
    layers.forEach(look);
  });
  window.tamrlHover.observe(document.body, { childList: true, subtree: true });
}
