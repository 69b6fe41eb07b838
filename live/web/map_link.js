/**
 * Two maps of the same images beside each other: the image under a hand on one of them is marked on the other.
 *
 * A map announces its image as the window event "muscope:pointed", by the name that its data set has for it: another
 * model may keep its images in another order, or keep fewer of them.
 */

export class Link {
  /** `chart` is that of map.js; it takes part where Python says so. */
  constructor(chart) {
    this.chart = chart;
    this.told = null; // the name told last
    this.rows = null; // name -> row, of `names`
    this.names = null;
    const hear = ({ detail }) => this.hear(detail);
    addEventListener("muscope:pointed", hear);
    this.stop = () => removeEventListener("muscope:pointed", hear);
  }

  /** A hand is on the image of that row; null: on none. */
  point(row) {
    const { chart } = this, name = row === null ? null : (chart.names?.values[row] ?? null);
    if (!chart.data.linked || name === this.told) return;
    this.told = name;
    dispatchEvent(new CustomEvent("muscope:pointed", { detail: { from: chart, name } }));
  }

  hear({ from, name }) {
    const { chart } = this;
    if (from === chart || !chart.data?.linked || !chart.ready || !chart.names) return;
    if (this.names !== chart.names) {
      this.names = chart.names;
      this.rows = new Map(Array.from(chart.names.values, (each, row) => [each, row]));
    }
    const row = this.rows.get(name);
    chart.look.guest(row === undefined ? null : chart.points.places[row]);
    chart.frame.dataset.guest = row ?? "";
    chart.over();
  }
}

/**
 * Which dots of a map the other does not have, by place: 1 for each; null where it has them all.
 *
 * @param {string | null} only a bit for each row of the encodings, the lowest first, in base64: 1 where both have it
 */
export function absent(points, only) {
  if (!only) return null;
  const bits = Uint8Array.from(atob(only), (letter) => letter.charCodeAt(0));
  return Uint8Array.from(points.rows, (row) => 1 - ((bits[row >> 3] >> (row & 7)) & 1));
}
