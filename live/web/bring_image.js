/**
 * A picture of one's own: chosen, photographed, pasted or dropped. It is opened and cut out here, in the browser, and
 * only what the model reads leaves it: so many pixels, no file, no metadata. While the frame moves, the large picture
 * shows what the model makes of what is inside; when it is let go, Python computes the same once more.
 *
 * Announces where the picture lies on a map as the window event "muscope:landed" with {xy, model, view}.
 */

import { LANE, PICTURE, paint } from "./client.js";
import { button, element, packed, range, toggle } from "./controls.js";
import { grounded, inked, pixelsOf, prepared } from "./bring_image_cut.js";
import { hand } from "./hand.js";

const WIDE = 280; // CSS pixels of the larger side of what is seen
const FINE = 2; // pixels of that canvas in one CSS pixel
const MOST = 60_000; // bytes that follow a hand; larger pictures are sent when it rests
const SMALLEST = 0.1; // of the largest frame that fits
const BYTES = 60e6; // of a file
const ROOM = 1.4; // of what is drawn: a digit of MNIST takes 20 of 28 pixels
const STEP = 0.02; // of the picture: how far an arrow key moves the frame

// What was opened last, for all pages of this tab: {source, x, y, size, invert, plain, model}.
let desk = null;

export function build(parent) {
  const place = {
    data: null, line: null, send: null, tell: null, turn: 0, era: 0,
    holding: false, // until Python has caught up
    pointer: null, from: null, timer: 0,
  };

  // ---- what is on the screen ----------------------------------------------------------------------------------------

  const file = element("input", { type: "file", accept: "image/*", hidden: "", "data-muscope": "own-file", tabindex: -1, "aria-hidden": "true" });
  const camera = element("input", { type: "file", accept: "image/*", capture: "environment", hidden: "", "data-muscope": "own-camera", tabindex: -1, "aria-hidden": "true" });
  const drop = element("div", { class: "mu-drop", role: "button", tabindex: 0, "data-muscope": "own-drop", "aria-label": "Drop a picture here, paste one, or press Enter to choose one" },
    "Drop a picture here, or paste one");
  const choose = button("Choose a picture", { handle: "own-choose", onPress: () => file.click() });
  const photo = button("Take a photo", { handle: "own-photo", onPress: () => camera.click() });
  photo.hidden = !matchMedia("(pointer: coarse)").matches; // elsewhere it would open the same window of files
  const paste = button("Paste", { handle: "own-paste", onPress: fromClipboard });
  const cut = element("canvas", { class: "mu-cut", tabindex: 0, role: "application", "data-muscope": "own-cut",
    "aria-label": "Your picture. The frame is what the model is given: drag it. By keyboard: arrows move it, plus and minus change its size." });
  const size = range({
    label: "Size of the frame", low: 0, high: 1, step: 0.005, value: 1, handle: "own-size", say: (value) => `${Math.round(100 * value)}%`,
    onHold: grip,
    onInput: (value) => change(() => (desk.size = sizeOf(value))),
    onRest: leave,
  });
  const invert = toggle("Inverted", false, (on) => once(() => (desk.invert = on)), "own-invert");
  const plain = toggle("Plain ground", false, (on) => once(() => (desk.plain = on)), "own-plain");
  plain.title = "Makes what lies behind as dark, or as light, as it is in this model’s images.";
  const use = button("Give it to this model", { handle: "own-use", onPress: () => once(() => {}) });
  const given = element("canvas", { "aria-hidden": "true", "data-muscope": "own-given" });
  const made = element("canvas", { "aria-hidden": "true", "data-muscope": "own-made" });
  const inset = element("div", { class: "mu-insets" },
    element("figure", { class: "mu-given" }, given, element("figcaption", {}, "what the model is given")),
    element("figure", { class: "mu-given" }, made, element("figcaption", {}, "what it draws")));
  const closest = element("p", { class: "mu-note", "data-muscope": "own-closest" });
  const note = element("p", { class: "mu-note", role: "status", "data-muscope": "own-note" });
  const cutting = element("div", { class: "mu-cutting" }, cut, size, element("div", { class: "mu-bar" }, invert, plain, use));
  const root = element("div", { class: "mu-bring" }, file, camera, drop,
    element("div", { class: "mu-bar" }, choose, photo, paste), cutting,
    element("div", { class: "mu-beside" }, inset, closest), note);
  parent.append(root);

  // ---- a picture comes in -------------------------------------------------------------------------------------------

  async function take(blob) {
    const era = ++place.era;
    if (!blob) return;
    if (blob.size > BYTES) return say(`That picture has ${Math.round(blob.size / 1e6)} MB: choose one of at most ${BYTES / 1e6}.`);
    say("Opening it.");
    let source = null;
    try {
      source = await prepared(blob);
    } catch {
      if (era === place.era) say("This browser cannot read that as a picture: save it as PNG or JPEG and choose it again.");
      return;
    }
    if (era !== place.era) return;
    const ground = grounded(source), asked = place.data.ground;
    desk = { source, model: "", invert: asked === "dark" ? ground.light > 140 : asked === "light" && ground.light < 115, plain: Boolean(asked), ground: ground.colour };
    begin();
    lay();
    say(desk.invert ? "Turned to its negative, as this model’s images are." : "");
    once(() => {});
  }

  for (const input of [file, camera])
    input.addEventListener("change", () => {
      take(input.files[0]);
      input.value = ""; // the same one may be chosen again
    });
  drop.addEventListener("click", () => file.click());
  drop.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    file.click();
  });
  for (const kind of ["dragenter", "dragover"])
    root.addEventListener(kind, (event) => {
      event.preventDefault();
      root.classList.add("mu-over");
    });
  root.addEventListener("dragleave", (event) => root.contains(event.relatedTarget) || root.classList.remove("mu-over"));
  root.addEventListener("drop", (event) => {
    event.preventDefault();
    root.classList.remove("mu-over");
    const one = pictureIn(event.dataTransfer.files);
    one ? take(one) : say("That is no picture: drop a PNG or a JPEG.");
  });

  const pictureIn = (files) => [...files].find((each) => each.type.startsWith("image/"));

  function pasted(event) {
    if (root.offsetParent === null || event.target.closest?.("input, textarea, [contenteditable=true]")) return; // folded away
    const one = pictureIn(event.clipboardData?.files ?? []);
    if (!one) return;
    event.preventDefault();
    take(one);
  }
  document.addEventListener("paste", pasted);

  async function fromClipboard() {
    try {
      for (const item of await navigator.clipboard.read()) {
        const kind = item.types.find((type) => type.startsWith("image/"));
        if (kind) return take(await item.getType(kind));
      }
      say("There is no picture to paste: copy one first.");
    } catch {
      say("This browser keeps what was copied to itself: press Ctrl+V (on a Mac Cmd+V) here.");
    }
  }

  // ---- the frame ----------------------------------------------------------------------------------------------------

  const wide = () => place.data.shape[2] / place.data.shape[1]; // of the model's images
  const fits = () => Math.min(desk.source.height, desk.source.width / wide()); // the height of the largest inside
  const holds = () => Math.max(desk.source.height, desk.source.width / wide()); // and of the smallest around all of it
  // The slider's upper half goes beyond the picture's edge where its shape is another one than the model's.
  const sizeOf = (share) => fits() * SMALLEST * (holds() / fits() / SMALLEST) ** share;
  const shareOf = (height) => Math.log(height / fits() / SMALLEST) / Math.log(holds() / fits() / SMALLEST);

  /** Where the frame is at first: around what is drawn, as this model's own images stand; else as large as can be. */
  function begin() {
    Object.assign(desk, { x: desk.source.width / 2, y: desk.source.height / 2, size: fits() });
    const ink = place.data.ground && place.data.shape[0] === 1 ? inked(desk.source) : null;
    if (ink) Object.assign(desk, { x: ink.x, y: ink.y, size: ROOM * Math.max(ink.height, ink.width / wide()) });
  }

  /** The frame stays on the picture, and in its middle where it is larger. */
  function kept() {
    const { source } = desk, across = desk.size * wide();
    const inside = (at, part, whole) => (part >= whole ? whole / 2 : Math.min(Math.max(at, part / 2), whole - part / 2));
    desk.size = Math.min(Math.max(desk.size, fits() * SMALLEST), holds());
    desk.x = inside(desk.x, across, source.width);
    desk.y = inside(desk.y, desk.size, source.height);
  }

  function lay() {
    const there = desk !== null;
    cutting.hidden = !there;
    drop.hidden = there;
    choose.lastChild.textContent = there ? "Another picture" : "Choose a picture";
    if (!there) return;
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
    place.scale = scale / FINE;
    size.set(shareOf(desk.size));
    invert.set(desk.invert);
    plain.set(desk.plain);
  }

  cut.addEventListener("pointerdown", (event) => {
    if (place.pointer !== null || !event.isPrimary || event.button > 0) return;
    event.preventDefault();
    cut.focus({ preventScroll: true });
    cut.setPointerCapture(event.pointerId);
    place.pointer = event.pointerId;
    const seen = cut.getBoundingClientRect().width / (cut.width / FINE); // a narrow phone shows it smaller
    place.from = { x: event.clientX, y: event.clientY, at: [desk.x, desk.y], scale: place.scale * seen };
    grip();
  });
  cut.addEventListener("pointermove", (event) => {
    if (event.pointerId !== place.pointer) return;
    const { x, y, at, scale } = place.from;
    change(() => Object.assign(desk, { x: at[0] + (event.clientX - x) / scale, y: at[1] + (event.clientY - y) / scale }));
  });
  for (const end of ["pointerup", "pointercancel"])
    cut.addEventListener(end, (event) => {
      if (event.pointerId !== place.pointer) return;
      place.pointer = null;
      leave();
    });
  cut.addEventListener("keydown", (event) => {
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
    const grow = { "+": 1.05, "=": 1.05, "-": 1 / 1.05 }[event.key];
    if (!dx && !dy && !grow) return;
    event.preventDefault();
    grip();
    change(() => {
      desk.x += dx * STEP * desk.source.width;
      desk.y += dy * STEP * desk.source.height;
      desk.size *= grow ?? 1;
    });
    clearTimeout(place.timer);
    place.timer = setTimeout(leave, 350); // a moment after the last key
  });

  // ---- the hand -----------------------------------------------------------------------------------------------------

  function grip() {
    place.holding = true;
    hand.hold();
  }

  function change(what) {
    if (!desk) return;
    what();
    lay();
    follow();
  }

  /** One change that is over at once. */
  function once(what) {
    grip();
    change(what);
    leave();
  }

  const bytes = () => pixelsOf(desk, place.data.shape, place.data.ground);

  function follow() {
    const { era, data } = place, [channels, height, width] = data.shape;
    const pixels = bytes(), view = new TextEncoder().encode(data.view);
    use.hidden = true;
    show(given, pixels, data.shape);
    if (pixels.length > MOST) return;
    const payload = new Uint8Array(5 + pixels.length + view.length), head = new DataView(payload.buffer);
    head.setUint16(0, height, true);
    head.setUint16(2, width, true);
    head.setUint8(4, channels);
    payload.set(pixels, 5);
    payload.set(view, 5 + pixels.length);
    place.send({ kind: PICTURE, model: data.model, payload: payload.buffer, count: 2, unusual: true, era, view: data.view });
  }

  function answered(answer, request) {
    if (request.era !== place.era || request.model !== place.data.model) return;
    const { error, code, xy, near } = answer.notes;
    if (error) return say(error);
    paint(made, answer, 1);
    inset.hidden = false;
    name(near.map(([, , caption]) => caption));
    if (place.holding) hand.showAnswer(request.model, code, answer, 1);
    if (xy) dispatchEvent(new CustomEvent("muscope:landed", { detail: { xy, model: request.model, view: request.view } }));
  }

  /** The hand rests: Python is told. */
  async function leave() {
    if (!desk) return;
    clearTimeout(place.timer);
    const turn = ++place.turn, model = place.data.model, text = await packed(bytes());
    if (turn !== place.turn || model !== place.data.model) return;
    desk.model = model;
    place.tell("settled", { turn, model, picture: text });
  }

  function show(canvas, pixels, [channels, height, width]) {
    paint(canvas, { width, height, channels, pixels, count: 1 }, 0);
    inset.hidden = false;
  }

  function name(captions) {
    const labels = captions.map((caption) => caption.split(": ")[1]).filter(Boolean).slice(0, 3);
    closest.replaceChildren(...(labels.length ? ["closest: ", element("span", {}, labels.join(", "))] : []));
  }

  function say(words) {
    note.textContent = words;
  }

  // ---- what Python says ---------------------------------------------------------------------------------------------

  place.update = (data) => {
    const line = hand.attach(data.live);
    if (line !== place.line) {
      place.line = line;
      place.send = line.follow(LANE.hover, answered);
    }
    const other = data.model !== place.data?.model, reshaped = String(data.shape) !== String(place.data?.shape);
    place.data = data;
    for (const canvas of [given, made]) canvas.className = data.crisp ? "mu-crisp" : "mu-smooth";
    invert.hidden = !data.ground;
    plain.hidden = !data.ground || data.shape[0] !== 1;
    if (other) {
      place.era++;
      place.turn = data.turn; // of another model's picture nothing is waited for
      inset.hidden = true;
      say("");
      if (desk && reshaped) desk.size = Math.min(desk.size, holds());
      if (desk && !data.ground) desk.invert = desk.plain = false;
      lay();
      use.hidden = !desk || desk.model === data.model;
    }
    if (place.pointer !== null || data.turn < place.turn) return; // ahead of what Python knows
    if (place.holding) hand.release();
    place.holding = false;
    if (data.given) for (const [canvas, png] of [[given, data.given], [made, data.made]]) reveal(canvas, png);
    name(data.near);
  };

  async function reveal(canvas, png) {
    const image = new Image();
    image.src = png;
    await image.decode().catch(() => {});
    if (place.holding || !image.naturalWidth) return;
    Object.assign(canvas, { width: image.naturalWidth, height: image.naturalHeight });
    canvas.getContext("2d").drawImage(image, 0, 0);
    inset.hidden = false;
  }

  inset.hidden = cutting.hidden = true;
  place.stop = () => {
    place.era++;
    clearTimeout(place.timer);
    document.removeEventListener("paste", pasted);
    if (place.holding) hand.release();
  };
  return place;
}
