/**
 * A grid of cosines, a row and a column for each direction. A press on a cell is told to Python once: which row, which
 * column. Arrow keys go from cell to cell; what a cell says stands in words below the grid.
 */

import { element } from "./controls.js";

const LEGIBLE = 14; // directions: with more, cells are too small for figures
const SHORT = 2; // letters: such a name stands above its column as it is, a longer one on end

export function build(parent, first) {
  const place = { data: null, tell: null, turn: first.turn, at: [0, 0], cells: [] };
  const grid = element("div", { class: "mu-cosines", role: "grid", "aria-label": "Cosines of directions", "data-muscope": "cosines" });
  const said = element("p", { class: "mu-note", role: "status", "data-muscope": "cosine-note" });
  parent.append(grid, said);

  function words(row, column) {
    const { names, values, chance } = place.data;
    if (row === column) return names[row];
    const value = values[row][column], angle = (Math.acos(Math.max(-1, Math.min(1, value))) * 180) / Math.PI;
    const much = Math.abs(value) <= chance ? "no more alike than by chance" : value > 0 ? "alike" : "opposed";
    return `${names[row]} and ${names[column]}: cosine ${figure(value)}, ${angle.toFixed(0)}° apart, ${much}`;
  }

  function draw() {
    const { names, values, chance, chosen } = place.data;
    grid.style.setProperty("--count", names.length);
    grid.classList.toggle("mu-fine", names.length > LEGIBLE);
    const head = element("div", { role: "row", class: "mu-cosines-head" }, element("span", { role: "columnheader" }),
      ...names.map((name) => element("span", { role: "columnheader", title: name }, element("b", { class: name.length > SHORT ? "mu-upright" : null }, name))));
    place.cells = values.map((row, i) => row.map((value, j) => {
      const strong = Math.abs(value) > chance && i !== j;
      const cell = element("span", {
        role: "gridcell", tabindex: "-1", "aria-label": words(i, j), title: words(i, j), "data-muscope": "cosine",
        class: i === j ? "mu-own" : value < 0 ? "mu-less" : "mu-more",
        "aria-selected": String(Boolean(chosen && chosen[0] === i && chosen[1] === j)),
      }, names.length > LEGIBLE ? "" : i === j ? "1" : figure(value));
      cell.style.setProperty("--much", strong ? Math.abs(value).toFixed(2) : "0");
      cell.addEventListener("click", () => press(i, j));
      cell.addEventListener("pointerenter", () => (said.textContent = words(i, j)));
      cell.addEventListener("focus", () => (said.textContent = words(i, j)));
      return cell;
    }));
    grid.replaceChildren(head, ...place.cells.map((cells, i) =>
      element("div", { role: "row" }, element("span", { role: "rowheader", title: names[i] }, names[i]), ...cells)));
    if (chosen) place.at = [...chosen];
    place.at = place.at.map((at) => Math.min(at, names.length - 1));
    place.cells[place.at[0]][place.at[1]].tabIndex = 0;
    said.textContent = chosen ? words(...chosen) : "";
  }

  function go(row, column) {
    const last = place.cells.length - 1;
    place.cells[place.at[0]][place.at[1]].tabIndex = -1;
    place.at = [row, column].map((at) => Math.max(0, Math.min(at, last)));
    const cell = place.cells[place.at[0]][place.at[1]];
    cell.tabIndex = 0;
    cell.focus();
  }

  function press(row, column) {
    go(row, column);
    const { model, options } = place.data;
    grid.dataset.turn = String(place.turn + 1);
    place.tell("press", { turn: ++place.turn, model, row: options[row], column: options[column] });
  }

  grid.addEventListener("pointerleave", () => {
    const { chosen } = place.data;
    said.textContent = chosen ? words(...chosen) : "";
  });

  grid.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [row, column] = place.at, last = place.cells.length - 1;
    const to = {
      ArrowUp: [row - 1, column], ArrowDown: [row + 1, column], ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1],
      Home: [row, 0], End: [row, last], PageUp: [0, column], PageDown: [last, column],
    }[event.key];
    if (to) go(...to);
    else if (event.key === "Enter" || event.key === " ") press(row, column);
    else return;
    event.preventDefault();
  });

  return {
    set tell(tell) {
      place.tell = tell;
    },
    update(data) {
      const seen = JSON.stringify([data.options, data.names, data.values, data.chosen, data.model]);
      place.turn = Math.max(place.turn, data.turn);
      const focused = grid.contains(document.activeElement);
      const other = seen !== place.seen;
      Object.assign(place, { data, seen });
      if (!other) return;
      draw();
      if (focused) place.cells[place.at[0]][place.at[1]].focus({ preventScroll: true });
    },
    stop() {},
  };
}

/** Two decimals without a leading zero, and a real minus: ".42". */
function figure(value) {
  const text = Math.abs(value).toFixed(2).replace(/^0/, "");
  return (value < 0 && text !== ".00" ? "\u2212" : "") + text;
}
