/* Links between the app's pages, which keep the session: what was chosen on other pages holds.

Streamlit reads a page and all its choices from the address on the browser's "back" and "forward", and so it does here:
a click puts the address into the history and says that it changed. Loaded anew, a page knows nothing of the others. */
(() => {
  if (window.gxLinks) return;
  window.gxLinks = true;

  /* Where a click leads; a mark of a chart has its address on what it is drawn from. */
  const address = ({ target }) => {
    const link = target.closest?.(".stMain a[href]");
    if (link) return link.target || link.hasAttribute("download") ? undefined : link.href;
    return target.closest?.(".stVegaLiteChart") && target.__data__?.href;
  };

  document.addEventListener("click", (event) => {
    const href = address(event);
    if (!href || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const place = new URL(href, document.baseURI);
    // Only pages that lie beside this one are the app's.
    if (new URL(".", place).href !== new URL(".", location.href).href || place.hash) return;
    event.preventDefault();
    event.stopPropagation();
    history.pushState({}, "", place);
    window.dispatchEvent(new PopStateEvent("popstate"));
    document.querySelector(".stMain")?.scrollTo(0, 0);
  }, { capture: true });
})();
