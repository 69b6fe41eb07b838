/** The pictures of one path, as far as they have come: those of its strip first, then all, a slice at a time. */

import { DECODE, LANE } from "./client.js";
import { floats, unpack } from "./controls.js";

const SLICE = 32, REPLY = 4 << 20, REQUEST = 60_000; // pictures, bytes of pixels and bytes of codes in one request
const PATHS_HELD = 4; // of which the pictures stay in memory

const held = new Map(); // path -> its pictures, the newest last

/** The pictures of a path; `path` is its name, `data` what Python says of it. */
export function film(path, data) {
  const found = held.get(path) ?? new Film(data);
  held.delete(path);
  held.set(path, found);
  if (held.size > PATHS_HELD) held.delete(held.keys().next().value);
  return found;
}

class Film {
  constructor({ model, codes, count, shown, strip, bytes }) {
    this.model = model;
    this.count = count;
    this.bytes = bytes;
    this.flat = floats(codes);
    this.size = this.flat.length / count;
    this.frames = new Array(count).fill(null); // {answer, at}
    this.asked = 0; // slices before this frame have come
    this.first = Promise.all(
      strip.map(async ({ png }, i) => {
        const answer = await unpack(png);
        this.frames[shown[i]] ??= { answer, at: 0 };
      }),
    );
  }

  code(frame) {
    return this.flat.subarray(frame * this.size, (frame + 1) * this.size);
  }

  /** The picture of a frame, or of the nearest that has come; null before the first. */
  nearest(frame) {
    for (let away = 0; away < this.count; away++) {
      const found = this.frames[frame - away] ?? this.frames[frame + away];
      if (found) return found;
    }
    return null;
  }

  get share() {
    return this.asked / this.count;
  }

  /** Ask for all that is missing. `onSlice` is called after each slice; false from it ends the asking. */
  async fetch(line, onSlice) {
    const most = Math.max(1, Math.min(SLICE, Math.floor(REPLY / this.bytes), Math.floor(REQUEST / (4 * this.size))));
    while (this.asked < this.count) {
      const from = this.asked, count = Math.min(most, this.count - from);
      const payload = this.flat.slice(from * this.size, (from + count) * this.size).buffer;
      const answer = await line.ask({ kind: DECODE, model: this.model, payload, count, unusual: false }, LANE.grid);
      for (let at = 0; at < count; at++) this.frames[from + at] = { answer, at };
      this.asked = from + count;
      if (!onSlice()) return;
    }
  }
}
