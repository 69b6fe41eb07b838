/**
 * What lies under the dots of a map and over them, drawn with a canvas' own pen.
 *
 * `ink` holds the page's colours: {text, paper, accent, line, font}.
 */

import { channels } from "./map_dots.js";
import { ticks } from "./map_view.js";

const HALO_SIDE = 160; // cells of the halo, each way
const HALO_WIDE = 3; // cells that it is blurred over
const HALO_STRENGTH = { light: 0.09, dark: 0.13 };

// ---- the ground ----------------------------------------------------------------------------------------------------

/** Where the map has data: how much the points cover each cell of a coarse grid, blurred, 0 to 255. */
export function halo(points) {
  const side = HALO_SIDE, span = [0, 1].map((axis) => points.high[axis] - points.low[axis] || 1);
  const cell = Math.max(...span) / (side - 4 * HALO_WIDE);
  const corner = [0, 1].map((axis) => (points.low[axis] + points.high[axis] - side * cell) / 2);
  let cover = new Float32Array(side * side);
  for (let place = 0; place < points.count; place++) {
    const column = Math.floor((points.x[place] - corner[0]) / cell), row = Math.floor((points.y[place] - corner[1]) / cell);
    cover[row * side + column] = 1; // one image is enough
  }
  for (let pass = 0; pass < 2; pass++) cover = blurred(blurred(cover, side, 1, side), side, side, 1);
  const mask = new Uint8ClampedArray(side * side);
  for (let i = 0; i < mask.length; i++) mask[i] = 255 * Math.min(1, 4 * cover[i]);
  return { mask, side, low: corner, size: side * cell };
}

function blurred(from, side, step, line) {
  const to = new Float32Array(from.length), share = 1 / (2 * HALO_WIDE + 1);
  for (let l = 0; l < side; l++)
    for (let i = 0; i < side; i++) {
      let sum = 0;
      for (let d = -HALO_WIDE; d <= HALO_WIDE; d++) {
        const at = i + d;
        if (at >= 0 && at < side) sum += from[l * line + at * step];
      }
      to[l * line + i * step] = sum * share;
    }
  return to;
}

/** The halo as a picture in the page's ink, to be laid under the dots. */
export function tinted({ mask, side }, ink) {
  const canvas = document.createElement("canvas"), image = new ImageData(side, side);
  const rgb = channels(ink.text), strength = rgb[0] > 127 ? HALO_STRENGTH.dark : HALO_STRENGTH.light;
  canvas.width = canvas.height = side;
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++)
      image.data.set([...rgb, mask[(side - 1 - row) * side + column] * strength], 4 * (row * side + column));
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

/** The halo, `share` of its strength, and a grid where the axes have names. */
export function paintGround(pen, camera, ground, picture, names, ink, share = 1) {
  pen.clearRect(0, 0, camera.width, camera.height);
  const [left, top] = camera.toScreen(ground.low[0], ground.low[1] + ground.size);
  pen.imageSmoothingEnabled = true;
  pen.globalAlpha = share;
  pen.drawImage(picture, left, top, ground.size * camera.scale, ground.size * camera.scale);
  pen.globalAlpha = 1;
  if (names) paintGrid(pen, camera, ink);
}

function paintGrid(pen, camera, ink) {
  const [left, bottom, right, top] = camera.box();
  pen.strokeStyle = ink.line;
  for (const x of ticks(left, right, camera.width / 90)) line(pen, camera.toScreen(x, top), camera.toScreen(x, bottom), x ? 0.5 : 1.5);
  for (const y of ticks(bottom, top, camera.height / 70)) line(pen, camera.toScreen(left, y), camera.toScreen(right, y), y ? 0.5 : 1.5);
}

function line(pen, from, to, width) {
  pen.lineWidth = width;
  pen.beginPath();
  pen.moveTo(...from);
  pen.lineTo(...to);
  pen.stroke();
}

// ---- what lies over the dots ---------------------------------------------------------------------------------------

/** Words that can be read over anything. */
export function write(pen, ink, words, x, y, { align = "center", weight = 600, size = 13 } = {}) {
  pen.font = `${weight} ${size}px ${ink.font}`;
  pen.textAlign = align;
  pen.textBaseline = "middle";
  pen.lineJoin = "round";
  pen.lineWidth = 4;
  pen.strokeStyle = ink.paper;
  pen.strokeText(words, x, y);
  pen.fillStyle = ink.text;
  pen.fillText(words, x, y);
}

/** Numbers and names along the axes of two dimensions of the codes. */
export function paintAxes(pen, camera, names, ink) {
  const [left, bottom, right, top] = camera.box(), { width, height } = camera;
  for (const x of ticks(left, right, width / 90)) {
    const [px] = camera.toScreen(x, 0);
    if (px > 40 && px < width - 90) write(pen, ink, shown(x), px, height - 12, { weight: 400 });
  }
  for (const y of ticks(bottom, top, height / 70)) {
    const [, py] = camera.toScreen(0, y);
    if (py > 34 && py < height - 30) write(pen, ink, shown(y), 8, py, { align: "left", weight: 400 });
  }
  write(pen, ink, `${names[0]} →`, width - 8, height - 12, { align: "right" });
  write(pen, ink, `↑ ${names[1]}`, 8, 14, { align: "left" });
}

const shown = (number) => String(number).replace("-", "−");

export function paintGroup(pen, camera, { name, polygon }, ink) {
  const corners = polygon.map(([x, y]) => camera.toScreen(x, y));
  outline(pen, corners, true);
  stroked(pen, ink, [6, 4]);
  const beyond = (axis, most) => corners.every((corner) => corner[axis] < 0) || corners.every((corner) => corner[axis] > most);
  if (beyond(0, camera.width) || beyond(1, camera.height)) return;
  const highest = corners.reduce((best, corner) => (corner[1] < best[1] ? corner : best));
  const x = Math.min(Math.max(highest[0], 40), camera.width - 40);
  write(pen, ink, name, x, Math.min(Math.max(highest[1] - 10, 12), camera.height - 12));
}

