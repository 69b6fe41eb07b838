/**
 * A pad to draw on. While the pen moves, the large picture shows what the model makes of the drawing; when it lifts,
 * Python computes the same once more, and the drawing is where all tools stand.
 *
 * Announces where the drawing lies on a map as the window event "muscope:landed" with {xy, model, view}.
 */

import { DRAWING, LANE, paint } from "./client.js";
import { button, choice, element, packed } from "./controls.js";
import { hand } from "./hand.js";
import { Ink } from "./pen_ink.js";

const PAD = 280; // CSS pixels
const FINE = 2; // pixels of the pad's own picture in one CSS pixel
const STEP = 1 / 28; // of the side: how far an arrow key moves the pen

export function build(parent) {
  const place = {
    data: null, line: null, send: null, tell: null, turn: 0, era: 0,
    holding: false, // until Python has caught up
    stroke: null, pointer: null, box: null, erase: false, at: [0.5, 0.5],
  };

  // ---- what is on the screen ----------------------------------------------------------------------------------------

  const pad = element("canvas", {
    class: "mu-pad", width: PAD * FINE, height: PAD * FINE, tabindex: 0, role: "application", "data-muscope": "pad",
    "aria-label": "Pad. Draw with the mouse, a finger or a pen. By keyboard: arrows move, Space lowers and lifts the pen.",
  });
  const cross = element("div", { class: "mu-cross", "aria-hidden": "true" });
  const hint = element("p", { class: "mu-hint", "aria-hidden": "true" }, "draw here");
  const tool = choice("Tool", [[false, "Pen", "pen"], [true, "Eraser", "eraser"]], false, (erase) => (place.erase = erase), "tool", true);
  const undo = button("Undo the last stroke", { picture: "undo", bare: true, handle: "undo-stroke", onPress: takeBack });
  const clear = button("Clear", { picture: "clear", handle: "clear", onPress: wipe });
  const given = element("canvas", { class: "mu-crisp", "aria-hidden": "true", "data-muscope": "given" });
  const made = element("canvas", { class: "mu-crisp", "aria-hidden": "true", "data-muscope": "made" });
  const inset = element("div", { class: "mu-insets" },
    element("figure", { class: "mu-given" }, given, element("figcaption", {}, "what the model is given")),
    element("figure", { class: "mu-given" }, made, element("figcaption", {}, "what it draws")));
  const closest = element("p", { class: "mu-note", "data-muscope": "closest" });
  const note = element("p", { class: "mu-note", role: "status", "data-muscope": "pen-note" });
  const root = element("div", { class: "mu-pen" },
    element("div", { class: "mu-paper" }, pad, hint, cross),
    element("div", { class: "mu-beside" }, inset, closest),
    element("div", { class: "mu-bar" }, tool, undo, clear, note));
  parent.append(root);

  const ink = new Ink(pad);

  function stale() {
    const drawn = ink.strokes.length > 0 || place.stroke !== null || ink.before !== null;
    hint.hidden = drawn;
    undo.disabled = ink.strokes.length === 0;
    clear.disabled = !drawn;
  }

  // ---- following the pen --------------------------------------------------------------------------------------------

  /** Ask what the model makes of the ink so far. Only its box travels: the model is given no more. */
  function follow() {
    const box = ink.box();
    if (!box) return blank();
    const view = new TextEncoder().encode(place.data.view);
    const payload = new Uint8Array(4 + box.bytes.length + view.length), head = new DataView(payload.buffer);
    head.setUint16(0, box.height, true);
    head.setUint16(2, box.width, true);
    payload.set(box.bytes, 4);
    payload.set(view, 4 + box.bytes.length);
    const { era, data } = place;
    place.send({ kind: DRAWING, model: data.model, payload: payload.buffer, count: 2, unusual: true, era, view: data.view });
  }

  function answered(answer, request) {
    if (request.era !== place.era) return; // of a drawing that was wiped
    const { error, code, xy, near } = answer.notes;
    note.textContent = error ?? "";
    if (error) return;
    paint(given, answer, 0);
    paint(made, answer, 1);
    inset.hidden = false;
    name(near.map(([, , caption]) => caption));
    if (place.holding) hand.showAnswer(request.model, code, answer, 1);
    if (xy) dispatchEvent(new CustomEvent("muscope:landed", { detail: { xy, model: request.model, view: request.view } }));
  }

  function name(captions) {
    const labels = captions.map((caption) => caption.split(": ")[1]).filter(Boolean).slice(0, 3);
    closest.replaceChildren(...(labels.length ? ["closest: ", element("span", {}, labels.join(", "))] : []));
  }

  function blank() {
    place.era++;
    inset.hidden = true;
    closest.textContent = "";
    note.textContent = "Nothing is drawn yet.";
    hand.rest();
  }

  /** The pen is lifted: Python is told. */
  async function leave() {
    const turn = ++place.turn, text = ink.box() ? await packed(ink.bytes()) : "";
    if (turn === place.turn) place.tell("settled", { turn, model: place.data.model, ink: text });
  }

  function grip() {
    place.holding = true;
    hand.hold();
  }

  // ---- the pen ------------------------------------------------------------------------------------------------------

  // Where the pad was when the pen came down: words that grow above it may move it, and the stroke must not jump.
  const shareOf = (event) => [(event.clientX - place.box.left) / place.box.width, (event.clientY - place.box.top) / place.box.height];
  // A mouse and a finger say 0.5, or nothing; a pen draws from half the width to one and a half.
  const widthOf = (event) => place.data.width * (event.pointerType === "pen" ? 0.5 + event.pressure : 1) * (place.erase ? 1.6 : 1);

  function lower(point, width) {
    grip();
    place.stroke = { erase: place.erase, points: [[...point, width]] };
    place.at = point;
    ink.lay(place.stroke);
    stale();
    follow();
  }

  function draw(points) {
    const from = place.stroke.points.length;
    place.stroke.points.push(...points);
    ink.lay(place.stroke, from);
    follow();
  }

  function lift() {
    if (!place.stroke) return;
    ink.strokes.push(place.stroke);
    place.stroke = null;
    place.pointer = null;
    cross.hidden = true;
    stale();
    leave();
  }

  pad.addEventListener("pointerdown", (event) => {
    if (place.stroke || !event.isPrimary || event.button > 0) return; // a palm beside the pen
    event.preventDefault();
    pad.focus({ preventScroll: true });
    pad.setPointerCapture(event.pointerId);
    place.pointer = event.pointerId;
    place.box = pad.getBoundingClientRect();
    cross.hidden = true;
    lower(shareOf(event), widthOf(event));
  });
  pad.addEventListener("pointermove", (event) => {
    if (event.pointerId !== place.pointer) return;
    const all = event.getCoalescedEvents?.() ?? [];
    draw((all.length ? all : [event]).map((one) => [...shareOf(one), widthOf(one)]));
  });
  for (const end of ["pointerup", "pointercancel"]) pad.addEventListener(end, (event) => event.pointerId === place.pointer && lift());

  pad.addEventListener("keydown", (event) => {
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
    if (event.ctrlKey || event.metaKey) {
      if (event.key !== "z") return;
      takeBack();
    } else if (dx || dy) {
      const inside = (value) => Math.min(Math.max(value, 0), 1);
      place.at = [inside(place.at[0] + dx * STEP), inside(place.at[1] + dy * STEP)];
      if (place.stroke) draw([[...place.at, place.data.width]]);
    } else if (event.key === " ") {
      place.stroke ? lift() : lower(place.at, place.data.width);
    } else return;
    event.preventDefault();
    cross.hidden = false;
    cross.style.left = `${100 * place.at[0]}%`;
    cross.style.top = `${100 * place.at[1]}%`;
  });
  pad.addEventListener("blur", () => {
    cross.hidden = true;
    if (place.pointer === null) lift();
  });

  function takeBack() {
    if (place.stroke || !ink.strokes.pop()) return;
    ink.redraw();
    less();
  }

  function wipe() {
    ink.wipe();
    less();
  }

  /** The drawing became less. */
  function less() {
    place.era++;
    stale();
    grip();
    follow();
    leave();
  }

  // ---- what Python says ---------------------------------------------------------------------------------------------

  place.update = (data) => {
    const line = hand.attach(data.live);
    if (line !== place.line) {
      place.line = line;
      place.send = line.follow(LANE.hover, answered);
    }
    const other = data.model !== place.data?.model;
    place.data = data;
    place.turn = Math.max(place.turn, other ? data.turn : 0);
    if (other) open(data);
    if (place.stroke || data.turn < place.turn) return; // ahead of what Python knows
    if (place.holding) hand.release();
    place.holding = false;
    if (data.given) for (const [canvas, png] of [[given, data.given], [made, data.made]]) show(canvas, png);
    name(data.near);
  };

  /** The drawing of this visitor for this model, if there is one. */
  async function open({ ink: text }) {
    const era = ++place.era;
    inset.hidden = true;
    note.textContent = "";
    await ink.restore(text, () => era === place.era && !place.stroke);
    stale();
  }

  async function show(canvas, png) {
    const image = new Image();
    image.src = png;
    await image.decode().catch(() => {});
    if (place.stroke || !image.naturalWidth) return;
    Object.assign(canvas, { width: image.naturalWidth, height: image.naturalHeight });
    canvas.getContext("2d").drawImage(image, 0, 0);
    inset.hidden = false;
  }

  cross.hidden = inset.hidden = true;
  stale();
  place.stop = () => {
    place.era++;
    if (place.holding) hand.release();
  };
  return place;
}
