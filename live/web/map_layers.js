/**
 * The three canvases of a map: the ground, the dots, and what lies over them, so that a hand that moves draws no dot
 * again.
 */

import { Dots, mixed, packed, rampColours, unpacked } from "./map_dots.js";
import * as marks from "./map_marks.js";

const PICTURES = [0, 30, 48, 76]; // CSS pixels a side of the pictures: none, small, medium, large
const FEW = 300; // dots in sight: of so few, those that have room are pictures
const SPREADS = 80; // dots in sight whose spread is drawn
const PALE = 0.22; // of a dot's edge
const SLOW = 30; // ms to draw the dots: more, and while the hand moves the last drawing is moved instead
const MOVING = 150; // ms after a move in which the hand counts as moving

export class Layers {
  /** `chart` is that of map.js. */
  constructor(chart, below, canvas, above) {
    Object.assign(this, { chart, below, canvas, above });
    this.dots = new Dots(canvas);
    this.stale = true; // the dots have to be drawn
    this.cost = 0; // ms of the last drawing of all dots
    this.drawings = 0; // of all dots so far
    this.movedAt = -Infinity; // when the camera moved
    this.flight = null; // the dots on their way to another view
    this.last = null; // the last drawing: when, and of what
    this.pictured = []; // rows drawn as pictures
  }

  /** The page's colours, which change with its theme, and those of the dots. */
  dress(points, { kind, colours: named, ramp }) {
    const style = getComputedStyle(this.canvas), get = (name) => style.getPropertyValue(name).trim();
    this.ink = {
      text: get("--st-text-color") || style.color,
      paper: get("--st-background-color") || "#ffffff",
      accent: get("--st-primary-color") || style.color,
      line: get("--st-border-color") || style.color,
      font: get("--st-font") || style.fontFamily,
    };
    const colours = kind === "classes" ? Int32Array.from(named, packed) : rampColours(ramp);
    this.paint = { colours, rims: mixed(colours, packed(this.ink.paper), PALE) };
    this.halo = points.halo ??= marks.halo(points);
    this.ground = marks.tinted(this.halo, this.ink);
  }

  resize(width, height) {
    this.ratio = window.devicePixelRatio || 1;
    for (const canvas of [this.below, this.canvas, this.above]) {
      const [w, h] = [Math.round(width * this.ratio), Math.round(height * this.ratio)];
      if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
    }
  }

  draw(now) {
    if (!this.paint) return;
    if (this.stale) this.drawDots(now);
    this.drawOver();
  }

  drawDots(now) {
    const { chart, canvas, last } = this, { camera, points } = chart;
    if (this.flight && !this.flight.advance(now)) this.flight = null;
    marks.paintGround(this.pen(this.below), camera, this.halo, this.ground, points.dims, this.ink, this.flight?.share);
    const moving = now - this.movedAt < MOVING && last?.points === points;
    if (moving && this.cost > SLOW && now - last.at < 2 * this.cost) {
      const k = camera.scale / last.scale, [x, y] = camera.toScreen(...last.corner);
      canvas.style.transform = `matrix(${k}, 0, 0, ${k}, ${x}, ${y})`;
      chart.over(); // and again, until they are drawn where they are
      return;
    }
    const began = performance.now();
    canvas.style.transform = "";
    const paint = { ...this.paint, values: chart.values, hidden: chart.legend.hidden, absent: chart.absent };
    this.dots.draw(this.flight ?? points, camera, paint, this.radius, this.ratio);
    this.stale = Boolean(this.flight);
    if (this.flight) chart.over();
    else this.drawPictures();
    this.drawings++;
    this.cost = performance.now() - began;
    this.last = { at: performance.now(), scale: camera.scale, corner: camera.toMap(0, 0), points };
    canvas.dataset.muscopePoints = chart.legend.drawn;
  }

  drawOver() {
    const { chart, ink } = this, { camera, data, points, cursor } = chart, { under } = chart.look;
    const pen = this.pen(this.above);
    pen.clearRect(0, 0, camera.width, camera.height);
    if (!chart.ready) return; // what Python says is about another map
    if (points.widest) this.drawSpreads(pen);
    for (const group of data.groups) marks.paintGroup(pen, camera, group, ink);
    const of = (kind) => data.marks.filter((mark) => mark.kind === kind);
    if (of("path").length) marks.paintPath(pen, camera, of("path"), ink);
    for (const mark of [...of("sent"), ...of("draw")]) marks.paintDraw(pen, camera, mark, ink);
    for (const mark of of("kept")) marks.paintPin(pen, camera, mark, chart.album.ofCode(mark.code), data.crisp, ink);
    const now = chart.pending ?? chart.now;
    if (now) marks.paintNow(pen, camera, now, ink);
    if (points.dims) marks.paintAxes(pen, camera, points.dims.map((dim) => `dimension ${dim}`), ink);
    const line = chart.drawn ?? chart.corners?.map(([x, y]) => camera.toScreen(x, y));
    if (line) marks.paintLasso(pen, line, ink);
    if (under?.place >= 0) {
      const [x, y] = camera.toScreen(points.x[under.place], points.y[under.place]);
      marks.paintHit(pen, x, y, this.radius, ink);
    }
    if (cursor) marks.paintCross(pen, ...cursor, ink);
  }

  /** How sure the encoder is: of every image in sight where these are few, and of the current one. */
  drawSpreads(pen) {
    const { chart, ink } = this, { points, camera, data } = chart;
    const spread = (place) => {
      const [sx, sy] = points.std(points.rows[place]);
      return { x: points.x[place], y: points.y[place], sx, sy };
    };
    for (const place of points.within(camera.box(), SPREADS, chart.shown) ?? [])
      marks.paintEllipse(pen, camera, spread(place), ink, this.colour(place));
    if (data.row != null) marks.paintEllipse(pen, camera, spread(points.places[data.row]), ink);
  }

  /** Where so few dots are in sight that there is room, draw their pictures; those that would overlap stay dots. */
  drawPictures() {
    const { chart } = this, { camera, points, album, data } = chart, side = PICTURES[chart.size];
    const pen = this.pen(this.canvas), taken = [], apart = side + 2;
    this.pictured = [];
    for (const place of (side && points.within(camera.box(), FEW, chart.shown)) || []) {
      const [x, y] = camera.toScreen(points.x[place], points.y[place]);
      if (taken.some(([ax, ay]) => Math.abs(ax - x) < apart && Math.abs(ay - y) < apart)) continue;
      taken.push([x, y]);
      const picture = album.ofRow(points.rows[place]);
      if (!picture) continue;
      marks.paintFramed(pen, picture, x, y, side, data.crisp, this.colour(place));
      this.pictured.push(points.rows[place]);
    }
  }

  colour(place) {
    return unpacked(this.paint.colours[this.chart.values[place]]);
  }

  pen(canvas) {
    const pen = canvas.getContext("2d");
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    return pen;
  }

  /** CSS pixels of a dot: smaller where there are more, larger the nearer one looks. */
  get radius() {
    const { present: count, camera } = this.chart, near = camera.scale / camera.fitting;
    const far = count < 3e3 ? 3.2 : count < 1e4 ? 2.6 : count < 3e4 ? 2.1 : count < 12e4 ? 1.5 : count < 5e5 ? 1 : 0.75;
    return Math.min(6, far * Math.max(1, near) ** 0.4);
  }
}
