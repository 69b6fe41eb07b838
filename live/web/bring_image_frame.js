/** The frame on a picture of one's own: what is inside is what the model is given. Fingers, a mouse or keys move it. */

import { element, range } from "./controls.js";
import { inked } from "./bring_image_cut.js";

const WIDE = 280; // CSS pixels of the larger side of what is seen
const FINE = 2; // pixels of that canvas in one CSS pixel
const SMALLEST = 0.1; // of the largest frame that fits
const ROOM = 1.4; // of what is drawn: a digit of MNIST takes 20 of 28 pixels
const STEP = 0.02; // of the picture: how far an arrow key moves the frame
const REST = 350; // ms after the last key until the hand counts as gone

/**
 * @param now what it lies on: () => {desk, shape, ground}, the desk of bring_image.js and what the model's images are
 * @param on {grip, change, leave}: a hand takes hold, changes the desk (change is given how), lets go
 * @returns {cut, size} to be placed; `begin()`, `shrink()`, `lay()`, `busy()`, and `stop()`: nothing waits any more
 */
export function frame(now, { grip, change, leave }) {
  let pointer = null, from = null, timer = 0, drawn = 1;

  const cut = element("canvas", { class: "mu-cut", tabindex: 0, role: "application", "data-muscope": "own-cut",
    "aria-label": "Your picture. The frame is what the model is given: drag it. By keyboard: arrows move it, plus and minus change its size." });
  const size = range({
    label: "Size of the frame", low: 0, high: 1, step: 0.005, value: 1, handle: "own-size", say: (value) => `${Math.round(100 * value)}%`,
    onHold: grip,
    onInput: (value) => change(() => (now().desk.size = sizeOf(value))),
    onRest: leave,
  });

  const wide = () => now().shape[2] / now().shape[1]; // of the model's images
  const fits = () => Math.min(now().desk.source.height, now().desk.source.width / wide()); // the height of the largest inside
  const holds = () => Math.max(now().desk.source.height, now().desk.source.width / wide()); // and of the smallest around all of it
  // The slider's upper half goes beyond the picture's edge where its shape is another one than the model's.
  const sizeOf = (share) => fits() * SMALLEST * (holds() / fits() / SMALLEST) ** share;
  const shareOf = (height) => Math.log(height / fits() / SMALLEST) / Math.log(holds() / fits() / SMALLEST);

  /** Where the frame is at first: around what is drawn, as this model's own images stand; else as large as can be. */
  function begin() {
    const { desk, shape, ground } = now();
    Object.assign(desk, { x: desk.source.width / 2, y: desk.source.height / 2, size: fits() });
    const ink = ground && shape[0] === 1 ? inked(desk.source) : null;
    if (ink) Object.assign(desk, { x: ink.x, y: ink.y, size: ROOM * Math.max(ink.height, ink.width / wide()) });
  }

  /** The frame stays on the picture, and in its middle where it is larger. */
  function kept() {
    const { desk } = now(), { source } = desk, across = desk.size * wide();
    const inside = (at, part, whole) => (part >= whole ? whole / 2 : Math.min(Math.max(at, part / 2), whole - part / 2));
    desk.size = Math.min(Math.max(desk.size, fits() * SMALLEST), holds());
    desk.x = inside(desk.x, across, source.width);
    desk.y = inside(desk.y, desk.size, source.height);
  }

  /** The model's images have another shape: the frame stays on the picture. */
  function shrink() {
    now().desk.size = Math.min(now().desk.size, holds());
  }

  function lay() {
    const { desk } = now();
    kept();
    const { source } = desk, most = holds(), scale = (WIDE * FINE) / Math.max(most, most * wide());
    const width = Math.round(most * wide() * scale), height = Math.round(most * scale);
    if (cut.width !== width || cut.height !== height) Object.assign(cut, { width, height });
    const pen = cut.getContext("2d"), left = (width - source.width * scale) / 2, top = (height - source.height * scale) / 2;
    pen.fillStyle = desk.ground;
    pen.fillRect(0, 0, width, height);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(source, left, top, source.width * scale, source.height * scale);
    const h = desk.size * scale, w = h * wide(), x = left + desk.x * scale - w / 2, y = top + desk.y * scale - h / 2;
    pen.fillStyle = "rgb(0 0 0 / 0.55)";
    pen.beginPath();
    pen.rect(0, 0, width, height);
    pen.rect(x, y, w, h);
    pen.fill("evenodd");
    for (const [colour, line] of [["#000", 6], ["#fff", 3]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = line;
      pen.strokeRect(Math.max(x, 2), Math.max(y, 2), Math.min(w, width - 4), Math.min(h, height - 4));
    }
    drawn = scale / FINE;
    size.set(shareOf(desk.size));
  }

  cut.addEventListener("pointerdown", (event) => {
    if (pointer !== null || !event.isPrimary || event.button > 0) return;
    event.preventDefault();
    cut.focus({ preventScroll: true });
    cut.setPointerCapture(event.pointerId);
    pointer = event.pointerId;
    const seen = cut.getBoundingClientRect().width / (cut.width / FINE); // a narrow phone shows it smaller
    from = { x: event.clientX, y: event.clientY, at: [now().desk.x, now().desk.y], scale: drawn * seen };
    grip();
  });
  cut.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    const { x, y, at, scale } = from;
    change(() => Object.assign(now().desk, { x: at[0] + (event.clientX - x) / scale, y: at[1] + (event.clientY - y) / scale }));
  });
  for (const end of ["pointerup", "pointercancel"])
    cut.addEventListener(end, (event) => {
      if (event.pointerId !== pointer) return;
      pointer = null;
      leave();
    });
  cut.addEventListener("keydown", (event) => {
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
    const grow = { "+": 1.05, "=": 1.05, "-": 1 / 1.05 }[event.key];
    if (!dx && !dy && !grow) return;
    event.preventDefault();
    grip();
    change(() => {
      const { desk } = now();
      desk.x += dx * STEP * desk.source.width;
      desk.y += dy * STEP * desk.source.height;
      desk.size *= grow ?? 1;
    });
    clearTimeout(timer);
    timer = setTimeout(leave, REST);
  });

  return { cut, size, begin, shrink, lay, busy: () => pointer !== null, stop: () => clearTimeout(timer) };
}
