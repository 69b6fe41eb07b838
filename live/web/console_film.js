/**
 * Where a knob leads: seven pictures from its low end to its high end, everything else as it is. Press one to go there.
 */

import { DECODE, LANE, paint, payload } from "./client.js";
import { words } from "./console_words.js";

const FRAMES = 7;
const lines = new WeakMap(); // wire -> how to ask on it: a lane is followed once for a tab

/** @param onPress called with (knob id, value) when a picture is pressed. */
export function buildFilm(onPress) {
  const element = document.createElement("div");
  element.className = "mu-film";
  element.dataset.muscope = "film";
  element.setAttribute("role", "group");
  element.innerHTML = `<p></p><div class="mu-film-row"><i class="mu-film-mark"></i></div>`;
  const [title, row] = element.children, mark = row.firstElementChild;
  const film = { element, show, at, id: null };
  let stops = [], wanted = "";

  const frames = Array.from({ length: FRAMES }, (_, i) => {
    const frame = document.createElement("button");
    frame.type = "button";
    frame.dataset.muscope = "film-frame";
    frame.tabIndex = i ? -1 : 0; // one stop for the Tab key; arrows go on from there
    frame.innerHTML = `<canvas width="1" height="1"></canvas><span></span>`;
    frame.addEventListener("click", () => onPress(film.id, stops[i]));
    row.append(frame);
    return frame;
  });
  row.addEventListener("keydown", (event) => {
    const from = frames.indexOf(document.activeElement);
    const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: FRAMES - 1 }[event.key];
    if (to === undefined || !frames[to]) return;
    for (const frame of frames) frame.tabIndex = -1;
    frames[to].tabIndex = 0;
    frames[to].focus();
    event.preventDefault();
  });

  /**
   * Show where a knob leads.
   * @param spec of the knob
   * @param codes from a value of the knob to the whole code
   * @param told {line, model, crisp}: the wire, and what is asked of it
   */
  function show(spec, value, codes, { line, model, crisp }) {
    film.id = spec.id;
    const low = Math.min(spec.low, value), high = Math.max(spec.high, value);
    stops = spec.stops ?? frames.map((_, i) => low + (i / (FRAMES - 1)) * (high - low));
    const name = document.createElement("b");
    name.textContent = spec.label;
    title.replaceChildren(name, ` from ${words(stops[0])} to ${words(stops.at(-1))}, ${spec.film}`);
    element.setAttribute("aria-label", `Where ${spec.label} leads`);
    frames.forEach((frame, i) => {
      frame.lastElementChild.textContent = words(stops[i]);
      frame.setAttribute("aria-label", `Set ${spec.label} to ${words(stops[i])}`);
      frame.firstElementChild.className = crisp ? "mu-crisp" : "mu-smooth";
    });
    at(value);
    const all = stops.map(codes), now = `${model} ${all.join(" ")}`;
    if (now === wanted) return;
    wanted = now;
    send(line)({ kind: DECODE, model, payload: payload(all), count: FRAMES, unusual: false, draw, for: now });
  }

  function draw(answer, request) {
    if (request.for !== wanted) return;
    if (answer.notes.error) title.textContent = answer.notes.error;
    else frames.forEach((frame, i) => paint(frame.firstElementChild, answer, i));
  }

  /** Mark where the knob stands now, between the middles of the first and the last picture. */
  function at(value) {
    const share = (value - stops[0]) / (stops.at(-1) - stops[0] || 1);
    const place = (0.5 + (FRAMES - 1) * Math.min(Math.max(share, -1 / 12), 13 / 12)) / FRAMES;
    mark.style.transform = `translateX(${100 * place}%)`; // it is as wide as the row
  }

  return film;
}

function send(line) {
  if (!lines.has(line)) lines.set(line, line.follow(LANE.strip, (answer, request) => request.draw(answer, request)));
  return lines.get(line);
}
