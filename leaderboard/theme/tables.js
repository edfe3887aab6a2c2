/* Sorting, search and choice of columns of the tables that leaderboard/sortable.py writes.

The choices stand in the page's address (sort, find, hide). A table that a page writes anew takes them up again; one
listener on the whole document serves every table, whenever it comes. */
(() => {
  if (window.gxTables) return;
  window.gxTables = true;

  const chosen = () => new URLSearchParams(location.search);

  function remember(name, values) {
    const address = new URL(location.href);
    address.searchParams.delete(name);
    values.forEach((value) => address.searchParams.append(name, value));
    try {
      history.replaceState(history.state, "", address);
    } catch {
      // A page opened from a file may not change its address in some browsers; it sorts all the same.
    }
  }

  const heads = (block) => [...block.querySelectorAll("thead th")];
  const rows = (block) => [...block.querySelectorAll("tbody tr")];

  function compare(first, second, sign) {
    // What has no value comes last, whichever way.
    if (first === undefined || second === undefined) return (first === undefined) - (second === undefined);
    const [a, b] = [Number(first), Number(second)];
    const numbers = !Number.isNaN(a) && !Number.isNaN(b);
    return sign * (numbers ? a - b : first.localeCompare(second, undefined, { numeric: true, sensitivity: "base" }));
  }

  function sort(block, head, direction) {
    const column = heads(block).indexOf(head);
    const sign = direction === "descending" ? -1 : 1;
    for (const body of block.querySelectorAll("tbody")) {
      const sorted = [...body.rows].sort((one, other) =>
        compare(one.cells[column].dataset.key, other.cells[column].dataset.key, sign));
      body.append(...sorted);
    }
    heads(block).forEach((one) => one.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", direction);
  }

  function find(block, words) {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    for (const row of rows(block)) {
      const name = (row.cells[0].dataset.key || row.cells[0].textContent).toLowerCase();
      row.hidden = !wanted.every((word) => name.includes(word));
      left += !row.hidden;
    }
    block.querySelector(".gx-found").textContent = wanted.length ? `${left} of ${rows(block).length}` : "";
  }

  function show(block, hidden) {
    heads(block).forEach((head, column) => {
      const gone = column > 0 && hidden.includes(head.dataset.name);
      head.hidden = gone;
      rows(block).forEach((row) => { row.cells[column].hidden = gone; });
    });
  }

  /* Take up what the address says. */
  function apply(block) {
    block.dataset.ready = "";
    const address = chosen();
    const asked = address.get("sort") || "";
    const head = heads(block).find((one) => one.dataset.name === asked.replace(/^-/, ""));
    if (head) {
      const { first } = head.dataset;
      const other = first === "descending" ? "ascending" : "descending";
      sort(block, head, asked.startsWith("-") ? other : first);
    }
    const words = address.get("find") || "";
    if (words) {
      block.querySelector(".gx-find").value = words;
      find(block, words);
    }
    const hidden = address.getAll("hide");
    if (hidden.length) {
      block.querySelectorAll(".gx-columns input").forEach((box) => { box.checked = !hidden.includes(box.value); });
      show(block, hidden);
    }
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".gx-sortable .gx-sort");
    if (!button) {
      // A click elsewhere closes an open choice of columns.
      document.querySelectorAll(".gx-columns[open]").forEach((list) => {
        if (!list.contains(event.target)) list.open = false;
      });
      return;
    }
    const [head, block] = [button.closest("th"), button.closest(".gx-sortable")];
    const { first } = head.dataset;
    const other = first === "descending" ? "ascending" : "descending";
    const direction = head.getAttribute("aria-sort") === first ? other : first;
    sort(block, head, direction);
    const { name } = head.dataset;
    const usual = name === block.dataset.order && direction === first;
    remember("sort", usual ? [] : [direction === first ? name : `-${name}`]);
  });

  document.addEventListener("input", (event) => {
    const block = event.target.closest?.(".gx-sortable");
    if (!block) return;
    if (event.target.matches(".gx-find")) {
      find(block, event.target.value);
      remember("find", event.target.value ? [event.target.value] : []);
    } else if (event.target.matches(".gx-columns input")) {
      const boxes = [...block.querySelectorAll(".gx-columns input")];
      const hidden = boxes.filter((box) => !box.checked).map((box) => box.value);
      show(block, hidden);
      remember("hide", hidden);
    }
  });

  document.addEventListener("keydown", (event) => {
    const list = event.key === "Escape" && event.target.closest?.(".gx-columns[open]");
    if (!list) return;
    list.open = false;
    list.querySelector("summary").focus();
  });

  const waiting = () => document.querySelectorAll(".gx-sortable:not([data-ready])").forEach(apply);
  new MutationObserver(waiting).observe(document.documentElement, { childList: true, subtree: true });
  waiting();
})();
