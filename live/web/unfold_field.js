/** The dots of one moment, or of one between two: drawn as on the map, over the rings of the prior. */

import { Dots, mixed, packed } from "./map_dots.js";
import { Camera } from "./map_view.js";

const RINGS = [1, 2, 3]; // standard deviations of the prior; of a plain autoencoder, which has none, a scale
const LEAST = 3.3; // of them in sight from the middle, however close the dots lie
const ROOM = 1.06; // around the dots
const PALE = 0.22; // of a dot's edge

export class Field {
  /** `below` has the rings, `canvas` the dots. */
  constructor(below, canvas) {
    Object.assign(this, { below, canvas });
    this.dots = new Dots(canvas);
    this.camera = new Camera([-1, -1], [1, 1]);
    this.points = { x: new Float32Array(0), y: new Float32Array(0), runs: (box, each) => each(0, this.points.x.length) };
  }

  /** The colours of the classes and of the page. */
  dress(shade) {
    const style = getComputedStyle(this.canvas), get = (name) => style.getPropertyValue(name).trim();
    this.ink = { text: get("--st-text-color") || style.color, paper: get("--st-background-color") || "#ffffff" };
    this.ink.font = get("--st-font") || style.fontFamily;
    const colours = Int32Array.from(shade.colours, packed);
    this.paint = { colours, rims: mixed(colours, packed(this.ink.paper), PALE), values: shade.values };
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    this.ratio = window.devicePixelRatio || 1;
    this.camera.resize(width, height);
    for (const canvas of [this.below, this.canvas]) {
      const [w, h] = [Math.round(width * this.ratio), Math.round(height * this.ratio)];
      if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
    }
  }

  /**
   * Draw the dots `t` of the way from one frame to the next.
   *
   * @param from, to frames of unfold_reel.js with the same dots
   * @param {number} reach how far from the middle is seen, map units
   * @param {Uint8Array} hidden 1 for the classes that are not drawn
   */
  draw(from, to, t, reach, hidden) {
    if (!this.paint || !this.camera.width) return;
    const { points, camera } = this, count = Math.min(from.count, to.count);
    if (points.x.length !== count) [points.x, points.y] = [new Float32Array(count), new Float32Array(count)];
    for (let i = 0; i < count; i++) {
      points.x[i] = from.x[i] + (to.x[i] - from.x[i]) * t;
      points.y[i] = from.y[i] + (to.y[i] - from.y[i]) * t;
    }
    camera.x = camera.y = 0;
    camera.scale = Math.min(camera.width, camera.height) / (2 * ROOM * Math.max(reach, LEAST));
    this.drawRings();
    this.dots.draw(points, camera, { ...this.paint, hidden }, camera.width < 400 ? 2.4 : 3, this.ratio);
    this.canvas.dataset.muscopePoints = count;
  }

  /** Where the prior says that codes should lie: two of three within one ring on each axis, nearly all within three. */
  drawRings() {
    const pen = this.below.getContext("2d"), { camera, ink } = this;
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.clearRect(0, 0, camera.width, camera.height);
    const [cx, cy] = camera.toScreen(0, 0);
    pen.strokeStyle = pen.fillStyle = ink.text;
    pen.lineWidth = 1;
    pen.font = `11px ${ink.font}`;
    pen.textAlign = "center";
    for (const ring of RINGS) {
      const radius = ring * camera.scale;
      pen.globalAlpha = 0.2;
      pen.beginPath();
      pen.arc(cx, cy, radius, 0, 2 * Math.PI);
      pen.stroke();
      pen.globalAlpha = 0.65;
      if (radius > 14 * ring) pen.fillText(String(ring), cx, cy + radius + 11);
    }
    pen.globalAlpha = 0.3;
    pen.beginPath();
    pen.moveTo(cx - 4, cy);
    pen.lineTo(cx + 4, cy);
    pen.moveTo(cx, cy - 4);
    pen.lineTo(cx, cy + 4);
    pen.stroke();
    pen.globalAlpha = 1;
  }
}
