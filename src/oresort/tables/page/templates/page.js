"use strict";
// a click on a heading sorts its table: first up, then down; cells that are not known stay last
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const head = button.parentElement, table = head.closest("table"), body = table.tBodies[0];
    const up = head.getAttribute("aria-sort") !== "ascending", place = head.cellIndex;
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const known = (row) => row.cells[place].dataset.v ?? row.cells[place].textContent.trim();
    const compare = (a, b) => {
      if (a === "" || b === "" || a === "-" || b === "-") return (b !== "" && b !== "-") - (a !== "" && a !== "-");
      const order = isNaN(a) || isNaN(b) ? a.localeCompare(b, "en", { numeric: true }) : a - b;
      return up ? order : -order;
    };
    body.append(...[...body.rows].sort((a, b) => compare(known(a), known(b))));
  });
}