/** A line that a hand draws, in screen units. */
export function paintLasso(pen, corners, ink) {
  outline(pen, corners, true);
  pen.fillStyle = ink.accent;
  pen.globalAlpha = 0.12;
  pen.fill("evenodd");
  pen.globalAlpha = 1;
  stroked(pen, ink, []);
}

/**
 * The spread of a posterior: an ellipse with half axes (sx, sy) map units around a point, an outline only, or many make a
 * fog. Without a colour it is the current image's: twice as wide once more, dashed, so that it is seen from afar.
 */
export function paintEllipse(pen, camera, { x, y, sx, sy }, ink, colour) {
  const [px, py] = camera.toScreen(x, y);
  const ellipse = (times) => {
    pen.beginPath();
    pen.ellipse(px, py, times * sx * camera.scale, times * sy * camera.scale, 0, 0, 2 * Math.PI);
  };
  ellipse(1);
  if (!colour) {
    stroked(pen, ink, []);
    ellipse(2);
    stroked(pen, ink, [5, 4]);
    return;
  }
  pen.strokeStyle = colour;
  pen.lineWidth = 1;
  pen.globalAlpha = 0.55;
  pen.stroke();
  pen.globalAlpha = 1;
}

export function paintPath(pen, camera, frames, ink) {
  const corners = frames.map(({ xy }) => camera.toScreen(...xy));
  if (corners.length > 1) {
    outline(pen, corners, false);
    stroked(pen, ink, []);
  }
  corners.forEach(([x, y], i) => disc(pen, x, y, i === 0 || i === corners.length - 1 ? 4.5 : 3, ink));
}

/** Where the tools stand: a ring that nothing else looks like. */
export function paintNow(pen, camera, { xy }, ink) {
  const [x, y] = camera.toScreen(...xy);
  for (const [width, colour] of [[6, ink.paper], [2.5, ink.text]]) {
    pen.lineWidth = width;
    pen.strokeStyle = colour;
    pen.beginPath();
    pen.arc(x, y, 9, 0, 2 * Math.PI);
    pen.stroke();
  }
}

/** A draw from a posterior: a small cross. */
export function paintDraw(pen, camera, { xy }, ink) {
  const [x, y] = camera.toScreen(...xy);
  for (const [width, colour] of [[4, ink.paper], [1.5, ink.text]]) {
    pen.strokeStyle = colour;
    line(pen, [x - 3, y - 3], [x + 3, y + 3], width);
    line(pen, [x - 3, y + 3], [x + 3, y - 3], width);
  }
}

/** A kept code: its picture on a pin, above its place. */
export function paintPin(pen, camera, { xy }, picture, crisp, ink, side = 30) {
  const [x, y] = camera.toScreen(...xy), left = x - side / 2, top = y - side - 9;
  pen.fillStyle = pen.strokeStyle = ink.text;
  pen.lineWidth = 2;
  pen.beginPath();
  pen.moveTo(x - 6, top + side);
  pen.lineTo(x, y);
  pen.lineTo(x + 6, top + side);
  pen.fill();
  pen.fillRect(left - 2, top - 2, side + 4, side + 4);
  if (picture) paintPicture(pen, picture, x, top + side / 2, side, crisp);
}

/** The dot under the hand. */
export function paintHit(pen, x, y, radius, ink) {
  for (const [width, colour] of [[5, ink.paper], [2, ink.accent]]) {
    pen.lineWidth = width;
    pen.strokeStyle = colour;
    pen.beginPath();
    pen.arc(x, y, radius + 3, 0, 2 * Math.PI);
    pen.stroke();
  }
}

/** The keyboard's cursor. */
export function paintCross(pen, x, y, ink) {
  for (const [width, colour] of [[5, ink.paper], [2, ink.accent]]) {
    pen.strokeStyle = colour;
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) line(pen, [x + 6 * dx, y + 6 * dy], [x + 18 * dx, y + 18 * dy], width);
  }
}

/** A small picture around a point, in a frame of a colour. */
export function paintFramed(pen, picture, x, y, side, crisp, colour) {
  pen.fillStyle = colour;
  pen.fillRect(Math.round(x - side / 2) - 2, Math.round(y - side / 2) - 2, side + 4, side + 4);
  paintPicture(pen, picture, x, y, side, crisp);
}

/** A small picture around a point. */
function paintPicture(pen, picture, x, y, side, crisp) {
  pen.imageSmoothingEnabled = !crisp;
  pen.imageSmoothingQuality = "high";
  const shrink = side / Math.max(picture.width, picture.height);
  const width = picture.width * shrink, height = picture.height * shrink;
  pen.drawImage(picture, Math.round(x - width / 2), Math.round(y - height / 2), Math.round(width), Math.round(height));
}

function outline(pen, corners, closed) {
  pen.beginPath();
  corners.forEach((corner) => pen.lineTo(...corner));
  if (closed) pen.closePath();
}

function stroked(pen, ink, dash) {
  pen.lineJoin = "round";
  pen.setLineDash(dash);
  for (const [width, colour] of [[5, ink.paper], [2, ink.text]]) {
    pen.lineWidth = width;
    pen.strokeStyle = colour;
    pen.stroke();
  }
  pen.setLineDash([]);
}

function disc(pen, x, y, radius, ink) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fillStyle = ink.text;
  pen.strokeStyle = ink.paper;
  pen.lineWidth = 2;
  pen.stroke();
  pen.fill();
}
