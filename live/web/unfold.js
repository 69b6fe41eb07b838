/**
 * A training as it unfolds: the map of its codes, and beside it what the model makes of images and of noise.
 *
 * Python says which frames there are; the browser fetches them and has time to itself: it plays, scrubs, and lets the
 * dots glide from frame to frame. While a run goes on it follows the newest frame, until a hand goes back in time.
 *
 * For tests: the root carries `data-frame` (where it stands, in frames), `data-frames` (how many have come) and
 * `data-playing`.
 */

import { dress, element, still, whenAtRest } from "./controls.js";
import { Legend } from "./map_legend.js";
import { Curves } from "./unfold_curves.js";
import { Field } from "./unfold_field.js";
import { frame, melt } from "./unfold_frame.js";
import { reel } from "./unfold_reel.js";

const PACE = 450; // ms from one frame to the next
const GLIDE = 900; // ms to a frame that has just been made
const HOLD = 900; // ms that the noise is seen before it plays
const CALM = 0.85; // of how far is seen remains at least from one frame to the next
const AGAIN = 5000; // ms until frames that could not be fetched are asked for again

const places = new Map(); // address -> where it was left

export const build = (parent) => new Unfold(parent);

class Unfold {
  constructor(parent) {
    this.at = 0; // where it stands, in frames
    this.speed = 1;
    this.playing = false;
    this.following = false;
    this.names = [];
    this.build(parent);
    this.field = new Field(...this.map.querySelectorAll("canvas"));
    this.legend = new Legend(this.legendElement, () => this.changed());
    const watch = new ResizeObserver(() => {
      this.field.resize();
      this.curves.resize();
      this.changed();
    });
    watch.observe(this.map);
    watch.observe(this.curves.more); // it is opened
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const recolour = () => setTimeout(() => this.dress(), 200); // Streamlit changes its colours a moment later
    scheme.addEventListener("change", recolour);
    this.stop = () => {
      this.stopped = true;
      watch.disconnect();
      scheme.removeEventListener("change", recolour);
      clearTimeout(this.retry);
      cancelAnimationFrame(this.tick);
      if (this.data) places.set(this.data.address, { at: this.at, following: this.following, playing: this.playing });
    };
  }

  // ---- what is on the screen ---------------------------------------------------------------------------------------

  build(parent) {
    this.curves = new Curves((at) => this.to(at));
    Object.assign(this, frame(this.curves, {
      play: () => (this.playing ? this.pause() : this.start()),
      speed: (value) => (this.speed = value),
      newest: () => this.follow(),
      film: () => this.takeHome(),
    }));
    parent.append(this.root); // beside the style sheet that Streamlit put there
    this.scrub.addEventListener("input", () => this.go(Number(this.scrub.value)));
    whenAtRest(this.scrub, null, () => this.go(Math.round(this.at), true));
    this.root.addEventListener("keydown", (event) => this.key(event));
  }

  /** What Python says, at each run of the page: {live, address, frames: [[name, step, at], ...], curves, going, about, read, title}. */
  update(data) {
    const first = data.address !== this.data?.address;
    this.data = data;
    this.names = data.frames.map(([name]) => name);
    this.root.toggleAttribute("data-going", data.going);
    if (first) this.open();
    this.about.textContent = data.about;
    this.read.lastChild.textContent = data.read;
    this.read.hidden = !data.read;
    this.film.hidden = data.going || this.last < 1;
    this.scrub.max = String(Math.max(this.last, 0));
    if (this.last >= 0) this.load();
    this.plot();
    this.mark();
  }

  get last() {
    return this.names.length - 1;
  }

  /** Another training: where it was left, else at its newest while it goes on, else from the beginning. */
  open() {
    const { address, going } = this.data, left = places.get(address);
    this.reel = reel(address);
    this.shade = null;
    this.halt();
    this.following = left?.following ?? going;
    this.at = this.following ? Math.max(this.last, 0) : Math.max(0, Math.min(left?.at ?? 0, this.last));
    if (!left && !going) {
      if (still()) this.at = this.last;
      else this.wanted = true; // it plays once its first frames are here
    }
    this.reel.dots(this.data.live).then(
      (shade) => {
        this.shade = shade;
        this.legend.show(address, shade, shade.values, null);
        this.dress();
      },
      (error) => (this.note.textContent = error.message),
    );
  }

