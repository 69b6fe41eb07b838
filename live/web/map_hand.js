/**
 * Hands on a map: a mouse, fingers, keys. They say what they want of the chart (map.js), which knows what it means.
 *
 * A mouse looks where it is, drags the map, and presses. A finger looks where it is dragged, and chooses where it lifts:
 * beside the map a strip stays free to scroll the page. Two fingers move and enlarge the map.
 */

const STILL = 4; // CSS pixels a hand may move and still press
const TWICE = 350; // ms between two presses that are one double press
const REACH = { mouse: 8, touch: 16, pen: 12 }; // CSS pixels from a dot that still mean the dot
const PASSING = 250; // ms after the page has scrolled in which a wheel still means the page
const STEP = 12, LEAP = 60; // CSS pixels of an arrow key, and with Shift

/** Listen to the hands on a frame. Returns how to stop. */
export function listen(frame, chart) {
  const fingers = new Map(); // pointerId -> [px, py]
  let mode = ""; // what the pressed hand does: "pan", "look", "draw", "pinch", "spent"
  let from = [0, 0], last = [0, 0], pinch = null, line = [], before = { at: 0, x: 0, y: 0 }, scrolled = -PASSING;

  const where = (event) => {
    const box = frame.getBoundingClientRect();
    return [event.clientX - box.left - frame.clientLeft, event.clientY - box.top - frame.clientTop];
  };
  const reach = (event) => REACH[event.pointerType] ?? REACH.mouse;
  const apart = ([ax, ay], [bx, by]) => Math.hypot(ax - bx, ay - by);

  function down(event) {
    if (event.button) return;
    const at = where(event);
    fingers.set(event.pointerId, at);
    frame.setPointerCapture?.(event.pointerId);
    chart.point();
    if (fingers.size === 2) {
      chart.leave();
      chart.drawing(null);
      mode = "pinch";
      pinch = grip();
      return;
    }
    if (fingers.size > 1) return;
    from = last = at;
    if (chart.tool !== "move") {
      mode = "draw";
      line = [at];
      chart.leave();
    } else if (event.pointerType === "mouse") mode = "pan";
    else {
      mode = "look";
      chart.hover(at, reach(event), true);
    }
  }

  function move(event) {
    const at = where(event);
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, at);
    else if (!fingers.size && event.pointerType === "mouse" && chart.tool === "move") chart.hover(at, reach(event), false);
    if (!fingers.has(event.pointerId)) return;
    if (mode === "pan" && (frame.dataset.held || apart(at, from) >= STILL)) {
      if (!frame.dataset.held) chart.leave();
      frame.dataset.held = "pan";
      chart.pan(at[0] - last[0], at[1] - last[1]);
    } else if (mode === "look") chart.hover(at, reach(event), true);
    else if (mode === "draw") {
      if (chart.tool === "lasso") line.push(at);
      chart.drawing(chart.tool === "box" ? corners(from, at) : line);
    } else if (mode === "pinch" && fingers.size === 2) {
      const now = grip();
      chart.pan(now.x - pinch.x, now.y - pinch.y);
      chart.zoom(now.wide / pinch.wide, now.x, now.y);
      pinch = now;
    }
    last = at;
  }

  function up(event) {
    if (!fingers.delete(event.pointerId)) return;
    const at = where(event);
    if (mode === "pinch") mode = "spent"; // the finger that stays chooses nothing
    else if (mode === "draw") {
      chart.region(chart.tool === "box" ? corners(from, at) : [...line, at]);
      mode = "";
    } else if ((mode === "pan" && !frame.dataset.held) || mode === "look") press(at, event);
    if (!fingers.size) {
      mode = "";
      delete frame.dataset.held;
    }
  }

  function press(at, event) {
    const again = event.timeStamp - before.at < TWICE && apart(at, [before.x, before.y]) < 2 * reach(event);
    chart.choose(at, reach(event), again);
    before = again ? { at: 0, x: 0, y: 0 } : { at: event.timeStamp, x: at[0], y: at[1] };
    if (event.pointerType !== "mouse") chart.leave();
  }

  function lost(event) {
    fingers.delete(event.pointerId);
    mode = "";
    delete frame.dataset.held;
    chart.drawing(null);
    chart.leave();
  }

  function grip() {
    const [[ax, ay], [bx, by]] = [...fingers.values()];
    return { x: (ax + bx) / 2, y: (ay + by) / 2, wide: Math.max(10, Math.hypot(ax - bx, ay - by)) };
  }

  function wheel(event) {
    if (event.timeStamp - scrolled < PASSING) return; // the page moves, and the map only came under the pointer
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    chart.zoom(Math.exp(-Math.max(-120, Math.min(120, event.deltaY * lines)) * (event.ctrlKey ? 0.01 : 0.002)), ...where(event));
  }

  function key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = event.shiftKey ? LEAP : STEP;
    const arrows = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    const act = {
      "+": () => chart.zoom(1.5, ...chart.focus()),
      "=": () => chart.zoom(1.5, ...chart.focus()),
      "-": () => chart.zoom(1 / 1.5, ...chart.focus()),
      0: () => chart.home(),
      k: () => chart.choose(chart.focus(), REACH.mouse, true),
      l: () => (chart.corners ? finish() : begin()),
      Enter: () => (chart.corners ? chart.corner() : chart.choose(chart.focus(), REACH.mouse, false)),
      " ": () => (chart.corners ? chart.corner() : chart.choose(chart.focus(), REACH.mouse, false)),
      Escape: cancel,
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (arrows[event.key]) chart.step(...arrows[event.key]);
    else if (act) act();
    else return;
    event.preventDefault();
    event.stopPropagation(); // the page has keys of its own
  }

  function begin() {
    chart.corners = [];
    chart.say("Lasso: arrows move, Enter sets a corner, L closes it, Escape gives it up.");
  }

  function finish() {
    const drawn = chart.corners.map(([x, y]) => chart.camera.toScreen(x, y));
    chart.corners = null;
    chart.region(drawn);
  }

  function cancel() {
    mode = fingers.size ? "spent" : "";
    chart.corners = null;
    chart.drawing(null);
    chart.use("move");
    chart.point();
    chart.leave();
  }

  const heard = {
    pointerdown: down,
    pointermove: move,
    pointerup: up,
    pointercancel: lost,
    pointerleave: (event) => event.pointerType === "mouse" && !fingers.size && chart.leave(),
    wheel,
    keydown: key,
    focus: () => frame.matches(":focus-visible") && !fingers.size && chart.step(0, 0),
    blur: () => {
      chart.point();
      chart.leave();
    },
    contextmenu: (event) => fingers.size && event.preventDefault(), // a finger that rests is looking
  };
  for (const [name, handler] of Object.entries(heard)) frame.addEventListener(name, handler, { passive: false });
  const page = new AbortController();
  addEventListener("scroll", (event) => (scrolled = event.timeStamp), { capture: true, passive: true, signal: page.signal });
  return () => page.abort();
}

function corners([ax, ay], [bx, by]) {
  return [[ax, ay], [bx, ay], [bx, by], [ax, by]];
}
