/** Strokes of a pen, and the ink they leave: on the pad that is seen, and in the small grid of bytes that is sent. */

import { element, inflate } from "./controls.js";

export const SIDE = 112; // pixels of the ink that is sent

export class Ink {
  /** @param {HTMLCanvasElement} pad where the ink is seen */
  constructor(pad) {
    this.strokes = []; // {erase, points: [[x, y, width], ...]}, all as shares of the side
    this.before = null; // ink from before this pad was opened
    const small = element("canvas", { width: SIDE, height: SIDE });
    this.papers = [[pad.getContext("2d"), pad.width], [small.getContext("2d", { willReadFrequently: true }), SIDE]];
  }

  /** The points of a stroke from one on. */
  lay(stroke, from = 0) {
    for (const [pen, side] of this.papers) {
      pen.globalCompositeOperation = stroke.erase ? "destination-out" : "source-over";
      pen.strokeStyle = pen.fillStyle = "#fff";
      pen.lineCap = pen.lineJoin = "round";
      for (let i = from; i < stroke.points.length; i++) {
        const [x, y, width] = stroke.points[i], [u, v] = stroke.points[Math.max(i - 1, 0)];
        pen.beginPath();
        if (i === 0) {
          pen.arc(x * side, y * side, (width * side) / 2, 0, 7);
          pen.fill();
        } else {
          pen.lineWidth = width * side;
          pen.moveTo(u * side, v * side);
          pen.lineTo(x * side, y * side);
          pen.stroke();
        }
      }
    }
  }

  redraw() {
    for (const [pen, side] of this.papers) {
      pen.globalCompositeOperation = "source-over";
      pen.clearRect(0, 0, side, side);
      if (this.before) pen.drawImage(this.before, 0, 0, side, side);
    }
    for (const stroke of this.strokes) this.lay(stroke);
  }

  wipe() {
    this.strokes = [];
    this.before = null;
    this.redraw();
  }

  /** Begin with ink that was packed; "" is none. */
  async restore(text, stillWanted) {
    const bytes = text ? await inflate(text) : null;
    if (!stillWanted()) return;
    this.wipe();
    if (!bytes) return;
    this.before = element("canvas", { width: SIDE, height: SIDE });
    const image = new ImageData(SIDE, SIDE);
    bytes.forEach((value, i) => image.data.set([255, 255, 255, value], 4 * i));
    this.before.getContext("2d").putImageData(image, 0, 0);
    this.redraw();
  }

  /** All of it as bytes, SIDE x SIDE, 0 paper to 255 ink. */
  bytes() {
    const rgba = this.papers[1][0].getImageData(0, 0, SIDE, SIDE).data;
    return Uint8Array.from({ length: SIDE * SIDE }, (_, i) => rgba[4 * i + 3]);
  }

  /** The box that holds the ink, {bytes, height, width}; null where nothing is drawn. */
  box() {
    const bytes = this.bytes(), drawn = [];
    bytes.forEach((value, i) => value && drawn.push(i));
    if (!drawn.length) return null;
    const xs = drawn.map((i) => i % SIDE), left = Math.min(...xs), width = Math.max(...xs) - left + 1;
    const top = Math.floor(drawn[0] / SIDE), height = Math.floor(drawn.at(-1) / SIDE) - top + 1;
    const box = new Uint8Array(height * width);
    for (let y = 0; y < height; y++) {
      const start = (top + y) * SIDE + left;
      box.set(bytes.subarray(start, start + width), y * width);
    }
    return { bytes: box, height, width };
  }
}
