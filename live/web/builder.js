/**
 * The pad's twin for drawn faces: the program's own controls. While one moves, the program's face stands here and the
 * model's on the large picture; when it is let go, Python computes the same once more, and all tools stand on it.
 */

import { FACE, LANE, paint } from "./client.js";
import { button, element, range, toggle } from "./controls.js";
import { hand } from "./hand.js";

export function build(parent, first) {
  const place = {
    data: null, line: null, send: null, tell: null, turn: first.turn,
    values: {}, // by name; a control shows them rounded
    controls: {}, era: 0,
    held: false, holding: false, // by a hand; until Python has caught up
  };

  // ---- what is on the screen ----------------------------------------------------------------------------------------

  const [program, programs] = picture("as the program draws it", "program-face");
  const [model, models] = picture("as the model draws it", "model-face");
  const surprise = button("Surprise me", { picture: "dice", handle: "surprise", onPress: () => ask("surprise") });
  const again = button("Start again", { picture: "undo", handle: "start-again", onPress: () => ask("again") });
  const note = element("p", { class: "mu-note", role: "status" });
  const groups = first.groups.map(({ name, controls }) => {
    const [switches, ranges] = [true, false].map((is) => controls.filter(({ kind }) => (kind === "binary") === is));
    return element("div", { class: "mu-group", role: "group", "aria-label": name },
      element("div", { class: "mu-bar" }, element("span", { class: "mu-group-name", "aria-hidden": "true" }, name), ...switches.map(aSwitch)),
      element("div", { class: "mu-ranges" }, ...ranges.map(aRange)));
  });
  const root = element("div", { class: "mu-builder" },
    element("div", { class: "mu-faces" }, programs, models, element("div", { class: "mu-do" }, surprise, again)),
    element("div", { class: "mu-groups" }, ...groups), note);
  parent.append(root);

  function picture(words, handle) {
    const canvas = element("canvas", { class: "mu-smooth", "data-muscope": handle, role: "img", "aria-label": `The face ${words}` });
    return [canvas, element("figure", {}, canvas, element("figcaption", { "aria-hidden": "true" }, words))];
  }

  function aSwitch({ name, label }) {
    const made = toggle(label, false, (on) => {
      turn(name, on ? 1 : 0);
      leave();
    }, name);
    place.controls[name] = { show: (value) => made.set(value > 0.5), made };
    return made;
  }

  function aRange({ name, label, kind, ends }) {
    const made = range({
      label, low: kind === "signed" ? -1 : 0, high: 1, step: 0.01, value: 0, ends, mute: true, handle: name,
      say: (value) => value.toFixed(2),
      onInput: (value) => turn(name, value),
      onRest: leave,
    });
    place.controls[name] = { show: made.set, made };
    return made;
  }

  // ---- the hand -----------------------------------------------------------------------------------------------------

  function turn(name, value) {
    place.held = place.holding = true;
    hand.hold();
    place.values[name] = value;
    depend();
    const payload = new Uint8Array(4 * place.data.order.length + place.data.view.length);
    const view = new DataView(payload.buffer);
    place.data.order.forEach((each, i) => view.setFloat32(4 * i, place.values[each], true));
    payload.set(new TextEncoder().encode(place.data.view), 4 * place.data.order.length);
    const { era, data } = place;
    place.send({ kind: FACE, model: data.model, payload: payload.buffer, count: 2, unusual: true, era, view: data.view });
  }

  function answered(answer, request) {
    if (request.era !== place.era) return; // the page has other values since
    const { error, code, xy } = answer.notes;
    note.textContent = error ?? "";
    if (error) return;
    paint(program, answer, 0);
    paint(model, answer, 1);
    if (place.holding) hand.showAnswer(request.model, code, answer, 1);
    if (xy) dispatchEvent(new CustomEvent("muscope:landed", { detail: { xy, model: request.model, view: request.view } }));
  }

  function leave() {
    place.held = false;
    place.tell("settled", { turn: ++place.turn, model: place.data.model, factors: place.data.order.map((name) => place.values[name]) });
  }

  function ask(event) {
    place.era++;
    place.tell(event, { turn: ++place.turn, model: place.data.model });
  }

  /** A brim needs a hat. */
  function depend() {
    place.controls.brim.made.disabled = !place.values.hat;
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
    if (!other && (place.held || data.turn < place.turn)) return; // ahead of what Python knows
    place.held = false;
    place.era++;
    place.values = { ...data.values };
    for (const [name, control] of Object.entries(place.controls)) control.show(data.values[name]);
    depend();
    show(program, data.program);
    show(model, data.drawn);
    if (place.holding) hand.release();
    place.holding = false;
  };

  async function show(canvas, png) {
    const image = new Image(), { era } = place;
    image.src = png;
    await image.decode().catch(() => {});
    if (era !== place.era || place.held || !image.naturalWidth) return;
    Object.assign(canvas, { width: image.naturalWidth, height: image.naturalHeight });
    canvas.getContext("2d").drawImage(image, 0, 0);
  }

  place.stop = () => {
    place.era++;
    if (place.holding) hand.release();
  };
  return place;
}