  /** The curves, where there are others than those that are drawn. */
  async plot() {
    const { live, curves } = this.data, mine = this.reel;
    if (!curves || this.plotted === `${mine.address} ${curves}` || this.plotting) return;
    this.plotting = true;
    try {
      const found = await mine.curves(live, curves);
      if (this.stopped || mine !== this.reel) return;
      this.plotted = `${mine.address} ${curves}`;
      this.curves.show(found);
      this.changed();
    } catch {
      // the next run of the page asks again
    } finally {
      this.plotting = false;
    }
  }

  async load() {
    const { live } = this.data, mine = this.reel;
    // What is looked at first, then the others from there on: who watches sees now, who plays sees on.
    const from = Math.min(Math.floor(this.at), this.last);
    const names = [...this.names.slice(from), ...this.names.slice(0, from)];
    clearTimeout(this.retry);
    try {
      await mine.want(live, names, () => {
        if (this.stopped || mine !== this.reel) return false;
        this.came();
        return true;
      });
      this.note.textContent = "";
    } catch (error) {
      if (this.stopped || mine !== this.reel) return;
      this.note.textContent = `${error.message || "The frames could not be fetched."} Trying again.`;
      this.retry = setTimeout(() => this.load(), AGAIN);
    }
    if (!this.stopped && mine === this.reel) this.came();
  }

  /** More frames are here. */
  came() {
    this.root.dataset.frames = String(this.names.filter((name) => this.reel.frame(name)).length);
    if (this.wanted && this.ready(0) && this.ready(Math.min(1, this.last))) {
      this.wanted = false;
      this.start(HOLD);
    }
    if (this.following && !this.playing && this.at < this.last && this.ready(this.last)) this.glide();
    this.changed();
  }

  /** Save the film of it; the server makes it while the button waits. */
  async takeHome() {
    this.film.disabled = true;
    dress(this.film, "Making it…", "save");
    try {
      const link = element("a", { href: URL.createObjectURL(await this.reel.film(this.data.live)), download: `${this.data.title}.gif` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
      this.note.textContent = "";
    } catch (error) {
      this.note.textContent = `The film could not be made: ${error.message}`;
    }
    this.film.disabled = false;
    dress(this.film, "GIF", "save");
  }

  ready = (index) => Boolean(this.reel.frame(this.names[index]));

  dress() {
    if (!this.shade) return;
    this.field.dress(this.shade);
    this.field.resize();
    this.changed();
  }

  // ---- moving through time -----------------------------------------------------------------------------------------

  /** To a place in time; `rest`: the hand has let go there. */
  go(at, rest = false) {
    this.halt();
    this.at = Math.min(Math.max(at, 0), this.last);
    this.following = Boolean(this.data.going) && Math.round(this.at) === this.last;
    this.changed();
    if (rest) this.say();
  }

  /** To the frame nearest to a moment, in epochs. */
  to(at) {
    const away = this.data.frames.map(([, , when]) => Math.abs(when - at));
    this.go(away.indexOf(Math.min(...away)));
  }

  start(wait = 0) {
    if (this.at >= this.last - 1e-6) this.at = 0;
    this.playing = true;
    this.following = false;
    this.before = performance.now() + wait;
    dress(this.play, "Pause", "pause");
    this.mark(); // who sees that it plays sees from where
    this.root.dataset.playing = "true";
    this.changed();
  }

  pause() {
    this.halt();
    this.at = Math.round(this.at);
    this.changed();
    this.say();
  }

  halt() {
    this.wanted = false;
    this.flight = null;
    if (!this.playing) return;
    this.playing = false;
    dress(this.play, "Play", "play");
    delete this.root.dataset.playing;
  }

  follow() {
    this.halt();
    this.following = Boolean(this.data.going);
    this.glide();
    this.say(this.last);
  }

  /** Let the dots glide to the newest frame. */
  glide() {
    if (still() || this.last - this.at > 3) this.at = this.last;
    else this.flight = { from: this.at, to: this.last, began: performance.now() };
    this.changed();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("[role=radiogroup]")) return;
    if (event.key === " " && event.target.tagName !== "BUTTON") this.playing ? this.pause() : this.start();
    else if (event.target !== this.scrub) return;
    else {
      const at = Math.round(this.at), far = Math.max(1, Math.round(this.last / 10));
      const to = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, PageDown: at - far, PageUp: at + far, Home: 0, End: this.last }[event.key];
      if (to === undefined) return;
      this.go(to, true);
    }
    event.preventDefault();
  }

  // ---- drawing -----------------------------------------------------------------------------------------------------

  changed() {
    this.tick ??= requestAnimationFrame((now) => {
      this.tick = null;
      if (this.stopped || !this.root.isConnected) return;
      this.advance(now);
      this.draw();
    });
  }

