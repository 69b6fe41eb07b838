/** Small pictures of images and of codes, asked for a handful at a time and kept for as long as the tab lives. */

import { DECODE, LANE, ROWS, payload, toImageData } from "./client.js";

const HELD = 4000; // pictures
const PATIENCE = 5000; // ms: an answer that a newer one overtook never comes
const LATER = 1000; // ms until the next try

const held = new Map(); // "model key" -> canvas, of all maps of this tab

export class Album {
  /** `come()` is called when pictures have come. */
  constructor(come) {
    this.come = come;
    this.wanted = new Map(); // "model key" -> {row} or {code}
    this.busy = false;
  }

  /** At each run of the page: the wire, the model, and how many pictures one answer holds. */
  use(line, model, most) {
    Object.assign(this, { line, model, most });
  }

  /** The picture of a row of the encodings; null where it is still to come. */
  ofRow(row) {
    return this.find(`${this.model} ${row}`, { row });
  }

  /** The picture of a code. */
  ofCode(code) {
    return this.find(`${this.model} [${code}]`, { code });
  }

  find(key, what) {
    const found = held.get(key);
    if (!found && this.line.state !== "blocked") {
      this.wanted.set(key, what);
      setTimeout(() => this.fetch());
    }
    return found ?? null;
  }

  async fetch() {
    if (this.busy || !this.wanted.size) return;
    this.busy = true;
    const { model, most } = this, all = [...this.wanted].filter(([key]) => key.startsWith(model));
    const rows = all.filter(([, { row }]) => row !== undefined);
    const some = (rows.length ? rows : all).slice(-most);
    this.wanted.clear(); // what is still in sight asks again
    const body = rows.length ? Uint32Array.from(some, ([, { row }]) => row).buffer : payload(some.map(([, { code }]) => code));
    try {
      const request = { kind: rows.length ? ROWS : DECODE, model, count: some.length, payload: body };
      const answer = await soon(this.line.ask(request, LANE.thumbnails));
      some.forEach(([key], i) => held.set(key, picture(answer, i)));
      while (held.size > HELD) held.delete(held.keys().next().value);
    } catch {
      await new Promise((done) => setTimeout(done, LATER)); // the connection comes back, or not
    }
    this.busy = false;
    this.come();
  }
}

function picture(answer, i) {
  const canvas = document.createElement("canvas");
  canvas.width = answer.width;
  canvas.height = answer.height;
  canvas.getContext("2d").putImageData(toImageData(answer, i), 0, 0);
  return canvas;
}

function soon(promise) {
  return Promise.race([promise, new Promise((_, reject) => setTimeout(() => reject(new Error("late")), PATIENCE))]);
}
