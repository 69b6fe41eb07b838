/** The frames of one training, as far as they have come: each is fetched once and kept. */

import { readColour, readPoints } from "./map_view.js";

const AT_ONCE = 8; // frames in one request: a second on a slow line, and the first are seen while the others come
const REELS_HELD = 3; // of which the frames stay in memory
const PICTURES_HELD = 60; // pairs of pictures that lie ready to be drawn

const held = new Map(); // address -> its frames, the newest last

/** The reel at an address below /live/. */
export function reel(address) {
  const found = held.get(address) ?? new Reel(address);
  held.delete(address);
  held.set(address, found);
  if (held.size > REELS_HELD) held.delete(held.keys().next().value);
  return found;
}

class Reel {
  constructor(address) {
    this.address = address;
    this.frames = new Map(); // name -> what came
    this.ready = new Map(); // name -> promise of its two pictures, the last that was used at the end
    this.under = new Set(); // names that are on their way
  }

  /** Which class each dot is of. */
  async dots(live) {
    this.shade ??= this.fetch(live, "dots").then(readColour);
    this.shade.catch(() => (this.shade = null));
    return this.shade;
  }

  /** The whole of it as a GIF file. */
  async film(live) {
    return new Blob([await this.fetch(live, "film")], { type: "image/gif" });
  }

  /** The figures of the epochs so far; `version` names how far that is. */
  async curves(live, version) {
    return JSON.parse(new TextDecoder().decode(await this.fetch(live, `curves/${version}`)));
  }

  /**
   * Fetch what is missing of `names`, in that order.
   *
   * @param {() => boolean} onSlice called when some have come; false from it ends the asking.
   */
  async want(live, names, onSlice) {
    for (;;) {
      const missing = names.filter((name) => !this.frames.has(name) && !this.under.has(name)).slice(0, AT_ONCE);
      if (!missing.length) return;
      for (const name of missing) this.under.add(name);
      try {
        const buffer = await this.fetch(live, `frames/${missing.join(",")}`), view = new DataView(buffer);
        let at = 0;
        for (const name of missing) {
          const length = view.getUint32(at, true);
          this.frames.set(name, length ? read(buffer.slice(at + 4, at + 4 + length)) : null); // null: it is gone
          at += 4 + length;
        }
      } finally {
        for (const name of missing) this.under.delete(name);
      }
      if (!onSlice()) return;
    }
  }

  /** What came of a frame; undefined before, null where there is none any more. */
  frame(name) {
    return this.frames.get(name);
  }

  /** The two pictures of a frame once they can be drawn: {pictures, samples}, or null until then. */
  pictures(name, whenReady) {
    const frame = this.frames.get(name);
    if (!frame) return null;
    const found = this.ready.get(name) ?? this.unpack(frame, whenReady);
    this.ready.delete(name);
    this.ready.set(name, found);
    if (this.ready.size > PICTURES_HELD) this.ready.delete(this.ready.keys().next().value);
    return found.now;
  }

  unpack(frame, whenReady) {
    const made = { now: null };
    Promise.all([createImageBitmap(frame.pictures), createImageBitmap(frame.samples)]).then(
      ([pictures, samples]) => {
        made.now = { pictures, samples };
        whenReady();
      },
      () => {}, // a picture that cannot be read: the dots are still there
    );
    return made;
  }

  async fetch(live, what) {
    const response = await fetch(`${live.base}/live/${this.address}/${what}`, { headers: { "X-Muscope-Token": live.token } });
    if (!response.ok) throw new Error((await response.text()).slice(0, 300));
    return response.arrayBuffer();
  }
}

function read(buffer) {
  const { columns, low, high, ...head } = readPoints(buffer);
  const [x, y] = columns.map((column, axis) => {
    const unit = (high[axis] - low[axis]) / 65535;
    return Float32Array.from(column, (step) => low[axis] + step * unit);
  });
  const end = buffer.byteLength - head.samples;
  const part = (from, to) => new Blob([buffer.slice(from, to)], { type: head.type });
  return { ...head, x, y, pictures: part(end - head.pictures, end), samples: part(end, buffer.byteLength) };
}
