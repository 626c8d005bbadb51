"use strict";
/* Tables sort by their heads. The page says everything without this script too. */

const MISSING = "–";
const ORDERS = { number: ["descending", "ascending", ""], text: ["ascending", "descending", ""] };

function keyOf(row, column) {
  const cell = row.cells[column];
  if (cell.dataset.value !== undefined) return [0, Number(cell.dataset.value)];
  const text = cell.textContent.trim();
  return text === "" || text === MISSING ? [2, ""] : [1, text];
}

function compare(first, second, sign) {
  if (first[0] !== second[0]) {
    // What is missing stands last, whichever way the rest is turned.
    if (first[0] === 2 || second[0] === 2) return first[0] - second[0];
    return sign * (first[0] - second[0]);
  }
  if (first[0] === 0) return sign * (first[1] - second[1]);
  return sign * first[1].localeCompare(second[1], "en", { numeric: true });
}

function makeSortable(table) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const given = [...body.rows];
  const sorted = given.filter((row) => !row.classList.contains("summary"));
  const last = given.filter((row) => row.classList.contains("summary"));

  function turn(column) {
    const kind = sorted.some((row) => keyOf(row, column)[0] === 0) ? "number" : "text";
    const orders = ORDERS[kind];
    const now = heads[column].getAttribute("aria-sort") || "";
    const next = orders[(orders.indexOf(now) + 1) % orders.length];
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    if (next) heads[column].setAttribute("aria-sort", next);
    table.classList.toggle("sorted", next !== "");
    const sign = next === "descending" ? -1 : 1;
    const rows = sorted.map((row, place) => [keyOf(row, column), place, row]);
    if (next) rows.sort((a, b) => compare(a[0], b[0], sign) || a[1] - b[1]);
    body.append(...rows.map((entry) => entry[2]), ...last);
  }

  heads.forEach((head, column) => {
    if (head.textContent.trim() === "") return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => turn(column));
  });
}

document.querySelectorAll("table[data-sortable]").forEach(makeSortable);

const fits = (box) => box.firstElementChild.offsetWidth <= box.clientWidth + 1;

/* A table that is too wide is set tighter. One that then fits needs no box to scroll in; its head
   stays in sight while the page scrolls. */
function settle(box) {
  box.classList.remove("tight");
  box.classList.toggle("tight", !fits(box));
  box.classList.toggle("fits", fits(box));
  box.tabIndex = fits(box) ? -1 : 0;
}

const boxes = new ResizeObserver((entries) => {
  // Not at once: what is set tighter changes its height, too.
  requestAnimationFrame(() => entries.forEach((entry) => settle(entry.target)));
});
document.querySelectorAll("div.wide").forEach((box) => {
  // What is seen is set before it is first drawn; a closed fold has no width to go by.
  if (!box.closest("details:not([open])")) settle(box);
  boxes.observe(box);
});
