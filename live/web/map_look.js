/**
 * What lies under the hand: its picture at once, small beside the hand and large where the page has it, and its name.
 *
 * On a dot it is that image. Beside the dots it is the code that the map has there: of its nearest images, or, on two
 * dimensions of the codes, the current code with these two turned.
 *
 * Announces each picture that it shows as the window event "muscope:looked" with the turn of the request it answers.
 */

import { DECODE, LANE, POINT, ROWS, paint, payload } from "./client.js";
import { hand } from "./hand.js";

const SIDE = 96, FINGER_SIDE = 120; // CSS pixels of the small picture
const ABOVE = 110; // CSS pixels between a finger and the middle of its picture
const EDGE = 4; // CSS pixels that the small picture keeps from the frame
const JUDGE_EVERY = 100; // ms between two sentences on how unusual a place is
const SAY_AFTER = 600; // ms of rest before it is said aloud

let line = null, follow = null, fetchGuest = null; // the wire, its lane for hovering, and one for a map beside it
let looking = null; // the Look whose hand it is

export class Look {
  /** `chart` is that of map.js; `say(words)` speaks to those who hear the page. */
  constructor(chart, float, say) {
    Object.assign(this, { chart, float, say });
    this.under = null; // {px, py, reach, finger, x, y, place, row}
    this.asked = null; // what was asked for last
    this.turn = 0; // and the how-manieth request that was
    this.judged = 0;
    this.chosen = null; // what was chosen last: its picture is Python's
    // A run of the page puts the large picture at rest, also under a hand that looks: it looks once more.
    const once = () => this.under && this.asked !== this.chosen && this.ask(this.asked, true);
    this.stop = hand.on((event) => event === null && looking === this && setTimeout(once));
  }

  use(wire) {
    if (wire === line) return;
    line = wire;
    follow = line.follow(LANE.hover, (answer, request) => request.look.answered(answer, request));
    fetchGuest = line.follow(LANE.measure, (answer, request) => request.look.welcome(answer, request));
  }

  /** A map was opened: have the server make ready what its first question needs, before a hand comes. */
  warm(x, y) {
    const { model, view } = this.chart.data, body = joined(Float32Array.of(x, y), view);
    line.ask({ kind: POINT, model, payload: body, count: 1, unusual: true }, LANE.hover).catch(() => {});
  }

  /** The hand is at (px, py) in the frame; `finger`: it would hide what lies under it. */
  at([px, py], reach, finger) {
    looking = this;
    this.under = { px, py, reach, finger, ...this.chart.find(px, py, reach) };
    this.place();
    this.float.lastChild.textContent = this.words(this.under);
    const { row, x, y } = this.under;
    this.chart.link.point(row);
    this.ask(row === null ? `${x} ${y}` : `row ${row}`);
  }

  /** A hand on another map of the same images is on the dot at `place`, or on none: show what this map has of it. */
  guest(place) {
    const { points, camera, data } = this.chart;
    if (place === null) {
      if (looking !== this) this.hide();
      return;
    }
    const [x, y] = [points.x[place], points.y[place]], [px, py] = camera.toScreen(x, y), row = points.rows[place];
    this.under = { px, py, reach: 0, finger: false, x, y, place, row };
    this.float.lastChild.textContent = this.words(this.under);
    this.place();
    fetchGuest({ kind: ROWS, payload: Uint32Array.of(row).buffer, model: data.model, count: 1, look: this, row });
  }

  /** The picture for a guest came. */
  welcome(answer, { row }) {
    if (this.under?.row !== row || answer.notes.error) return;
    paint(this.float.firstChild, answer);
    this.float.classList.add("mu-seen");
  }

  /** What lies under the hand was chosen. */
  choose() {
    this.chosen = this.asked;
  }

  /** The map has moved under the hand. */
  again() {
    if (this.under) this.at([this.under.px, this.under.py], this.under.reach, this.under.finger);
  }