  advance(now) {
    if (this.flight) {
      const { from, to, began } = this.flight, t = Math.min(1, Math.max(0, (now - began) / GLIDE));
      this.at = from + (to - from) * t * t * (3 - 2 * t); // gently off, gently there
      if (t === 1) this.flight = null;
      else this.changed();
    }
    if (!this.playing) return;
    const passed = Math.max(0, now - this.before);
    this.before = Math.max(now, this.before);
    const to = Math.min(this.at + (passed / PACE) * this.speed, this.last);
    // It waits for what has not come yet, and does not skip it.
    if (this.ready(Math.ceil(to)) || this.reel.frame(this.names[Math.ceil(to)]) === null) this.at = to;
    if (this.at >= this.last) {
      this.halt();
      this.following = Boolean(this.data.going);
      this.say();
    } else this.changed();
  }

  draw() {
    this.mark();
    if (!this.shade || this.last < 0) return;
    const [low, high] = [this.near(Math.floor(this.at)), this.near(Math.ceil(this.at))];
    if (low === null) return;
    const [from, to] = [low, high ?? low].map((index) => this.reel.frame(this.names[index]));
    const t = low === high ? 0 : this.at - Math.floor(this.at);
    const reach = this.reach(low) * (1 - t) + this.reach(high ?? low) * t;
    this.field.draw(from, to, t, reach, this.legend.hidden);
    for (const canvas of [this.pictures, this.samples]) canvas.className = from.type === "image/png" ? "mu-crisp" : "mu-smooth";
    this.drawPictures(low, high ?? low, t);
  }

  /** The frame at an index or, until it has come, the nearest before it, or after. */
  near(index) {
    for (let away = 0; away <= this.last; away++) {
      if (index - away >= 0 && this.ready(index - away)) return index - away;
      if (index + away <= this.last && this.ready(index + away)) return index + away;
    }
    return null;
  }

  /** How far is seen at a frame: as far as its dots reach, coming back slowly after they have been further out. */
  reach(index) {
    let most = 0;
    for (let i = 0; i <= index; i++) most = Math.max(CALM * most, this.reel.frame(this.names[i])?.reach ?? 0);
    return most;
  }

  /** One frame's pictures melt into the next one's. */
  drawPictures(low, high, t) {
    const redraw = () => this.changed();
    const [from, to] = [low, high].map((index) => this.reel.pictures(this.names[index], redraw));
    if (this.playing) this.reel.pictures(this.names[Math.min(high + 1, this.last)], () => {}); // ready in time
    for (const what of ["pictures", "samples"]) melt(this[what], from?.[what] ?? to?.[what], to?.[what], t, this.shade.grids[what]);
  }

  // ---- words -------------------------------------------------------------------------------------------------------

  mark() {
    const words = this.words(Math.round(this.at));
    this.root.dataset.frame = String(Math.round(this.at * 100) / 100);
    if (document.activeElement !== this.scrub || Math.abs(Number(this.scrub.value) - this.at) > 1e-6) this.scrub.value = String(this.at);
    this.scrub.style.setProperty("--share", String(this.last > 0 ? this.at / this.last : 1));
    this.scrub.setAttribute("aria-valuetext", words);
    this.where.textContent = words;
    const [low, high] = [Math.floor(this.at), Math.ceil(this.at)].map((index) => this.data?.frames[index]?.[2] ?? 0);
    this.curves.mark(low + (high - low) * (this.at - Math.floor(this.at)));
    this.map.setAttribute("aria-label", `Map of the codes of ${this.shade?.count.toLocaleString("en-US") ?? ""} test images, ${words}.`);
    this.pictures.setAttribute("aria-label", `Test images above their reconstructions, ${words}.`);
    this.samples.setAttribute("aria-label", `What the model draws from fixed random codes, ${words}.`);
    this.newest.hidden = !this.data?.going || this.following;
  }

  /** A moment as people call it. */
  words(index) {
    const [, step, at] = this.data?.frames[index] ?? [];
    if (step === undefined) return "before the first frame";
    if (step === 0) return "before the first step";
    if (at < 0.995) return `after ${step.toLocaleString("en-US")} step${step === 1 ? "" : "s"}`;
    const said = String(Math.round(at * 10) / 10);
    return `after ${said} epoch${said === "1" ? "" : "s"}`;
  }

  /** The same for those who hear the page. */
  say(index = Math.round(this.at)) {
    this.said.textContent = `The map ${this.words(index)}.`;
  }
}
