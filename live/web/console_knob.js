/**
 * One knob: a name, a rail with a thumb, a value to read or type, a lock.
 *
 * Fingers and the mouse work the rail; the keyboard and screen readers work a range input that lies over it, unseen.
 */

import { buildRail } from "./console_rail.js";
import { icon, typed, words } from "./console_words.js";

const CLICK = 4; // px: less movement than this is a press, not a drag
const TWICE = 280; // ms after a press in which it may become a double press, so that both are one turn
const LAST_KEY = 350; // ms after the last key the knob counts as let go
const GRIP = 16; // px around the thumb: whoever takes hold there takes the thumb as it lies
const LINGER = 500; // ms over a knob before it shows where it leads

const LOCKED = `<path d="M5 9h10v8H5zM7 9V6.5a3 3 0 0 1 6 0V9"/>`, OPEN = `<path d="M5 9h10v8H5zM7 9V5.5a3 3 0 0 1 5.8-1"/>`;

/**
 * @param spec what Python says of it: {id, label, words, low, high, ticks, own, reach, kl, share, locked, marks}; see
 *   `pages/ui/knobs.py`
 * @param on what is done about it: hold(id), move(id, value), settle(id), cancel(id, value), look(id), lock(id)
 * @returns {{element, show, update, set, letGo, focus, stop}} `show` and `update` are for Python's news, `set` for a
 *   hand's
 */
