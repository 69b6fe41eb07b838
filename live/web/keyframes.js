/**
 * The keyframes of a path in a row. A press chooses one; it is dragged to another place, or moved there by buttons or
 * by Alt and the arrow keys; Delete takes it out. Each change is told to Python once: the old numbers in their new order.
 */

import { button, element } from "./controls.js";

const FAR = 6; // pixels a finger may tremble before it drags

export function build(parent, first) {
  const place = { data: first, tell: null, turn: first.turn, order: [], chosen: 0, drag: null };
  const row = element("ol", { class: "mu-row-of-keyframes", "aria-label": "Keyframes of the path" });
  const earlier = button("Earlier", { picture: "back", handle: "earlier", onPress: () => move(-1) });
  const later = button("Later", { picture: "play", handle: "later", onPress: () => move(1) });
  const out = button("Take out", { picture: "clear", handle: "take-out", onPress: () => takeOut() });
  const undo = button("Undo", { picture: "undo", handle: "undo-keyframes", onPress: () => tell("undo") });
  const said = element("p", { class: "mu-note", role: "status", "data-muscope": "keyframe-note" });
  const root = element("div", { class: "mu-keyframes", "data-muscope": "keyframes", role: "group", "aria-label": "Keyframes" },
    row, element("div", { class: "mu-bar" }, earlier, later, out, undo), said);
  parent.append(root);

  const items = () => [...row.children];
  const nameOf = (number) => place.data.frames[number].alt;

  function draw(focus = false) {
    const { frames, crisp } = place.data;
    row.replaceChildren(
      ...place.order.map((number, at) => {
        const image = element("img", { src: frames[number].png, alt: "", class: crisp ? "mu-crisp" : "mu-smooth", draggable: "false" });
        const one = element("button", {
          type: "button", "data-muscope": "keyframe", title: frames[number].alt, "aria-current": String(at === place.chosen),
          "aria-label": `Keyframe ${at + 1} of ${place.order.length}: ${frames[number].alt}`, tabindex: at === place.chosen ? 0 : -1,
        }, image);
        one.addEventListener("click", () => choose(at));
        one.addEventListener("pointerdown", (event) => grip(event, at));
        return element("li", { class: "mu-keyframe" }, one, element("span", { "aria-hidden": "true" }, String(at + 1)));
      }),
    );
    mark();
    if (focus) items()[place.chosen]?.querySelector("button").focus();
  }

  function mark() {
    items().forEach((item, at) => {
      const one = item.querySelector("button");
      one.setAttribute("aria-current", String(at === place.chosen));
      one.tabIndex = at === place.chosen ? 0 : -1;
    });
    earlier.disabled = place.chosen === 0;
    later.disabled = place.chosen === place.order.length - 1;
    out.disabled = place.order.length < 3;
    undo.disabled = !place.data.base;
  }

  function tell(event) {
    root.dataset.turn = String(place.turn + 1);
    place.tell(event, { turn: ++place.turn, model: place.data.model, base: place.data.base, order: [...place.order], chosen: place.chosen });
  }

  function choose(at, focus = false) {
    if (place.drag?.moved) return; // the end of a drag is no press
    const other = at !== place.chosen;
    place.chosen = at;
    mark();
    if (focus) items()[at].querySelector("button").focus();
    if (other) tell("settled");
  }

  /** The chosen one goes to another place in the row. */
  function put(at, focus) {
    const to = Math.min(Math.max(at, 0), place.order.length - 1);
    if (to === place.chosen) return;
    const [number] = place.order.splice(place.chosen, 1);
    place.order.splice(to, 0, number);
    place.chosen = to;
    said.textContent = `${nameOf(number)} is now keyframe ${to + 1} of ${place.order.length}.`;
    draw(focus);
    tell("settled");
  }

  const move = (by) => put(place.chosen + by, false);

  function takeOut(focus = false) {
    if (place.order.length < 3) return;
    const [number] = place.order.splice(place.chosen, 1);
    place.chosen = Math.min(place.chosen, place.order.length - 1);
    said.textContent = `${nameOf(number)} was taken out.`;
    draw(focus);
    tell("settled");
  }

  // ---- the hand -----------------------------------------------------------------------------------------------------

  /** A pointer took one: it follows, and where it is let go is its new place. */
  function grip(event, at) {
    if (event.button !== 0) return;
    const item = items()[at], from = { x: event.clientX, y: event.clientY }, boxes = items().map((one) => one.getBoundingClientRect());
    place.drag = { at, to: at, moved: false };
    const follow = (moving) => {
      if (moving.pointerId !== event.pointerId) return;
      const [x, y] = [moving.clientX - from.x, moving.clientY - from.y];
      if (!place.drag.moved && Math.hypot(x, y) < FAR) return;
      place.drag.moved = true;
      item.classList.add("mu-dragged");
      item.style.transform = `translate(${x}px, ${y}px)`;
      const [cx, cy] = [boxes[at].x + boxes[at].width / 2 + x, boxes[at].y + boxes[at].height / 2 + y];
      const away = boxes.map((box) => Math.hypot(box.x + box.width / 2 - cx, box.y + box.height / 2 - cy));
      place.drag.to = away.indexOf(Math.min(...away));
      items().forEach((other, i) => {
        if (other === item) return;
        const { to } = place.drag, aside = i > at && i <= to ? i - 1 : i < at && i >= to ? i + 1 : i;
        other.style.transform = aside === i ? "" : `translate(${boxes[aside].x - boxes[i].x}px, ${boxes[aside].y - boxes[i].y}px)`;
      });
      moving.preventDefault();
    };
    const drop = (up) => {
      if (up.pointerId !== event.pointerId) return;
      for (const [name, heard] of [["pointermove", follow], ["pointerup", drop], ["pointercancel", drop]]) removeEventListener(name, heard);
      const { to, moved } = place.drag;
      for (const other of items()) other.style.transform = "";
      item.classList.remove("mu-dragged");
      if (moved && up.type === "pointerup") {
        place.chosen = at;
        mark();
        if (to === at) tell("settled");
        else put(to, false);
      }
      setTimeout(() => (place.drag = null)); // after the click that follows
    };
    for (const [name, heard] of [["pointermove", follow], ["pointerup", drop], ["pointercancel", drop]]) addEventListener(name, heard, { passive: false });
  }

  row.addEventListener("touchmove", (event) => place.drag?.moved && event.preventDefault(), { passive: false });
  row.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step && event.altKey) put(place.chosen + step, true);
    else if (step) choose(Math.min(Math.max(place.chosen + step, 0), place.order.length - 1), true);
    else if (event.key === "Delete" || event.key === "Backspace") takeOut(true);
    else return;
    event.preventDefault();
  });

  // ---- what Python says ---------------------------------------------------------------------------------------------

  place.update = (data) => {
    if (data.turn < place.turn || place.drag?.moved) return; // ahead of what Python knows
    const focus = row.contains(document.activeElement);
    place.data = data;
    place.order = data.frames.map((_, number) => number);
    place.chosen = data.chosen;
    draw(focus);
  };
  place.stop = () => {};
  return place;
}
