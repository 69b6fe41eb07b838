/**
 * A picture of one's own: chosen, photographed, pasted or dropped. It is opened and cut out here, in the browser, and
 * only what the model reads leaves it: so many pixels, no file, no metadata. While the frame moves, the large picture
 * shows what the model makes of what is inside; when it is let go, Python computes the same once more.
 *
 * Announces where the picture lies on a map as the window event "muscope:landed" with {xy, model, view}.
 */

import { LANE, PICTURE, paint } from "./client.js";
import { button, element, packed, toggle } from "./controls.js";
import { doors } from "./bring_image_in.js";
import { frame } from "./bring_image_frame.js";
import { grounded, pixelsOf, prepared } from "./bring_image_cut.js";
import { hand } from "./hand.js";

const BYTES = 60e6; // of a file

// What was opened last, for all pages of this tab: {source, x, y, size, invert, plain, model}.
let desk = null;

export function build(parent) {
  const place = {
    data: null, line: null, send: null, tell: null, turn: 0, era: 0,
    holding: false, // until Python has caught up
  };

  // ---- what is on the screen ----------------------------------------------------------------------------------------

  const way = doors(take, say);
  const onto = frame(() => ({ desk, ...place.data }), { grip, change, leave });
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
  const cutting = element("div", { class: "mu-cutting" }, onto.cut, onto.size, element("div", { class: "mu-bar" }, invert, plain, use));
  const root = element("div", { class: "mu-bring" }, ...way.files, way.drop,
    element("div", { class: "mu-bar" }, way.choose, way.photo, way.paste), cutting,
    element("div", { class: "mu-beside" }, inset, closest), note);
  parent.append(root);
  way.listen(root);

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
    onto.begin();
    lay();
    say(desk.invert ? "Turned to its negative, as this model’s images are." : "");
    once(() => {});
  }

  function lay() {
    const there = desk !== null;
    cutting.hidden = !there;
    way.drop.hidden = there;
    way.choose.lastChild.textContent = there ? "Another picture" : "Choose a picture";
    if (!there) return;
    onto.lay();
    invert.set(desk.invert);
    plain.set(desk.plain);
  }

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
    onto.stop();
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
      if (desk && reshaped) onto.shrink();
      if (desk && !data.ground) desk.invert = desk.plain = false;
      lay();
      use.hidden = !desk || desk.model === data.model;
    }
    if (onto.busy() || data.turn < place.turn) return; // ahead of what Python knows
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
    onto.stop();
    way.stop();
    if (place.holding) hand.release();
  };
  return place;
}
