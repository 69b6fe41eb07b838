/**
 * The map: every image a dot, and the picture of whatever lies under the hand.
 *
 * This is its page: what Python says, what was loaded, and what a hand wants. Its parts have modules of their own, all
 * imported here. What was loaded (views, colours, pictures) is kept: to go back to it costs nothing.
 *
 * For tests: the canvas of the dots carries `data-muscope-points`, the number drawn, and `muscope`, see `hook`.
 */

import { hand } from "./hand.js";
import { Album } from "./map_album.js";
import { frame } from "./map_frame.js";
import { listen } from "./map_hand.js";
import { Layers } from "./map_layers.js";
import { Legend } from "./map_legend.js";
import { Link, absent } from "./map_link.js";
import { load } from "./map_loads.js";
import { Look } from "./map_look.js";
import { Camera, Flight, simplified } from "./map_view.js";

const CORNERS = 200; // of a region at most
const SIZES = ["none", "small", "medium", "large"]; // of the pictures
const FLYING = 150_000; // dots at most that are seen to move from one view to another
const PATIENCE = 5000; // ms until a press that Python does not answer is forgotten
const REACH = 8; // CSS pixels from the keyboard's cursor to a dot that it means

const cameras = new Map(); // "model view" -> Camera: a page that is opened again stands where it was left

export const build = (parent) => new Chart(parent);

class Chart {
  constructor(parent) {
    this.tool = "move";
    this.size = 2; // of SIZES
    this.turn = 0; // of what the hand left
    this.held = false; // something was left, and Python has not answered yet
    this.corners = null; // of a lasso drawn by keys, in map units
    this.build(parent);
    this.album = new Album(() => this.changed());
    const unlisten = listen(this.frame, this);
    const watch = new ResizeObserver(() => this.resize());
    watch.observe(this.frame);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const recolour = () => setTimeout(() => this.dress(), 200); // Streamlit changes its colours a moment later
    scheme.addEventListener("change", recolour);
    const landed = ({ detail }) => this.land(detail);
    addEventListener("muscope:landed", landed); // from a pen or a builder on this page
    this.link = new Link(this);
    this.stop = () => {
      unlisten();
      watch.disconnect();
      scheme.removeEventListener("change", recolour);
      removeEventListener("muscope:landed", landed);
      this.link.stop();
      this.leave();
      this.release();
      this.look.stop();
      this.stopped = true;
    };
  }

  // ---- the page ----------------------------------------------------------------------------------------------------

  build(parent) {
    this.root = frame(this.size);
    parent.append(this.root); // beside the style sheet that Streamlit put there
    const find = (what) => this.root.querySelector(what);
    this.frame = find(".mu-field");
    const canvases = this.frame.querySelectorAll(":scope > canvas");
    this.wait = find(".mu-wait");
    this.said = find(".mu-unseen");
    this.layers = new Layers(this, ...canvases);
    this.legend = new Legend(find(".mu-legend"), () => this.changed());
    this.look = new Look(this, find(".mu-float"), (words) => this.say(words));
    canvases[1].muscope = this.hook(canvases[1]);
    for (const button of this.root.querySelectorAll("[data-tool]")) button.onclick = () => this.use(button.dataset.tool);
    find("[data-do=in]").onclick = () => this.zoom(1.6, ...this.focus());
    find("[data-do=out]").onclick = () => this.zoom(1 / 1.6, ...this.focus());
    find("[data-do=home]").onclick = () => this.home();
    const size = find("input");
    size.setAttribute("aria-valuetext", SIZES[this.size]);
    size.oninput = () => {
      this.size = Number(size.value);
      size.setAttribute("aria-valuetext", SIZES[this.size]);
      this.changed();
    };
  }

  /** What Python says, at each run of the page. */
  update(data) {
    const before = this.data;
    this.data = data;
    const line = hand.attach(data.live);
    this.look.use(line);
    this.album.use(line, data.model, data.most);
    if (data.turn >= this.turn) {
      this.turn = data.turn;
      this.pending = null;
      if (this.held) setTimeout(() => this.release(), 50); // the large picture is being replaced, too
    }
    this.drawn = null;
    this.frame.setAttribute("aria-label", data.alt);
    this.root.classList.toggle("mu-linked", Boolean(data.linked));
    this.now = data.marks.find((mark) => mark.kind === "now") ?? null;
    if (["model", "view", "colour"].some((name) => before?.[name] !== data[name]) || !this.points) this.show();
    else if (before.only !== data.only && this.ready) this.share();
    const draws = data.marks.filter((mark) => mark.kind === "draw").map((mark) => mark.xy);
    if (draws.length && !this.draws?.length && before?.view === data.view) {
      this.camera?.frame(draws); // they lie close together
      this.moved();
    }
    this.draws = draws;
    this.over();
  }