export function buildKnob(spec, value, on) {
  const id = `mu-knob-${Math.random().toString(36).slice(2)}`;
  const element = document.createElement("div");
  element.className = "mu-knob";
  element.dataset.muscope = "knob";
  element.dataset.knob = spec.id;
  element.innerHTML = `
    <label for="${id}"></label><span class="mu-knob-kl"><i></i><span></span></span>
    <div class="mu-knob-track" data-muscope="track">
      <input id="${id}" type="range" step="any">
    </div>
    <input class="mu-knob-value" type="text" inputmode="decimal" autocomplete="off" spellcheck="false">
    <button class="mu-knob-lock" type="button"></button>
    <p class="mu-knob-wrong" role="alert" hidden></p>`;
  const part = (name) => element.querySelector(name);
  const [name, field, lock] = [part("label"), part(".mu-knob-value"), part(".mu-knob-lock")];
  const [track, range, wrong] = [part(".mu-knob-track"), part("[type=range]"), part("p")];
  const rail = buildRail();
  track.prepend(rail.element);
  const focus = () => range.focus({ preventScroll: true });
  const knob = { element, show, update, set, letGo: () => held && letGo(), focus, stop };
  let now = value, held = "", before = value, waiting = 0, drawing = 0, lingering = 0;

  // ---- what is seen

  function update(told) {
    spec = told;
    name.textContent = spec.label;
    name.title = spec.words;
    const kl = part(".mu-knob-kl");
    kl.hidden = spec.kl === null;
    if (spec.kl !== null) {
      kl.title = "How much this dimension tells about an image (KL)";
      kl.lastElementChild.textContent = `${spec.kl.toFixed(2)} nats`;
      kl.firstElementChild.style.setProperty("--share", spec.share);
    }
    field.setAttribute("aria-label", `Value of ${spec.label}`);
    lock.hidden = spec.locked === null;
    lock.innerHTML = icon(spec.locked ? LOCKED : OPEN);
    lock.setAttribute("aria-pressed", String(Boolean(spec.locked)));
    lock.setAttribute("aria-label", `Lock ${spec.label}`);
    lock.dataset.tip = spec.locked ? "Locked: random and back leave it" : "Lock: random and back will leave it";
    element.classList.toggle("mu-locked", Boolean(spec.locked));
  }

  function show(value) {
    now = value;
    if (!held) layOut(); // never under a hand
    draw();
  }

  function layOut() {
    rail.layOut(spec, now);
    range.min = rail.low;
    range.max = rail.high;
  }

  function draw() {
    range.value = now;
    drawing ||= requestAnimationFrame(() => {
      drawing = 0;
      rail.put(now);
      range.setAttribute("aria-valuetext", words(now));
      if (document.activeElement !== field) field.value = words(now);
    });
  }

  // ---- taking hold, moving, letting go

  function hold(how) {
    if (!held) before = now;
    held = how;
    element.classList.add("mu-held");
    on.hold(spec.id);
  }

  function move(value) {
    now = value;
    draw();
    on.move(spec.id, value);
  }

  function letGo() {
    clearTimeout(waiting);
    waiting = 0;
    held = "";
    element.classList.remove("mu-held");
    if (now === before) on.cancel(spec.id, before);
    else on.settle(spec.id);
    layOut();
    draw();
  }

  function cancel() {
    if (!held) return;
    now = before;
    letGo();
  }

  /** Hold, move and let go in one. */
  function set(value) {
    hold("set");
    move(value);
    letGo();
  }

  // ---- mouse, finger, pen

  let grip = null; // {x, y, slack, id, moved} from the press on
  track.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || grip) return;
    if (event.pointerType === "mouse") event.preventDefault(); // no text is selected on the way
    knob.focus();
    // Measured once: to ask while something moves is to lay the page out at every movement.
    const box = rail.element.getBoundingClientRect();
    const slack = event.clientX - (box.left + rail.at(now) * box.width);
    grip = { x: event.clientX, y: event.clientY, id: event.pointerId, box, slack: 0, moved: false };
    if (Math.abs(slack) <= GRIP) grip.slack = slack;
    clearTimeout(waiting);
    waiting = 0;
    if (event.pointerType !== "touch") take(event); // a finger may have come to scroll the page
  });
  track.addEventListener("pointermove", (event) => {
    if (event.pointerId !== grip?.id) return;
    const across = Math.abs(event.clientX - grip.x), along = Math.abs(event.clientY - grip.y);
    if (!grip.moved && Math.hypot(across, along) < CLICK) return;
    if (!grip.moved && event.pointerType === "touch" && along > across) {
      grip = null; // it came to scroll
      return;
    }
    grip.moved = true;
    if (held !== "pointer") take(event);
    move(rail.valueAt(event.clientX - grip.slack, grip.box));
  });
  track.addEventListener("pointerup", (event) => {
    if (event.pointerId !== grip?.id) return;
    const { moved, slack, box } = grip;
    grip = null;
    if (moved) return letGo();
    hold("pointer");
    if (!slack) move(rail.valueAt(event.clientX, box));
    waiting = setTimeout(letGo, TWICE);
  });
  track.addEventListener("dblclick", () => set(spec.own ?? 0));
  track.addEventListener("pointercancel", (event) => {
    if (event.pointerId !== grip?.id) return;
    grip = null; // the page scrolls
    if (held === "pointer") letGo();
  });

  function take(event) {
    track.setPointerCapture(event.pointerId);
    hold("pointer");
    if (!grip.slack) move(rail.valueAt(event.clientX, grip.box));
  }

  // ---- keyboard and screen readers

  range.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const to = stepped(event);
    if (event.key === "Escape") cancel();
    else if (event.key === "Enter") field.focus();
    else if (to === null) return;
    else {
      hold("keys");
      move(Math.min(Math.max(to, rail.low), rail.high));
      soon();
    }
    event.preventDefault();
  });
  range.addEventListener("keyup", () => held === "keys" && soon());
  range.addEventListener("blur", () => held === "keys" && letGo());
  range.addEventListener("input", () => {
    hold("keys"); // a screen reader's own gesture
    move(Number(range.value));
    soon();
  });

  function soon() {
    clearTimeout(waiting);
    waiting = setTimeout(letGo, LAST_KEY);
  }

  function stepped({ key, shiftKey }) {
    const { low, high } = rail, whole = high - low, step = whole / (shiftKey ? 500 : 100);
    if (key === "ArrowRight" || key === "ArrowUp") return now + step;
    if (key === "ArrowLeft" || key === "ArrowDown") return now - step;
    if (key === "PageUp") return now + whole / 10;
    if (key === "PageDown") return now - whole / 10;
    if (key === "Home") return low;
    if (key === "End") return high;
    if (key === "Backspace" || key === "Delete") return spec.own ?? 0;
    return null;
  }

  // ---- typing

  field.addEventListener("focus", () => field.select());
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && enter()) field.select();
    if (event.key === "Escape") {
      field.value = words(now);
      mistake("");
      knob.focus();
    }
  });
  field.addEventListener("blur", () => {
    if (!enter()) field.value = words(now);
    mistake("");
  });

  function enter() {
    if (field.value === words(now)) return true; // as it is shown: not rounded to it
    const value = typed(field.value);
    if (!(Math.abs(value) <= spec.reach)) {
      mistake(`Type a number from \u2212${spec.reach} to ${spec.reach}.`);
      return false;
    }
    mistake("");
    set(value);
    field.value = words(now);
    return true;
  }

  function mistake(line) {
    wrong.textContent = line;
    wrong.hidden = !line;
    field.setAttribute("aria-invalid", String(Boolean(line)));
  }

  // ---- lock, and where it leads

  lock.addEventListener("click", () => on.lock(spec.id));
  range.addEventListener("focus", () => on.look(spec.id));
  element.addEventListener("pointerenter", (event) => {
    if (event.pointerType === "mouse") lingering = setTimeout(() => on.look(spec.id), LINGER);
  });
  element.addEventListener("pointerleave", () => clearTimeout(lingering));

  /** It is taken off the page. */
  function stop() {
    held = "";
    clearTimeout(waiting);
    clearTimeout(lingering);
    cancelAnimationFrame(drawing);
  }

  update(spec);
  show(value);
  return knob;
}
