/**
 * The curves of a training, with a line at the moment that is shown: the terms of the loss, what each latent carries,
 * how many are in use, beta and the rate. A press on a curve goes to that moment.
 */

import { element } from "./controls.js";
import { channels } from "./map_dots.js";
import { ticks } from "./map_view.js";

const SVG = "http://www.w3.org/2000/svg";
const HIGH = 190, LEFT = 44, BELOW = 22, TOP = 8, RIGHT = 8; // CSS pixels of a chart, and around its lines
const FEW = 4; // latents that have a line each; more are rows of a picture
const SETTLED = 0.06; // part of the time after which the height of a chart is judged: the first steps would dwarf the rest
const DWARFED = 2; // times as high as the rest: then the first values are cut off, and a word says so
const MOST = 0.95, FAINT = 0.01; // quantile of what latents carry that is the brightest; nats below which none is counted
const APART = 74, LINE = 12; // pixels between the words of two changes, else they stand below each other
const CALM = 4; // times that quantile up to which nothing is cut

export class Curves {
  /** `go(at)`: a hand wants the moment after so many epochs. */
  constructor(go) {
    this.charts = {};
    const chart = (name, title, high = HIGH) => (this.charts[name] = new Chart(title, high, go)).root;
    this.root = element("div", { class: "mu-curves", hidden: "", "data-muscope": "unfold-curves" },
      chart("recon", "Reconstruction, nats per image"), chart("kl", "KL, nats per image"),
      chart("dims", "KL of each latent, nats"), chart("active", "Latents in use"));
    this.more = element("details", { class: "mu-curves-more", hidden: "" }, element("summary", {}, "Beta and learning rate"),
      element("div", { class: "mu-curves" }, chart("beta", "Beta"), chart("rate", "Learning rate")));
  }

  /** What is known: see `live.reels.curves_payload`. */
  show(data) {
    this.root.hidden = false;
    const whole = data.at.length > 0; // epochs: until one is done there are only steps
    for (const name of ["dims", "active"]) this.charts[name].root.hidden = !whole;
    this.more.hidden = !whole;
    const spent = [...data.training[2], ...data.kl]; // a plain autoencoder is charged no KL: its curves would claim one
    if (spent.length && spent.every(kl => kl === 0)) for (const name of ["kl", "dims"]) this.charts[name].root.hidden = true;
    const end = Math.max(data.at.at(-1) ?? 0, data.training[0].at(-1) ?? 0);
    for (const chart of Object.values(this.charts)) chart.changes = data.changes ?? [];
    const { charts } = this, line = (name, colour, at, values) => ({ name, colour, at, values });
    const both = (trained, tested) => [line("training", "#56b4e9", data.training[0], trained), line("test", "#d55e00", data.at, tested)];
    charts.recon.lines(both(data.training[1], data.recon), end);
    charts.kl.lines(both(data.training[2], data.kl), end);
    if (!whole) return;
    const { dims, colours } = data;
    if (dims.names.length <= FEW) charts.dims.lines(dims.names.map((dim, i) => line(`latent ${dim}`, colours[i], data.at, dims.kl[i])), end);
    else charts.dims.rows(data.at, dims, data.ramp, end);
    const alone = (name, values, top) => charts[name].lines([line("", "#56b4e9", data.at, values)], end, top);
    charts.active.of = ` of ${data.latents}`;
    alone("active", data.active, data.latents);
    alone("beta", data.beta, null);
    alone("rate", data.rate, null);
  }

  /** The moment that is shown, in epochs. */
  mark(at) {
    for (const chart of Object.values(this.charts)) chart.mark(at);
  }

  resize() {
    for (const chart of Object.values(this.charts)) chart.draw();
  }
}

let made = 0;

class Chart {
  constructor(title, high, go) {
    this.high = high;
    this.changes = [];
    this.clip = `mu-curve-${++made}`; // a name that no other chart of the page has
    this.title = title;
    this.key = element("span", { class: "mu-curve-key" });
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("role", "img");
    this.heat = element("canvas", { "aria-hidden": "true", hidden: "" });
    this.root = element("figure", { class: "mu-curve" }, element("figcaption", {}, element("b", {}, title), this.key),
      element("div", { class: "mu-curve-field" }, this.heat, this.svg));
    const press = (event) => {
      if (!this.end || !(event.buttons & 1)) return;
      const box = this.svg.getBoundingClientRect();
      go(Math.min(Math.max((event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT), 0), 1) * this.end);
    };
    this.svg.addEventListener("pointerdown", press);
    this.svg.addEventListener("pointermove", press);
  }