  async show() {
    const { live, model, view, colour } = this.data, asked = (this.asked = Symbol());
    const at = (kind, what) => load(live, `${kind}/${model}/${encodeURIComponent(what)}`);
    this.wait.textContent = "Loading the map…";
    this.wait.hidden = false;
    this.leave();
    try {
      const [points, shade] = await Promise.all([at("points", view), at("colours", colour)]);
      if (asked !== this.asked) return;
      if (this.posed !== `${model} ${view}`) this.names = this.labels = this.files = null;
      this.pose(points, shade, model, view, colour);
      this.look.warm(this.camera.x, this.camera.y);
      setTimeout(async () => {
        const wanted = [at("colours", "name"), this.data.labels ? at("colours", "label") : null];
        [this.names, this.labels] = await Promise.all(wanted).catch(() => []);
        if (this.data.files) this.files = await load(live, `files/${model}`).catch(() => null);
      });
    } catch (error) {
      if (asked === this.asked) this.wait.textContent = error.message;
    }
  }

  /** Points and colours are here: draw them. */
  pose(points, shade, model, view, colour) {
    const key = `${model} ${view}`, from = { points: this.points, camera: this.camera };
    if (!cameras.has(key)) cameras.set(key, new Camera(points.low, points.high));
    const ours = this.posed?.startsWith(model);
    Object.assign(this, { points, shade, posed: key, camera: cameras.get(key) });
    this.values = points.sorted(shade);
    this.share();
    this.wait.hidden = true;
    this.dress();
    this.resize();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches || points.count > FLYING;
    if (ours && from.points !== points && !still)
      this.layers.flight = new Flight(from.points, from.camera, points, this.camera);
  }

  /** Leave out what the map beside this one does not have. */
  share() {
    this.absent = absent(this.points, this.data.only);
    this.present = this.points.count - (this.absent?.reduce((sum, out) => sum + out, 0) ?? 0); // dots
    this.legend.show(`${this.data.model} ${this.data.colour}`, this.shade, this.values, this.absent);
    this.changed();
  }

  dress() {
    if (!this.shade) return;
    this.layers.dress(this.points, this.shade);
    this.changed();
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.frame;
    if (!this.camera || !width) return;
    this.layers.resize(width, height);
    this.camera.resize(width, height);
    this.changed();
  }

  /** The map that Python speaks of is the one that is drawn: while another is loading, a hand means nothing. */
  get ready() {
    return this.posed === `${this.data.model} ${this.data.view}`;
  }

  /** Dots and all have to be drawn. */
  changed() {
    this.layers.stale = true;
    this.over();
  }

  /** Only what lies over the dots has to be drawn. */
  over() {
    this.tick ??= requestAnimationFrame(() => {
      this.tick = null;
      if (!this.stopped && this.camera?.width) this.layers.draw(performance.now());
    });
  }

  // ---- what a hand wants (map_hand.js) -----------------------------------------------------------------------------

  shown = (place) => !this.legend.hidden[this.values[place]] && !this.absent?.[place];

  /** What lies at (px, py): its place on the map, and the dot within `reach` pixels, if any. */
  find(px, py, reach) {
    const [x, y] = this.camera.toMap(px, py);
    const place = this.points.nearest(x, y, reach / this.camera.scale, this.shown);
    return { x, y, place, row: place < 0 ? null : this.points.rows[place] };
  }

  hover(at, reach, finger) {
    if (!this.ready) return;
    this.look.at(at, reach, finger);
    this.over();
  }

  leave() {
    this.look.leave(this.held);
    this.over();
  }

  pan(dx, dy) {
    this.camera?.pan(dx, dy);
    this.moved();
  }

  zoom(factor, px, py) {
    this.camera?.zoom(factor, px, py);
    this.moved();
  }

  home() {
    this.camera?.home();
    this.moved();
  }

  moved() {
    this.layers.movedAt = performance.now();
    this.look.again(); // something else lies under a hand that rests
    this.changed();
  }

  use(tool) {
    this.tool = tool;
    for (const button of this.root.querySelectorAll("[data-tool]"))
      button.setAttribute("aria-pressed", button.dataset.tool === tool);
  }

