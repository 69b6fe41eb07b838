/**
 * Samples from a prior, a grid of them: drawn anew all at once, or a few at a time for as long as one likes to look.
 *
 * Every picture has a name that can be said again: its draw (the seed of the random numbers) and its place in it.
 * Cell i always shows picture i of some draw, so a grid that refills passes from one whole draw to the next.
 */

import { LANE, SAMPLE } from "./client.js";
import { button, choice, element, range, toggle, unpack } from "./controls.js";
import { hand } from "./hand.js";
import { Cell } from "./shower_cell.js";

const SLOWEST = 0.5, FASTEST = 10; // pictures a second
const TIGHTEST = 0.5, LOOSE = 4; // standard deviations that noise may lie out; from LOOSE on there is no limit, said as 0

export function build(parent, first) {
  const place = {
    model: null, count: first.count, crisp: false, line: null, tell: null,
    turn: first.turn, // of what was told to Python last
    draw: first.draw, temperature: first.temperature, limit: first.limit, pace: first.pace,
    prior: first.prior, of: first.of,
    cells: [], store: new Map(), asking: new Set(), order: [],
    era: 0, waiting: false, flowing: false, held: false, redrawing: false, timer: 0,
    chain: Promise.resolve(), unheard: null,
  };

  // ---- what is on the screen ----------------------------------------------------------------------------------------

  const again = button("Draw again", { picture: "dice", handle: "draw", onPress: () => drawAll(newest() + 1) });
  const flowing = toggle("Keep drawing", false, (on) => (on ? flow() : pause()), "flow");
  const many = choice("How many", first.counts.map((count) => [count, String(count)]), first.count, (count) => {
    const draw = newest();
    place.count = count;
    lay(count);
    drawAll(draw);
  }, "count");
  const pace = range({
    label: "Pace", low: 0, high: 1, step: 0.01, value: asShare(place.pace), handle: "pace",
    say: (share) => (asPace(share) < 0.95 ? `a picture every ${(1 / asPace(share)).toFixed(1)} s` : `${asPace(share).toFixed(0)} pictures a second`),
    onInput: (share) => (place.pace = asPace(share)),
    onRest: () => leave(),
  });
  const temperature = range({
    label: "Temperature", low: 0, high: 2, step: 0.05, value: place.temperature, handle: "temperature",
    say: (value) => (value === 1 ? "1.00 (prior)" : value.toFixed(2)),
    ends: ["all the same", "more variety"],
    onHold: () => (place.held = true),
    onInput: (value) => {
      place.temperature = value;
      redraw();
    },
    onRest: () => {
      place.held = false;
      leave();
    },
  });
  const limit = range({
    label: "Truncation", low: TIGHTEST, high: LOOSE, step: 0.1, value: place.limit || LOOSE, handle: "limit",
    say: (value) => (value >= LOOSE ? "none" : `at ${value.toFixed(1)} standard deviations`),
    ends: ["typical only", "none"],
    onHold: () => (place.held = true),
    onInput: (value) => {
      place.limit = value >= LOOSE ? 0 : value;
      redraw();
    },
    onRest: () => {
      place.held = false;
      leave();
    },
  });
  const grid = element("div", {
    class: "mu-grid", role: "group", "aria-label": "Samples: arrow keys move among them, Enter keeps one", "data-muscope": "samples",
  });
  const note = element("p", { class: "mu-note", "data-muscope": "draw-note" });
  const howMany = element("div", { class: "mu-many" }, element("span", { "aria-hidden": "true" }, "How many"), many);
  const root = element("div", { class: "mu-shower" }, element("div", { class: "mu-bar" }, again, flowing, howMany),
    element("div", { class: "mu-two" }, temperature, limit, pace), grid, note);
  parent.append(root);

  function say() {
    const draws = [...new Set(place.cells.map((cell) => cell.draw))].sort((a, b) => a - b);
    const names = draws.length > 1 ? `Draws ${draws.slice(0, -1).join(", ")} and ${draws.at(-1)}` : `Draw ${draws[0]}`;
    note.textContent = `${names}: the same number gives the same pictures. What you press is kept.`;
  }

  // ---- cells --------------------------------------------------------------------------------------------------------

  function lay(count) {
    many.set(count);
    place.cells = Array.from({ length: count }, (_, i) => new Cell(i, place, keep));
    grid.style.setProperty("--columns", String(Math.round(Math.sqrt(count))));
    grid.replaceChildren(...place.cells.map((cell) => cell.button));
  }

  grid.addEventListener("keydown", (event) => {
    const at = place.cells.findIndex((cell) => cell.button === event.target), columns = Math.round(Math.sqrt(place.count));
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    const to = event.key === "Home" ? 0 : event.key === "End" ? place.count - 1 : step && at + step;
    if (at < 0 || to === undefined || !place.cells[to]) return;
    event.preventDefault();
    place.cells.forEach((cell, i) => (cell.button.tabIndex = i === to ? 0 : -1));
    place.cells[to].button.focus();
  });

  // ---- pictures -----------------------------------------------------------------------------------------------------

  /** One after the other: a newer request on a lane would take the place of an older one. */
  function ask(draw, { temperature, limit }) {
    const names = new TextEncoder().encode(`${place.prior}\n${place.of}`);
    const payload = new ArrayBuffer(12 + names.length), view = new DataView(payload);
    view.setUint32(0, draw, true);
    view.setFloat32(4, temperature, true);
    view.setFloat32(8, limit, true);
    new Uint8Array(payload, 12).set(names);
    const { model, count } = place;
    const asked = place.chain.then(() => place.line.ask({ kind: SAMPLE, model, payload, count }, LANE.grid));
    place.chain = asked.catch(() => {});
    return asked;
  }

  const newest = () => Math.max(place.draw, ...place.cells.map((cell) => cell.draw ?? 0));

  /** What a hand can change of the same noise. */
  const warmth = () => ({ temperature: place.temperature, limit: place.limit });
  const same = (a, b) => a && a.temperature === b.temperature && a.limit === b.limit;

  /** A whole new draw, at once. */
  async function drawAll(draw, tell = true) {
    const era = ++place.era;
    forget();
    try {
      const how = warmth(), answer = await ask(draw, how);
      if (era !== place.era) return;
      place.draw = draw;
      place.cells.forEach((cell, i) => cell.set(draw, how, answer, i, true));
      say();
      if (tell) leave();
    } catch {
      if (era === place.era) askPython(draw);
    }
  }

  /** The same noise at the temperature and the limit of the hand, again and again while it moves. */
  async function redraw() {
    if (place.redrawing) return;
    place.redrawing = true;
    const era = ++place.era;
    forget();
    try {
      let done = null;
      while (era === place.era && !same(done, warmth())) {
        done = warmth();
        for (const draw of new Set(place.cells.map((cell) => cell.draw))) {
          const answer = await ask(draw, done);
          if (era === place.era)
            for (const cell of place.cells) if (cell.draw === draw) cell.set(draw, done, answer, cell.index, false);
        }
      }
    } catch {
      // On release Python is told, and sends the pictures.
    } finally {
      place.redrawing = false;
    }
  }

  function forget() {
    place.store.clear();
    place.order = [];
  }

  /** Fetch a draw ahead of need. */
  async function need(draw) {
    if (place.store.has(draw) || place.asking.has(draw)) return;
    const { era } = place, how = warmth();
    place.asking.add(draw);
    try {
      const answer = await ask(draw, how);
      if (era === place.era) place.store.set(draw, { answer, how });
    } catch {
      // The network's state is told beside the large picture; the next turn asks again.
    } finally {
      place.asking.delete(draw);
    }
  }

  function flow() {
    clearTimeout(place.timer);
    place.flowing = true;
    root.dataset.flowing = "true";
    place.timer = setTimeout(() => {
      if (place.line.state === "live" && !place.held && !place.redrawing) drip();
      if (place.flowing) flow();
    }, 1000 / place.pace);
  }

  /** One picture more of the next draw. What somebody looks at stays. */
  function drip() {
    const draw = place.draw + 1;
    need(draw);
    const next = place.store.get(draw);
    if (!next) return;
    if (!place.order.length) place.order = shuffled(place.count);
    if (2 * place.order.length <= place.count) need(draw + 1);
    const at = place.order.findIndex((i) => !place.cells[i].watched);
    if (at >= 0) {
      const [index] = place.order.splice(at, 1);
      place.cells[index].set(draw, next.how, next.answer, index, true);
    } else {
      place.order = [];
    }
    if (!place.order.length) {
      place.draw = draw;
      place.store.delete(draw);
    }
    say();
  }

  function stopFlow() {
    place.flowing = false;
    delete root.dataset.flowing;
    clearTimeout(place.timer);
    flowing.set(false);
  }

  function pause() {
    stopFlow();
    leave();
  }

  // ---- what Python is told, and says --------------------------------------------------------------------------------

  /** What a hand leaves. `live` says that no pictures need to be sent: they come by the wire. */
  function told() {
    const { model, draw, count, pace, prior, of, line } = place;
    return { turn: ++place.turn, model, draw, count, ...warmth(), pace, prior, of, live: line.state === "live" };
  }

  function leave() {
    const value = told();
    place.waiting = !value.live;
    place.tell("settled", value);
  }

  function askPython(draw) {
    place.waiting = true;
    place.tell("settled", { ...told(), draw, live: false });
  }

  function keep(cell) {
    cell.button.classList.add("mu-kept");
    const { temperature, limit } = cell.how;
    place.tell("keep", { ...told(), from: cell.draw, index: cell.index, at: temperature, within: limit });
  }

  place.update = (data) => {
    const line = hand.attach(data.live);
    if (line !== place.line) {
      place.line = line;
      place.unheard?.();
      place.unheard = line.onState((state) => {
        flowing.disabled = pace.input.disabled = state === "blocked";
        if (state === "blocked" && place.flowing) stopFlow();
      });
    }
    const other = data.model !== place.model || data.prior !== place.prior || data.of !== place.of;
    place.crisp = data.crisp;
    if (other) {
      Object.assign(place, { model: data.model, prior: data.prior, of: data.of });
      place.count = Math.min(place.count, data.counts.at(-1));
      place.era++;
      forget();
      lay(place.count);
    }
    if (!other && (!place.waiting || data.turn < place.turn)) return; // this side is ahead
    const { draw, count } = place;
    const fits = place.waiting || (data.draw === draw && data.count === count && same(data, warmth()));
    if (data.pictures && fits) adopt(data);
    else drawAll(draw, false);
  };

  /** Pictures that Python sent. */
  async function adopt({ draw, pictures, ...how }) {
    const era = ++place.era;
    place.waiting = false;
    if (pictures.length !== place.count) lay((place.count = pictures.length));
    const answers = await Promise.all(pictures.map(unpack));
    if (era !== place.era) return;
    place.draw = draw;
    place.temperature = how.temperature;
    place.limit = how.limit;
    temperature.set(how.temperature);
    limit.set(how.limit || LOOSE);
    place.cells.forEach((cell, i) => cell.set(draw, warmth(), answers[i], 0, false));
    say();
  }

  place.stop = () => {
    place.flowing = false;
    place.era++;
    clearTimeout(place.timer);
    place.unheard?.();
    hand.rest();
  };
  return place;
}

// The pace is felt in ratios: from one picture in two seconds to ten in one.
const asPace = (share) => SLOWEST * (FASTEST / SLOWEST) ** share;
const asShare = (pace) => Math.log(pace / SLOWEST) / Math.log(FASTEST / SLOWEST);

function shuffled(count) {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
