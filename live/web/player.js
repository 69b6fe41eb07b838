/**
 * A path that plays: scrub it, or let it run there and back at 30 pictures a second.
 *
 * The pictures of the strip come with the page. Those between them are asked for once, a slice at a time, and kept; from
 * then on nothing travels. What has not come yet is shown as the nearest picture that has.
 */

import { button, choice, dress, element, still, toggle, whenAtRest } from "./controls.js";
import { hand } from "./hand.js";
import { film } from "./player_film.js";
import { pathMap } from "./player_map.js";

const RATE = 30; // pictures a second
const SAY_EVERY = 150; // ms between two sentences on how unusual the code is
const SVG = "http://www.w3.org/2000/svg";

export function build(parent, first) {
  const root = element("div", { class: "mu-player", "data-muscope": "player", role: "group", "aria-label": "Player" });
  const place = {
    data: null, film: null, line: null, tell: null,
    turn: first.turn, // of what was told to Python last
    frame: first.frame,
    travelled: first.frame, // frames from the start, on the way there and back
    playing: false, began: 0, from: 0, ticks: 0,
    speed: 1, back: true, loop: true,
    said: 0, raf: 0, alive: true, holding: false,
  };

  // ---- what is on the screen ----------------------------------------------------------------------------------------

  const play = button("Play", { picture: "play", handle: "play", onPress: () => (place.playing ? pause() : start()) });
  const speed = choice("Speed", [[0.5, "0.5×"], [1, "1×"], [2, "2×"]], 1, (value) => retime(() => (place.speed = value)), "speed");
  const back = toggle("There and back", true, (on) => retime(() => (place.back = on)), "back");
  const loop = toggle("Again and again", true, (on) => retime(() => (place.loop = on)), "loop");
  const keep = button("Keep this frame", { picture: "keep", handle: "keep-frame", onPress: () => leave("keep") });
  const scrub = element("input", { type: "range", class: "mu-scrub", min: 0, step: 1, "aria-label": "Place on the way", "data-muscope": "scrub" });
  const loaded = element("div", { class: "mu-loaded", "aria-hidden": "true" });
  const where = element("span", { class: "mu-where", "aria-hidden": "true" });
  const odd = document.createElementNS(SVG, "svg");
  const progress = element("p", { class: "mu-note", role: "status", "data-muscope": "fetching" });
  const strip = element("div", { class: "mu-strip", role: "group", "aria-label": "Frames of the path" });
  const fade = element("div", { class: "mu-strip mu-fade", role: "group", "aria-label": "The same, as a cross-fade" });
  const faded = element("p", { class: "mu-note", hidden: "" }, "Above: the path. Below: the same keyframes faded into each other.");
  const map = pathMap();
  root.append(
    element("div", { class: "mu-bar" }, play, speed, back, loop),
    element("div", { class: "mu-rail" }, scrub, loaded),
    strip,
    faded,
    fade,
    element("div", { class: "mu-odd-way", "aria-hidden": "true" }, odd, element("span", {}, "how unusual: the higher, the stranger; orange where real images hardly are")),
    element("div", { class: "mu-bar" }, keep, where, progress),
    map.root,
  );
  parent.append(root);

  // ---- the frame that is shown --------------------------------------------------------------------------------------

  const last = () => place.film.count - 1;
  const percent = (frame) => `${Math.round((100 * frame) / last())} %`;

  /** The controls at a frame. */
  function mark(frame) {
    place.frame = frame;
    root.dataset.frame = String(frame);
    scrub.value = String(frame);
    scrub.style.setProperty("--share", String(frame / last()));
    scrub.setAttribute("aria-valuetext", `${percent(frame)} of the way`);
    where.textContent = `${percent(frame)} of the way`;
    const { shown } = place.data, away = (i) => Math.abs(shown[i] - frame);
    const now = shown.reduce((best, _, i) => (away(i) < away(best) ? i : best), 0);
    for (const row of [strip, fade]) [...row.children].forEach((one, i) => one.classList.toggle("mu-now", i === now));
    map.mark(frame);
  }

  /** The controls and the large picture at a frame. */
  function show(frame) {
    mark(frame);
    const picture = place.film.nearest(frame);
    if (!picture) return;
    const time = performance.now(), say = !place.playing || time - place.said >= SAY_EVERY;
    if (say) place.said = time;
    const notes = { caption: `${percent(frame)} of the way`, ...(say && { unusual: place.data.unusual[frame] }) };
    hand.showAnswer(place.data.model, place.film.code(frame), { ...picture.answer, notes }, picture.at);
  }

  function hold() {
    place.holding = true;
    hand.hold();
  }

  function release() {
    if (place.holding) hand.release();
    place.holding = false;
  }

  /** A hand took the path to a frame. */
  function grip(frame) {
    halt();
    hold();
    place.travelled = Math.min(Math.max(frame, 0), last());
    show(place.travelled);
  }

  /** The hand let go: Python is told once, and its page catches up. */
  function leave(event = "settled") {
    halt();
    hold();
    root.dataset.turn = String(place.turn + 1);
    place.tell(event, { turn: ++place.turn, model: place.data.model, frame: place.frame });
  }

  // ---- playing ------------------------------------------------------------------------------------------------------

  function start() {
    if (!place.back && place.travelled >= last()) place.travelled = 0;
    place.playing = true;
    place.from = place.travelled;
    place.began = performance.now();
    place.ticks = -1;
    hold();
    dress(play, "Pause", "pause");
    root.dataset.playing = "true";
    place.raf = requestAnimationFrame(step);
  }

  function halt() {
    if (!place.playing) return;
    place.playing = false;
    cancelAnimationFrame(place.raf);
    dress(play, "Play", "play");
    delete root.dataset.playing;
  }

  const pause = () => leave();

  /** By the clock: a machine too slow for 30 pictures a second drops some, and the film takes no longer. */
  function step(now) {
    if (!place.playing) return;
    place.raf = requestAnimationFrame(step);
    const ticks = Math.floor((Math.max(0, now - place.began) / 1000) * RATE);
    if (ticks === place.ticks) return;
    place.ticks = ticks;
    const way = place.back ? 2 * last() : last();
    let travelled = place.from + ticks * place.speed;
    if (travelled >= way) {
      if (!place.loop) {
        place.travelled = 0;
        show(place.back ? 0 : last());
        leave();
        return;
      }
      travelled %= place.back ? way : way + 1;
    }
    place.travelled = travelled;
    const frame = Math.round(travelled);
    show(frame > last() ? way - frame : frame);
  }

  /** Another speed or another way: from where it is now. */
  function retime(change) {
    change();
    if (!place.back && place.travelled > last()) place.travelled = place.frame;
    if (place.playing) {
      place.from = place.travelled;
      place.began = performance.now();
      place.ticks = -1;
    }
  }

  // ---- the hand -----------------------------------------------------------------------------------------------------

  scrub.addEventListener("input", () => grip(Number(scrub.value)));
  whenAtRest(scrub, null, () => leave());
  root.addEventListener("keydown", (event) => {
    if (event.target.closest("button, [role=radiogroup]") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key !== " ") return; // arrows, Home and End are the range's own
    event.preventDefault();
    place.playing ? pause() : start();
  });

  // ---- what Python says ---------------------------------------------------------------------------------------------

  place.update = (data) => {
    const anew = !place.data;
    const path = `${data.model} ${data.shown} ${data.codes}`;
    const other = path !== place.path;
    place.data = data;
    place.line = hand.attach(data.live);
    if (other) {
      place.path = path;
      place.film = film(path, data);
      scrub.max = String(last());
      place.frame = Math.min(place.frame, last());
      place.travelled = Math.min(place.travelled, place.back ? 2 * last() : last());
      drawStrip(data);
      drawOdd(data);
      map.draw(data.map);
      retime(() => {});
      load(place.film);
    }
    drawFade(data);
    if (place.playing || data.turn < place.turn) return; // ahead of what Python knows
    place.frame = place.travelled = data.frame;
    release();
    if (anew && !still()) start();
    else mark(data.frame);
  };

  const columns = ({ length }) => String(Math.ceil(length / Math.ceil(length / 12)));

  function drawStrip({ strip: pictures, shown, crisp }) {
    strip.style.setProperty("--columns", columns(pictures));
    strip.replaceChildren(
      ...pictures.map(({ png, alt }, i) => {
        const image = element("img", { src: png, alt, class: crisp ? "mu-crisp" : "mu-smooth", "data-muscope": "frame" });
        const one = element("button", { type: "button", class: "mu-thumb" }, image);
        one.addEventListener("click", () => {
          grip(shown[i]);
          leave();
        });
        return one;
      }),
    );
  }

  /** The cross-fade, for contrast: pictures that no code stands behind, so they cannot be pressed. */
  function drawFade({ fade: pictures, crisp }) {
    faded.hidden = !pictures.length;
    fade.style.setProperty("--columns", columns(pictures));
    fade.replaceChildren(
      ...pictures.map((src, i) => element("span", { class: "mu-thumb" }, element("img", {
        src, alt: `Cross-fade, frame ${i + 1}`, class: crisp ? "mu-crisp" : "mu-smooth", "data-muscope": "fade",
      }))),
    );
    mark(place.frame);
  }

  /** How unusual the frames are, from one end to the other: the share of real images that are less so. */
  function drawOdd({ unusual }) {
    odd.setAttribute("viewBox", `0 0 ${last()} 100`);
    odd.setAttribute("preserveAspectRatio", "none");
    odd.replaceChildren(
      ...unusual.slice(1).map(({ percentile, usual }, i) => {
        const part = document.createElementNS(SVG, "path");
        part.setAttribute("d", `M${i} 100V${100 - unusual[i].percentile}L${i + 1} ${100 - percentile}V100z`);
        part.setAttribute("class", usual && unusual[i].usual ? "mu-usual" : "mu-strange");
        return part;
      }),
    );
  }

  async function load(film) {
    const say = () => {
      const share = film === place.film ? film.share : 0;
      loaded.style.width = `${100 * share}%`;
      loaded.classList.toggle("mu-whole", share === 1);
      root.dataset.loaded = String(film.asked);
      progress.textContent = share < 1 ? `Fetching the frames between: ${Math.round(100 * share)} %` : "";
    };
    const here = () => place.alive && film === place.film;
    say();
    await film.first.catch(() => {});
    try {
      await film.fetch(place.line, () => here() && (say(), true));
      if (here() && !place.playing && place.holding) show(place.frame);
    } catch {
      // Blocked, or lost: the frames of the strip stand in for those between them. What is missing may come later.
      if (here()) progress.textContent = "Live pictures cannot get through: the path plays with the frames you see here.";
      if (here()) place.again = setTimeout(() => here() && load(film), 10_000);
    }
  }

  place.stop = () => {
    halt();
    place.alive = false;
    clearTimeout(place.again);
    release();
  };
  return place;
}