  /** Lines over the epochs, up to `end`; `top` is in sight where it is given. */
  lines(lines, end, top = undefined) {
    Object.assign(this, { series: lines, end, top, image: null });
    this.said = lines.map(() => element("span"));
    this.key.replaceChildren(...lines.map(({ colour }, i) => element("span", {}, lines.length > 1 ? swatch(`background: ${colour}`) : "", this.said[i])));
    this.draw();
  }

  /** A row for each latent, as dark or bright as its KL. */
  rows(at, { names, kl }, ramp, end) {
    const [most, cut] = brightest(kl.flat());
    const bar = swatch(`width: 64px; height: 9px; background: linear-gradient(90deg, ${ramp.join(", ")})`);
    this.said = [element("span")];
    this.key.replaceChildren(element("span", {}, "0", bar, `${short(most)}${cut ? " or more" : ""}`), ...this.said);
    const colours = ramp.map(channels), image = new ImageData(at.length, names.length);
    kl.forEach((row, y) =>
      row.forEach((value, x) => {
        const place = Math.min(Math.max(value ?? 0, 0) / most, 1) * (ramp.length - 1), i = Math.min(Math.floor(place), ramp.length - 2), t = place - i;
        image.data.set([...[0, 1, 2].map((c) => colours[i][c] + (colours[i + 1][c] - colours[i][c]) * t), value === null ? 0 : 255], 4 * (y * at.length + x));
      }),
    );
    Object.assign(this, { series: kl.map((values, i) => ({ name: `latent ${names[i]}`, at, values })), end, image, names });
    this.draw();
  }

