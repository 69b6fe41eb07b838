/** A picture as a canvas, what lies behind it, and the pixels of a part of it as a model reads them. */

import { element } from "./controls.js";

const SIDE = 1600; // pixels of the larger side that are kept of a photo: no model reads more than a few hundred
const OVER = 16; // pixels, along each side, that one of the model's is the mean of, at most
const LOOK = 160, INK = 0.45; // pixels of the larger side in which ink is looked for; of the strongest, that counts
const GREY = [0.299, 0.587, 0.114]; // ITU-R BT.601, as grey pictures are made everywhere

/** A file as a canvas, turned as its camera was held; transparency is white. Rejects where it is no picture. */
export async function prepared(blob) {
  const address = URL.createObjectURL(blob);
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const scale = Math.min(1, SIDE / Math.max(image.naturalWidth, image.naturalHeight));
    const [width, height] = [image.naturalWidth, image.naturalHeight].map((side) => Math.round(side * scale));
    if (!width || !height) throw new Error("no size"); // a drawing by lines that does not say how large it is
    const canvas = element("canvas", { width, height }), pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, width, height);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(image, 0, 0, width, height);
    return canvas;
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** The colour along a picture's edge, in the middle of all there, and how light that is (0 to 255). */
export function grounded(source) {
  const { width, height } = source, pen = source.getContext("2d"), edge = [[], [], []];
  for (const part of [[0, 0, width, 1], [0, height - 1, width, 1], [0, 0, 1, height], [width - 1, 0, 1, height]]) {
    const { data } = pen.getImageData(...part);
    for (let i = 0; i < data.length; i += 4) edge.forEach((values, c) => values.push(data[i + c]));
  }
  const colour = edge.map((values) => at(values, 0.5));
  return { colour: `rgb(${colour.join(" ")})`, light: light(...colour) };
}

/** The box around what is not ground, {x, y (its middle), width, height}; null where that is all, or nothing. */
export function inked(source) {
  const scale = LOOK / Math.max(source.width, source.height);
  const [width, height] = [source.width, source.height].map((side) => Math.max(1, Math.round(side * scale)));
  const paper = element("canvas", { width, height }), pen = paper.getContext("2d", { willReadFrequently: true });
  pen.drawImage(source, 0, 0, width, height);
  const { data } = pen.getImageData(0, 0, width, height), ground = grounded(source).light;
  const off = Array.from({ length: width * height }, (_, i) => Math.abs(light(data[4 * i], data[4 * i + 1], data[4 * i + 2]) - ground));
  const line = Math.max(24, INK * at(off, 0.998)), drawn = off.flatMap((value, i) => (value > line ? [i] : []));
  if (!drawn.length || drawn.length > off.length / 2) return null;
  const xs = drawn.map((i) => i % width), ys = drawn.map((i) => Math.floor(i / width));
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs) + 1, Math.min(...ys), Math.max(...ys) + 1];
  return { x: (left + right) / 2 / scale, y: (top + bottom) / 2 / scale, width: (right - left) / scale, height: (bottom - top) / scale };
}

const light = (r, g, b) => GREY[0] * r + GREY[1] * g + GREY[2] * b;
const at = (values, share) => Array.from(values).sort((a, b) => a - b)[Math.round(share * (values.length - 1))];

/**
 * What is inside the frame, as bytes (H * W * C) of the model's shape. Each is the mean of what it lies on.
 *
 * @param cut {source, x, y, size (the frame's height), ground, invert, plain}, in the source's pixels
 * @param shape [C, H, W]
 * @param asked the ground of the model's images: "dark", "light" or ""
 */
export function pixelsOf(cut, [channels, height, width], asked) {
  const over = Math.min(OVER, Math.max(1, Math.ceil(cut.size / height)));
  const [w, h] = [width * over, height * over], scale = h / cut.size;
  const paper = element("canvas", { width: w, height: h }), pen = paper.getContext("2d", { willReadFrequently: true });
  pen.fillStyle = cut.ground;
  pen.fillRect(0, 0, w, h);
  pen.imageSmoothingQuality = "high";
  pen.translate(w / 2, h / 2);
  pen.scale(scale, scale);
  pen.drawImage(cut.source, -cut.x, -cut.y);
  const { data } = pen.getImageData(0, 0, w, h), sums = new Float64Array(width * height * channels);
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) {
      const from = 4 * (y * w + x), to = channels * (Math.floor(y / over) * width + Math.floor(x / over));
      if (channels === 1) sums[to] += light(data[from], data[from + 1], data[from + 2]);
      else for (let c = 0; c < channels; c++) sums[to + c] += data[from + c];
    }
  const means = sums.map((sum) => sum / over ** 2);
  const turned = cut.invert ? means.map((value) => 255 - value) : means;
  const plain = cut.plain && channels === 1 && asked;
  return Uint8Array.from(plain ? flattened(turned, width, height, asked) : turned, (value) => Math.min(255, Math.max(0, Math.round(value))));
}

/** Grey values whose ground is made even: what lies along the edge becomes black ("dark") or white, the ink full. */
function flattened(values, width, height, asked) {
  const sign = asked === "dark" ? (value) => value : (value) => 255 - value;
  const dark = values.map(sign), edge = dark.filter((_, i) => i < width || i >= width * (height - 1) || i % width === 0 || i % width === width - 1);
  const low = at(edge, 0.5), high = at(dark, 0.99);
  if (high - low < 24) return values; // an even picture: there is no ink to part from its ground
  const from = low + 0.12 * (high - low); // paper is never quite even
  return dark.map((value) => sign(Math.min(255, Math.max(0, (255 * (value - from)) / (high - from)))));
}
