/**
 * Knobs along directions: z = base + the sum of value * direction over all knobs, in the browser at every movement.
 *
 * While a knob is held the picture follows over the wire and Python hears nothing. When it is let go, Python is told
 * once which knobs were turned; its next run of the page says how everything stands, and that is the truth.
 *
 * What Python says (`pages/ui/knobs.py`): {base, knobs: [...], folds: [{id, label, words, open}], tools: {undo, redo, back,
 * random: whether each can be pressed}, note, crisp, turn}. `turn` is the newest of ours that it has seen: until ours
 * comes back, what was turned stays where the hand left it.
 */

import { hand } from "./hand.js";
import { buildFilm } from "./console_film.js";
import { buildKnob } from "./console_knob.js";
import { icon } from "./console_words.js";

const PATIENCE = 10_000; // ms until Python's silence means that it did not hear
const PICTURE = 120; // ms for the settled picture to take its place under the live one

const TOOLS = {
  undo: ["Undo", "Undo (Ctrl+Z)", `<path d="M8 4 4 8l4 4M4 8h7.5a4 4 0 0 1 0 8H9"/>`],
  redo: ["Redo", "Redo (Shift+Ctrl+Z)", `<path d="m12 4 4 4-4 4M16 8H8.5a4 4 0 0 0 0 8H11"/>`],
  back: ["Back to the image", "", `<path d="M3 4h14v12H3zM3 13l4-4 4 4 2-2 4 4M13 7.5v.01"/>`],
  random: ["Random code", "", `<path d="M4 4h12v12H4zM7.5 7.5v.01M12.5 7.5v.01M10 10v.01M7.5 12.5v.01M12.5 12.5v.01"/>`],
};