  draw() {
    const width = this.svg.parentElement.clientWidth;
    if (!this.series || !width) return;
    const { svg, end } = this, { low, high } = this.image ? { low: 0, high: this.names.length } : this.span();
    this.width = width;
    const x = (at) => LEFT + (at / (end || 1)) * (width - LEFT - RIGHT);
    const y = (value) => TOP + (1 - (value - low) / (high - low || 1)) * (this.high - TOP - BELOW);
    Object.assign(this, { x, y, low, topmost: high });
    svg.setAttribute("viewBox", `0 0 ${width} ${this.high}`);
    svg.setAttribute("height", this.high);
    const parts = [];
    if (!this.image)
      for (const value of ticks(low, high, 4)) {
        parts.push(node("line", { x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value), class: "mu-curve-grid" }));
        parts.push(node("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, short(value)));
      }
    for (const value of ticks(0, end, Math.min(6, width / 60)))
      parts.push(node("text", { x: x(value), y: this.high - 5, "text-anchor": "middle" }, value === 0 ? "epoch 0" : short(value)));
    this.paintHeat(x);
    const words = []; // over the lines
    this.markChanges(parts, words);
    if (!this.image) this.sayCut(words);
    if (!this.image)
      for (const { at, values, colour } of this.series) {
        parts.push(node("path", { d: path(at, values, x, y), "clip-path": `url(#${this.clip})`, stroke: colour, class: "mu-curve-line" }));
        if (at.length === 1 && values[0] !== null && values[0] <= high) parts.push(node("circle", { cx: x(at[0]), cy: y(values[0]), r: 3, fill: colour }));
      }
    this.cursor = node("line", { y1: TOP - 4, y2: this.high - BELOW, class: "mu-curve-now" });
    this.dots = this.image ? [] : this.series.map(({ colour }) => node("circle", { r: 4, fill: colour, class: "mu-curve-dot" }));
    const field = node("clipPath", { id: this.clip });
    field.append(node("rect", { x: LEFT - 2, y: TOP - 2, width: Math.max(width - LEFT - RIGHT + 4, 0), height: this.high - TOP - BELOW + 4 }));
    svg.replaceChildren(field, ...parts, ...words, this.cursor, ...this.dots);
    this.mark(this.at ?? end);
  }

  /** A thin line, with a word, wherever a person changed beta or the rate. */
  markChanges(parts, words) {
    let [last, row] = [-Infinity, 0];
    for (const [at, said] of this.changes) {
      if (at > this.end) continue;
      const x = this.x(at), turned = x > this.width - APART;
      row = x - last < APART ? row + 1 : 0;
      last = x;
      parts.push(node("line", { x1: x, x2: x, y1: TOP, y2: this.high - BELOW, class: "mu-curve-change" }));
      const place = { x: turned ? x - 4 : x + 4, y: TOP + 10 + LINE * (row % 4), "text-anchor": turned ? "end" : "start" };
      words.push(node("text", { ...place, class: "mu-curve-word" }, said));
    }
  }

  /** Where the first values lie above what is drawn: how high, beside the edge that they come in by. */
  sayCut(words) {
    const above = this.series.flatMap(({ at, values }) => values.map((value, i) => [value, at[i]])).filter(([value]) => value > this.topmost);
    if (!above.length) return;
    const x = Math.min(this.x(Math.max(...above.map(([, at]) => at))) + 14, this.width - RIGHT - 80);
    words.push(node("text", { x, y: TOP + 10, class: "mu-curve-word" }, `↑ from ${short(Math.max(...above.map(([value]) => value)))}`));
  }

  paintHeat(x) {
    const { heat, image, series } = this;
    heat.hidden = !image;
    if (!image) return;
    [heat.width, heat.height] = [image.width, image.height];
    heat.getContext("2d").putImageData(image, 0, 0);
    const { at } = series[0], [first, last] = [at[0], at.at(-1)], half = at.length > 1 ? (last - first) / (at.length - 1) / 2 : first / 2;
    const from = x(Math.max(first - half, 0)), to = Math.min(x(last + half), this.width - RIGHT);
    Object.assign(heat.style, { left: `${from}px`, top: `${TOP}px`, width: `${to - from}px`, height: `${this.high - TOP - BELOW}px` });
  }

  /** What the height of a chart has to hold. */
  span() {
    const all = this.series.flatMap(({ at, values }) => values.map((value, i) => [at[i], value])).filter(([, value]) => value !== null);
    const settled = all.filter(([at]) => at >= SETTLED * this.end).map(([, value]) => value);
    const values = all.map(([, value]) => value);
    let [low, high] = [Math.min(...values), Math.max(...values)];
    if (!values.length) [low, high] = [0, 1];
    // What lies below is always in sight; what lies above is cut off only where it would make the rest flat.
    if (this.top === undefined && settled.length > 2) {
      const rest = Math.max(...settled);
      if (high - low > DWARFED * (rest - low)) high = rest;
    }
    if (this.top !== undefined) [low, high] = [0, Math.max(high, this.top ?? 0)];
    const room = (high - low || Math.abs(high) || 1) * 0.05;
    return { low: this.top === undefined ? low - room : low, high: high + room };
  }

  mark(at) {
    this.at = at;
    if (!this.cursor) return;
    const place = this.x(Math.min(at, this.end));
    this.cursor.setAttribute("x1", place);
    this.cursor.setAttribute("x2", place);
    const now = this.series.map(({ at: when, values }) => nearest(when, values, at));
    this.dots.forEach((dot, i) => {
      const seen = now[i] && now[i].value <= this.topmost;
      dot.toggleAttribute("hidden", !seen);
      if (!seen) return;
      dot.setAttribute("cx", this.x(now[i].at));
      dot.setAttribute("cy", this.y(now[i].value));
    });
    const words = this.image ? [strongest(now, this.series)] : this.series.map(({ name }, i) => `${name} ${now[i] ? `${short(now[i].value)}${this.of ?? ""}` : ""}`.trim());
    words.forEach((one, i) => this.said[i].textContent === one || (this.said[i].textContent = one));
    this.svg.setAttribute("aria-label", `${this.title}: ${now.some(Boolean) ? words.join(", ") : "nothing is known yet"}, after ${short(at)} epochs.`);
  }
}

/** Which latent carries most at a moment. */
function strongest(now, series) {
  if (!now.some(Boolean)) return "";
  const found = now.map((one, i) => [one?.value ?? 0, series[i].name]).sort((a, b) => b[0] - a[0])[0];
  return `most: ${found[1]}, ${short(found[0])}`;
}

/** What the brightest of a picture stands for, and whether some values lie above it: one that is far out must not hide the rest. */
function brightest(values) {
  const counted = values.filter((value) => value > FAINT).sort((a, b) => a - b), highest = counted.at(-1) ?? 1e-9;
  const most = counted[Math.floor(MOST * (counted.length - 1))] ?? highest;
  return highest > CALM * most ? [most, true] : [highest, false];
}

/** The value at a moment: the last one that was known then; null before the first. */
function nearest(at, values, now) {
  let found = null;
  for (let i = 0; i < at.length; i++) {
    if (values[i] === null) continue;
    if (at[i] > now + Math.max(1e-3, 1e-4 * now)) break;
    found = { at: at[i], value: values[i] };
  }
  return found;
}

function path(at, values, x, y) {
  let drawn = "", pen = "M"; // a gap where a figure was not finite
  values.forEach((value, i) => {
    if (value === null) pen = "M";
    else {
      drawn += `${pen}${x(at[i]).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = "L";
    }
  });
  return drawn;
}

/** A figure in three digits. */
const short = (value) => (value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential(1) : value.toLocaleString("en-US", { maximumSignificantDigits: 3 }));

const swatch = (style) => element("i", { style });

function node(name, attributes, words = null) {
  const made = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  if (words !== null) made.textContent = words;
  return made;
}