  /** Choose what lies at a place; `keep`: and put it on the shelf. */
  choose([px, py], reach, keep) {
    if (!this.ready) return;
    const { x, y, place, row } = this.find(px, py, reach), { points } = this;
    const xy = row === null ? [x, y] : [points.x[place], points.y[place]];
    this.pending = { xy };
    this.look.choose();
    this.held = true;
    hand.hold();
    clearTimeout(this.patience);
    this.patience = setTimeout(() => this.release(), PATIENCE);
    this.tell(keep ? "keep" : "settled", { ...this.counted(), row, xy });
    this.over();
  }

  /** Something that is being made elsewhere on the page lies here now. */
  land({ xy, model, view }) {
    if (model !== this.data.model || view !== this.data.view) return;
    this.pending = { xy };
    this.over();
  }

  release() {
    clearTimeout(this.patience);
    if (!this.held) return;
    this.held = false;
    hand.release();
  }

  /** A line is being drawn: its corners in the frame, or null. */
  drawing(corners) {
    this.drawn = corners && [...corners];
    this.over();
  }

  /** Gather what lies within a line. Python does: it has all the points, and the truth. */
  region(corners) {
    this.use("move");
    const wide = (axis) => Math.max(...corners.map((c) => c[axis])) - Math.min(...corners.map((c) => c[axis]));
    if (!this.ready || corners.length < 3 || wide(0) < 4 || wide(1) < 4) {
      this.drawing(null);
      this.say("Draw around some dots to gather them.");
      return;
    }
    this.drawing(corners);
    const polygon = simplified(corners, CORNERS).map(([x, y]) => this.camera.toMap(x, y));
    const hidden = [...this.legend.hidden.keys()].filter((value) => this.legend.hidden[value]);
    this.tell("region", { ...this.counted(), polygon, colour: this.data.colour, hidden });
  }

  /** What Python needs to know of anything that a hand leaves. */
  counted() {
    return { turn: ++this.turn, model: this.data.model, view: this.data.view };
  }

  // ---- the keyboard's cursor ---------------------------------------------------------------------------------------

  /** Where keys and buttons act: at the cursor, or in the middle. */
  focus() {
    return this.cursor ?? [this.camera.width / 2, this.camera.height / 2];
  }

  /** Move the cursor; at the edge the map moves instead. */
  step(dx, dy) {
    if (!this.ready) return;
    const { width, height } = this.camera, keep = (value, most) => Math.min(Math.max(value, 24), most - 24);
    const start = this.cursor ?? (this.now ? this.camera.toScreen(...this.now.xy) : this.focus());
    const [x, y] = [start[0] + dx, start[1] + dy];
    this.cursor = [keep(x, width), keep(y, height)];
    if (this.cursor[0] !== x || this.cursor[1] !== y) this.pan(this.cursor[0] - x, this.cursor[1] - y);
    this.hover(this.cursor, REACH, false);
    this.look.tell();
  }

  corner() {
    this.corners.push(this.camera.toMap(...this.focus()));
    this.over();
  }

  /** A pointer has taken over. */
  point() {
    this.cursor = null;
    this.over();
  }

  say(words) {
    this.said.textContent = words;
  }

  nameOf(row) {
    if (!this.names) return "an image";
    const name = this.names.values[row], index = (name & 0x7fffffff).toLocaleString("en-US");
    const label = this.labels ? `: ${this.labels.names[this.labels.values[row]]}` : "";
    const file = this.files?.files[row];
    return `${file ?? `${name >>> 31 ? "test" : "training"} image ${index}`}${label}`;
  }

  /** For tests and measurements. */
  hook(canvas) {
    return {
      /** Where a place of the map lies in the window, CSS pixels. */
      toScreen: (x, y) => {
        const box = canvas.getBoundingClientRect(), [px, py] = this.camera.toScreen(x, y);
        return [box.left + px, box.top + py];
      },
      /** Rows of the encodings in sight and not hidden; null where there are more than 5,000. */
      visibleRows: () =>
        this.points.within(this.camera.box(), 5000, this.shown)?.map((place) => this.points.rows[place]) ?? null,
      /** Rows drawn as pictures. */
      picturedRows: () => this.layers.pictured,
      /** Milliseconds of the last drawing of all dots, and how often they were drawn. */
      cost: () => this.layers.cost,
      drawings: () => this.layers.drawings,
      /** The last request for a picture under the hand; the event "muscope:looked" says which was answered. */
      turn: () => this.look.turn,
    };
  }
}