export function build(parent) {
  const root = document.createElement("div");
  root.className = "mu-console";
  root.innerHTML = `<div class="mu-lead"><div class="mu-tools" role="group" aria-label="Steps"></div></div>`;
  const bar = root.querySelector(".mu-tools");
  const film = buildFilm((id, value) => knobs.get(id)?.set(value));
  const body = document.createElement("div");
  const note = document.createElement("p");
  note.className = "mu-console-note";
  bar.after(film.element);
  root.append(body, note);
  parent.append(root); // beside the style sheet that Streamlit put there

  const place = { tell: () => {}, update, stop };
  const knobs = new Map(); // id -> what is on the screen; folded ones are not there until they are unfolded
  const values = new Map(); // id -> where it stands
  const held = new Set();
  const touched = new Map(); // id -> the turn that told Python of it
  let data = null, line = null, specs = new Map(), layout = "";
  let turn = 0, outbox = [], sent = null, impatient = 0, resting = 0;
  let looked = null; // whose pictures are shown: the knob in focus, or under a mouse that rests

  // ---- what Python says

  function update(told) {
    const other = told.model !== data?.model;
    data = told;
    line = hand.attach(data.live);
    specs = new Map(data.knobs.map((spec) => [spec.id, spec]));
    if (other) forget();
    turn = Math.max(turn, data.turn);
    if (sent && data.turn >= sent.value.turn) heard();
    for (const [id, of] of touched) if (of <= data.turn) touched.delete(id);
    for (const { id, value } of data.knobs) if (!held.has(id) && !touched.has(id)) values.set(id, value);
    arrange();
    for (const [id, knob] of knobs) {
      knob.update(specs.get(id));
      if (!held.has(id)) knob.show(values.get(id));
    }
    tools();
    note.textContent = data.note;
    lead();
    if (held.size) hand.show(data.model, code()); // the others may have moved under the hand
    else rest();
  }

  /** Another model: nothing of what was on its way concerns it. */
  function forget() {
    held.clear();
    touched.clear();
    values.clear();
    outbox = [];
    heard();
    [looked, layout] = [null, ""];
  }

  /** The knobs and folds, built anew only when they are others. */
  function arrange() {
    const now = JSON.stringify([data.model, data.folds, data.knobs.map(({ id, fold }) => [id, fold])]);
    if (now === layout) return;
    layout = now;
    for (const knob of knobs.values()) knob.stop();
    knobs.clear();
    body.replaceChildren(grid(""), ...data.folds.map(fold));
    if (!knobs.has(looked)) looked = knobs.keys().next().value ?? null;
  }

  function grid(fold) {
    const element = document.createElement("div");
    element.className = fold ? "mu-knobs" : "mu-knobs mu-knobs-main";
    for (const spec of data.knobs) {
      if (spec.fold !== fold) continue;
      const knob = buildKnob(spec, values.get(spec.id), on);
      knobs.set(spec.id, knob);
      element.append(knob.element);
    }
    return element;
  }

  function fold({ id, label, words, open }) {
    const element = document.createElement("details");
    element.className = "mu-fold";
    element.dataset.muscope = `fold-${id}`;
    const summary = document.createElement("summary");
    summary.textContent = label;
    element.append(summary);
    const fill = () => {
      if (element.children.length > 1) return;
      const about = document.createElement("p");
      about.textContent = words;
      element.append(...(words ? [about] : []), grid(id));
    };
    element.addEventListener("toggle", () => element.open && fill());
    if (open) fill();
    element.open = Boolean(open);
    return element;
  }

  // ---- the hand

  const on = {
    hold(id) {
      held.add(id);
      clearTimeout(resting);
      hand.hold();
      on.look(id);
    },
    move(id, value) {
      values.set(id, value);
      if (film.id === id) film.at(value);
      hand.show(data.model, code());
    },
    settle(id) {
      held.delete(id);
      post("settled", { values: { [id]: values.get(id) } });
      lead();
    },
    cancel(id, value) {
      held.delete(id);
      values.set(id, value);
      lead();
      rest();
    },
    look(id) {
      if (looked === id || (held.size && !held.has(id))) return;
      looked = id;
      lead();
    },
    lock(id) {
      post("lock", { id, locked: !specs.get(id).locked });
    },
  };

  /** The code as the knobs stand now; or with one of them elsewhere. */
  function code(moved = null, to = 0) {
    const z = Float64Array.from(data.base);
    for (const { id, dim, vector } of data.knobs) {
      const value = id === moved ? to : values.get(id);
      if (vector) for (let i = 0; i < z.length; i++) z[i] += value * vector[i];
      else z[dim] += value;
    }
    return z;
  }

  /** Show where the knob that is looked at leads. */
  function lead() {
    const spec = specs.get(looked);
    film.element.hidden = !spec;
    if (spec) film.show(spec, values.get(spec.id), (value) => code(spec.id, value), { line, ...data });
    for (const [id, knob] of knobs) knob.element.classList.toggle("mu-led", id === spec?.id);
  }

  // ---- telling Python: one thing at a time, so that none is lost

  function post(event, value) {
    value = { ...value, turn: ++turn, model: data.model };
    for (const id of Object.keys(value.values ?? {})) touched.set(id, turn);
    const last = outbox.at(-1);
    if (event === "settled" && last?.event === event) {
      last.value = { ...value, values: { ...last.value.values, ...value.values } };
      for (const id of Object.keys(last.value.values)) touched.set(id, turn);
    } else outbox.push({ event, value });
    next();
  }

  function next() {
    if (sent || !outbox.length) return;
    sent = outbox.shift();
    impatient = setTimeout(() => {
      heard();
      touched.clear();
      update(data); // as Python last said it
    }, PATIENCE);
    place.tell(sent.event, sent.value);
  }

  function heard() {
    clearTimeout(impatient);
    sent = null;
    next();
  }

  /** All is told and nothing is held: back to Python's own picture, once it is there. */
  function rest() {
    if (held.size || sent || outbox.length || touched.size || !hand.down) return;
    clearTimeout(resting);
    resting = setTimeout(() => hand.release(), PICTURE);
  }

  // ---- undo, redo, back, random

  const buttons = Object.entries(TOOLS).map(([event, [name, tip, lines]]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.tool = event;
    button.setAttribute("aria-label", name);
    if (tip) button.dataset.tip = tip;
    button.innerHTML = icon(lines) + (tip ? "" : `<span>${name}</span>`);
    button.addEventListener("click", () => press(event));
    bar.append(button);
    return button;
  });

  function tools() {
    bar.hidden = !Object.keys(data.tools).length;
    for (const button of buttons) {
      const can = data.tools[button.dataset.tool];
      button.hidden = can === undefined;
      button.setAttribute("aria-disabled", String(!can)); // not `disabled`: the focus must not fall off it
    }
  }

  function press(event) {
    if (data.tools[event] || sent) post(event, {}); // what is on its way may be what is to be undone
  }

  root.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.target.matches("[type=text]")) return;
    const key = event.key.toLowerCase();
    const wanted = key === "z" ? (event.shiftKey ? "redo" : "undo") : key === "y" ? "redo" : "";
    if (!wanted || data.tools[wanted] === undefined) return;
    event.preventDefault();
    for (const knob of knobs.values()) knob.letGo(); // what keys have turned comes first
    press(wanted);
  });

  function stop() {
    for (const knob of knobs.values()) knob.stop();
    clearTimeout(impatient);
    clearTimeout(resting);
    if (hand.down) hand.release();
  }

  return place;
}
