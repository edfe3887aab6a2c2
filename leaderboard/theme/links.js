/* The way from page to page of the app, with all that was chosen, and without loading anything anew.

Streamlit reads a page and its choices from the address when the browser goes back or forward, and so it does here: a
click puts the whole address into the history, and says that it changed. Streamlit's own way takes a page's choices out
of the address, and a page that is loaded anew knows nothing of the others. */
(() => {
  if (window.gxLinks) return;
  window.gxLinks = true;

  const LEFT = "gx-left ";

  /* The choices that all pages share, or the page's own. */
  function part(params, shared) {
    const names = document.querySelector(".gx-shared").dataset.names.split(" ");
    return [...params].filter(([name]) => names.includes(name) === shared);
  }

  /* Where a click leads; the name of a page has no choices yet, a mark of a chart has its address on what it draws. */
  function wanted({ target }) {
    const name = target.closest?.('a[data-testid$="NavLink"]');
    if (name) {
      const place = new URL(name.href);
      part(new URLSearchParams(location.search), true).forEach(([key, value]) => place.searchParams.append(key, value));
      return place;
    }
    const link = target.closest?.(".stMain a[href]");
    if (link && (link.target || link.hasAttribute("download"))) return undefined;
    const href = link ? link.href : target.closest?.(".stVegaLiteChart") && target.__data__?.href;
    return href && new URL(href, document.baseURI);
  }

  function follow(place) {
    sessionStorage.setItem(LEFT + location.pathname, JSON.stringify(part(new URLSearchParams(location.search), false)));
    const asked = new Set(place.searchParams.keys());
    JSON.parse(sessionStorage.getItem(LEFT + place.pathname) ?? "[]")
      .filter(([name]) => !asked.has(name))
      .forEach(([name, value]) => place.searchParams.append(name, value));
    history.pushState({}, "", place);
    window.dispatchEvent(new PopStateEvent("popstate"));
    document.querySelector(".stMain")?.scrollTo(0, 0);
  }

  document.addEventListener("click", (event) => {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const place = wanted(event);
    // Only what lies beside this page is the app's.
    if (!place || place.hash || new URL(".", place).href !== new URL(".", location.href).href) return;
    event.preventDefault();
    event.stopPropagation();
    follow(place);
  }, { capture: true });
})();