  ask(what, again = false) {
    if (what === this.asked && !again) return;
    this.asked = what;
    const now = performance.now(), unusual = again || now - this.judged >= JUDGE_EVERY;
    if (unusual) this.judged = now;
    clearTimeout(this.later); // when the hand pauses, the sentence catches up
    this.later = unusual ? 0 : setTimeout(() => this.under && this.ask(what, true), JUDGE_EVERY + 20);
    const { x, y, row } = this.under, { model, view } = this.chart.data;
    let request = { kind: ROWS, payload: Uint32Array.of(row).buffer };
    if (row === null && this.chart.points.dims) request = { kind: DECODE, payload: payload([this.turned(x, y)]) };
    else if (row === null) request = { kind: POINT, payload: joined(Float32Array.of(x, y), view) };
    follow({ ...request, model, count: 1, unusual, look: this, under: this.under, turn: ++this.turn });
  }

  /** The current code with the two dimensions of this view turned to a place on it. */
  turned(x, y) {
    const code = [...this.chart.data.code], [across, up] = this.chart.points.dims;
    code[across] = x;
    code[up] = y;
    return code;
  }

  answered(answer, { under, model, kind, turn }) {
    if (looking !== this || !this.under || model !== this.chart.data.model) return; // the hand has left
    const { error, unusual, code } = answer.notes;
    if (error) {
      this.float.lastChild.textContent = error;
      return;
    }
    paint(this.float.firstChild, answer);
    this.float.classList.add("mu-seen");
    answer.notes.caption ??= this.words(under);
    hand.showAnswer(model, code ?? (kind === DECODE ? this.turned(under.x, under.y) : []), answer);
    dispatchEvent(new CustomEvent("muscope:looked", { detail: { turn } }));
    if (unusual) this.tell(unusual.words);
  }

  /** What lies at a place, in a few words. */
  words({ row, x, y }) {
    const { dims } = this.chart.points;
    if (row !== null) return this.chart.nameOf(row);
    if (!dims) return "between images";
    return dims.map((dim, axis) => `dimension ${dim}: ${[x, y][axis].toFixed(2)}`).join(", ");
  }

  /** The same for those who hear the page: once the keyboard's cursor rests. */
  tell(unusual = "") {
    clearTimeout(this.telling);
    if (!this.chart.cursor) return;
    this.telling = setTimeout(() => this.under && this.say(`${this.words(this.under)}. ${unusual}`), SAY_AFTER);
  }

  /** Put the small picture beside the hand, inside the frame, and never under a finger. */
  place() {
    const { px, py, finger } = this.under, { width, height } = this.chart.camera;
    const side = finger ? FINGER_SIDE : SIDE, tall = side + 44; // with its words
    let left = finger ? px - side / 2 : px + 18, top = finger ? py - ABOVE - side / 2 : py - tall - 6;
    const highest = this.covered() + EDGE;
    if (!finger && left + side + 3 * EDGE > width) left = px - side - 24;
    if (finger && top < highest) left = px < width / 2 ? px + 48 : px - side - 48;
    else if (top < highest) top = Math.min(py + 18, height - tall);
    this.float.style.width = `${side}px`;
    this.float.style.transform = `translate(${within(left, EDGE, width - side - 3 * EDGE)}px, ${within(top, highest, height - tall)}px)`;
    this.float.firstChild.className = this.chart.data.crisp ? "mu-crisp" : "mu-smooth";
    this.float.hidden = false;
  }

  /** How much of the frame, CSS pixels from its top, lies under the large picture, which stays in sight on a phone. */
  covered() {
    const frame = this.float.parentElement.getBoundingClientRect();
    const stage = document.querySelector("[data-muscope=stage]")?.getBoundingClientRect();
    const over = stage && stage.right > frame.left && stage.left < frame.right && stage.bottom < frame.bottom;
    return over ? Math.max(0, stage.bottom - frame.top) : 0;
  }

  /** The hand has left. `stay`: what it chose is on its way, so the large picture waits for it. */
  leave(stay) {
    clearTimeout(this.later);
    clearTimeout(this.telling);
    this.hide();
    if (looking !== this) return;
    this.chart.link.point(null);
    looking = null;
    if (!stay) hand.rest();
  }

  hide() {
    this.under = this.asked = null;
    this.float.hidden = true;
    this.float.classList.remove("mu-seen");
  }
}

const within = (value, least, most) => Math.max(least, Math.min(value, most));

function joined(numbers, words) {
  const text = new TextEncoder().encode(words), bytes = new Uint8Array(numbers.byteLength + text.length);
  bytes.set(new Uint8Array(numbers.buffer));
  bytes.set(text, numbers.byteLength);
  return bytes.buffer;
}
