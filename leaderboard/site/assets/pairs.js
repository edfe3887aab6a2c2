// The page of two methods: builds its table from the numbers in the page, as text and never as markup.
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const [first, second, metric] = ["first", "second", "metric"].map((id) => document.getElementById(id));

const put = (parent, tag, text = "", classes = "") => {
  const made = parent.appendChild(document.createElement(tag));
  made.textContent = text;
  made.className = classes;
  return made;
};
const fill = (select, items, chosen) => {
  select.replaceChildren();
  for (const [value, name] of items) put(select, "option", name).value = value;
  if (items.some(([value]) => String(value) === chosen)) select.value = chosen;
};
// Numbers are as printed, so the other way round is another sign.
const turned = (shown) => (shown === "-" || Number(shown) === 0 ? shown : shown.startsWith("-") ? shown.slice(1) : "-" + shown);
const signed = (shown) => (shown !== "-" && Number(shown) > 0 ? "+" + shown : shown);

const rowsOf = (found) => {
  const [one, other] = [Number(first.value), Number(second.value)];
  if (one < other) return found.pairs[`${one}-${other}`];
  return found.pairs[`${other}-${one}`].map(([name, n, a, b, apart, low, high, p, real, won, tied, lost]) =>
    [name, n, b, a, turned(apart), turned(high), turned(low), p, real, lost, tied, won]);
};

function draw(cell, low, value, high, reach) {
  const place = (end) => 50 + 50 * Number(end) / reach;
  put(cell, "span", "", "gx-zero");
  const line = put(cell, "span", "", "gx-interval");
  const bar = put(line, "i");
  bar.style.left = place(low) + "%";
  bar.style.width = place(high) - place(low) + "%";
  put(line, "b").style.left = place(value) + "%";
}

function show() {
  const found = data.metrics[Number(metric.value)];
  const [one, other] = [first, second].map((select) => data.methods[Number(select.value)]);
  const body = document.getElementById("rows");
  const verdict = document.getElementById("verdict");
  body.replaceChildren();
  const derived = (select) => (found.derived.includes(Number(select.value)) ? "°" : "");
  document.getElementById("one").textContent = one + derived(first);
  document.getElementById("other").textContent = other + derived(second);
  const sides = document.getElementById("sides");
  sides.replaceChildren();
  for (const name of [other, one]) put(sides, "span", `${name} higher`);
  document.getElementById("left").textContent = found.left_out.length
    ? `Not held against others here, of which there are the best ${found.order.length}, controls last: ${found.left_out.join(", ")}.` : "";
  const note = [first, second].some(derived) ? ` ${data.derived_said}` : "";
  document.getElementById("said").textContent = found.said.replace("{first}", () => one) + note;
  history.replaceState(null, "", "#" + new URLSearchParams({ first: one, second: other, metric: found.key }));
  if (first.value === second.value) {
    verdict.textContent = "Choose two different methods.";
    return;
  }
  const rows = rowsOf(found);
  const reach = Math.max(...rows.flatMap((row) => [row[4], row[5], row[6]].map((end) => Math.abs(Number(end)) || 0))) || 1;
  for (const [name, n, a, b, apart, low, high, p, real, won, tied, lost] of rows) {
    const row = put(body, "tr");
    const head = put(row, "th", name);
    head.scope = "row";
    put(head, "small", `n = ${n}`);
    put(row, "td", a);
    put(row, "td", b);
    const cell = put(row, "td");
    put(cell, "span", signed(apart), real ? "gx-best" : "");
    if (low !== "-") put(cell, "small", `[${signed(low)}, ${signed(high)}]`);
    const drawn = put(row, "td", "", real ? "gx-best-cell" : "");
    if (low !== "-" && apart !== "-") draw(drawn, low, apart, high, reach);
    put(row, "td", p, real ? "gx-best" : "");
    put(row, "td", `${won} / ${tied} / ${lost}`);
  }
  const macro = rows.find(([name]) => name === "macro");
  if (!macro || macro[4] === "-") {
    verdict.textContent = "No sample has a value of both.";
    return;
  }
  const better = (Number(macro[4]) > 0) === found.higher ? one : other;
  const p = macro[7].startsWith("<") ? `p ${macro[7]}` : `p = ${macro[7]}`;
  verdict.textContent = `${macro[8] ? `${better} is better` : "The two cannot be told apart"} on the macro average: `
    + `difference ${signed(macro[4])} (${found.label}), ${p}, over ${macro[1]} samples`;
}

// The address names the two methods and the metric, so that a view can be sent.
function start() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const at = data.metrics.findIndex((one) => one.key === asked.get("metric"));
  fill(metric, data.metrics.map((one, i) => [i, one.label]), String(at));
  choose(String(data.methods.indexOf(asked.get("first"))), String(data.methods.indexOf(asked.get("second"))));
}

function choose(one, other) {
  const { order } = data.metrics[Number(metric.value)];
  const items = order.map((place) => [place, data.methods[place]]);
  fill(first, items, one);
  fill(second, items, other);
  if (first.value === second.value) second.value = String(order.find((place) => String(place) !== first.value));
  show();
}

first.addEventListener("change", show);
second.addEventListener("change", show);
metric.addEventListener("change", () => choose(first.value, second.value));
addEventListener("hashchange", start);
start();
document.getElementById("pairs").hidden = false;
