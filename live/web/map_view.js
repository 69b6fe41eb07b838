/**
 * Where things are: the camera over a map, its points sorted so that the near ones are found at once, and the lines a
 * hand draws around them. Numbers only; nothing here touches the page.
 *
 * Map units are those of the model's map, y upwards. Screen units are CSS pixels of the map's frame, y downwards.
 */

const STEPS = 65535;
const MARGIN = 0.06; // of the frame, around the whole map
const IN_CELL = 8; // points in a cell of the index, on average

/** A view's points as they came: a head and a column of 16 bits for each coordinate. */
export function readPoints(buffer) {
  const { head, at } = readHead(buffer);
  const columns = [];
  for (let i = 0; i < (head.std ? 4 : 2); i++) columns.push(new Uint16Array(buffer, at + 2 * i * head.count, head.count));
  return { ...head, columns };
}

/** A colour as it came: its head and `values`, a number for each image. */
export function readColour(buffer) {
  const { head, at } = readHead(buffer);
  if (head.kind === "files") return head;
  const Column = head.kind === "names" ? Uint32Array : head.bytes === 2 ? Uint16Array : Uint8Array;
  return { ...head, values: new Column(buffer, at, head.count) };
}

function readHead(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  return { head: JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length))), at: 4 + length };
}

// ---- the points, sorted --------------------------------------------------------------------------------------------

/**
 * The points of a view in the order in which they are drawn: cell by cell of a grid, and shuffled within each cell, so
 * that no class lies over another, neighbours in memory are neighbours on the screen, and only the cells in sight are
 * looked at.
 */
export class Points {
  constructor({ count, low, high, dims, std, columns }) {
    const [qx, qy] = columns;
    const bits = Math.min(10, Math.max(0, Math.round(Math.log2(Math.max(1, count / IN_CELL)) / 2)));
    const shift = 16 - bits, side = 1 << bits;
    this.count = count;
    this.low = low;
    this.high = high;
    this.dims = dims;
    this.side = side;
    this.unit = [(high[0] - low[0]) / STEPS, (high[1] - low[1]) / STEPS];
    this.starts = new Uint32Array(side * side + 1); // of each cell, then the end
    for (let i = 0; i < count; i++) this.starts[((qy[i] >> shift) << bits) + (qx[i] >> shift) + 1]++;
    for (let cell = 0; cell < side * side; cell++) this.starts[cell + 1] += this.starts[cell];

    this.rows = new Uint32Array(count); // place in this order -> row of the encodings
    this.places = new Uint32Array(count); // and back
    this.x = new Float32Array(count);
    this.y = new Float32Array(count);
    const next = this.starts.slice(0, -1), stride = coprime(count);
    for (let i = 0, row = 0; i < count; i++, row = (row + stride) % count) {
      const place = next[((qy[row] >> shift) << bits) + (qx[row] >> shift)]++;
      this.rows[place] = row;
      this.places[row] = place;
      this.x[place] = low[0] + qx[row] * this.unit[0];
      this.y[place] = low[1] + qy[row] * this.unit[1];
    }
    this.spread = std && columns.slice(2); // by row, steps of std
    this.widest = std;
  }

  /** Standard deviations of a row's posterior on the two dimensions. */
  std(row) {
    return [0, 1].map((axis) => (this.spread[axis][row] / STEPS) * this.widest[axis]);
  }

  /** The values of a colour, by place. */
  sorted({ values }) {
    if (this.sortedFrom === values) return this.sortedTo;
    this.sortedFrom = values;
    this.sortedTo = new values.constructor(this.count);
    for (let place = 0; place < this.count; place++) this.sortedTo[place] = values[this.rows[place]];
    return this.sortedTo;
  }

  /** The cells that a box in map units touches: [first column, last column, first row, last row], or null. */
  cells(left, bottom, right, top) {
    const across = this.span(0, left, right), up = this.span(1, bottom, top);
    return across && up && [...across, ...up];
  }

  span(axis, from, to) {
    if (to < this.low[axis] || from > this.high[axis]) return null;
    const cell = (value) => Math.floor(((value - this.low[axis]) / this.unit[axis] / (STEPS + 1)) * this.side);
    if (!this.unit[axis]) return [0, 0]; // all on one line
    // One more on each side: the browser rounds the coordinates, the cells are exact.
    return [Math.max(0, cell(from) - 1), Math.min(this.side - 1, cell(to) + 1)];
  }

  /** Calls `each(from, to)` for the runs of places in a box; some of them may lie just outside it. */
  runs(box, each) {
    const found = this.cells(...box);
    if (!found) return;
    const [left, right, bottom, top] = found;
    for (let row = bottom; row <= top; row++) {
      const from = this.starts[row * this.side + left], to = this.starts[row * this.side + right + 1];
      if (from < to) each(from, to);
    }
  }

  /** The place of the nearest point within `reach` map units, of those that are `shown(place)`; -1 for none. */
  nearest(x, y, reach, shown) {
    let best = -1, least = reach * reach;
    this.runs([x - reach, y - reach, x + reach, y + reach], (from, to) => {
      for (let place = from; place < to; place++) {
        const dx = this.x[place] - x, dy = this.y[place] - y, distance = dx * dx + dy * dy;
        if (distance <= least && (best < 0 || distance < least) && shown(place)) {
          best = place;
          least = distance;
        }
      }
    });
    return best;
  }

  /** Places in a box, at most `limit` of them; null where there are more. */
  within(box, limit, shown) {
    const [left, bottom, right, top] = box, found = [];
    let many = false;
    this.runs(box, (from, to) => {
      for (let place = from; place < to && !many; place++) {
        const x = this.x[place], y = this.y[place];
        if (x < left || x > right || y < bottom || y > top || !shown(place)) continue;
        many = found.push(place) > limit;
      }
    });
    return many ? null : found;
  }
}

const FLIGHT = 700; // ms

/** The dots on their way from one view to another, each from where it was seen to where it will be. */
export class Flight {
  constructor(from, fromCamera, to, toCamera) {
    this.to = to;
    this.x = new Float32Array(to.count);
    this.y = new Float32Array(to.count);
    this.startX = new Float32Array(to.count);
    this.startY = new Float32Array(to.count);
    for (let place = 0; place < to.count; place++) {
      const was = from.places[to.rows[place]];
      [this.startX[place], this.startY[place]] = toCamera.toMap(...fromCamera.toScreen(from.x[was], from.y[was]));
    }
  }

  /** Where they are now. False once they have arrived. */
  advance(now) {
    this.began ??= now;
    const t = Math.min(1, (now - this.began) / FLIGHT), share = t * t * (3 - 2 * t); // gently off, gently there
    this.share = share;
    const { to, x, y, startX, startY } = this;
    for (let place = 0; place < to.count; place++) {
      x[place] = startX[place] + (to.x[place] - startX[place]) * share;
      y[place] = startY[place] + (to.y[place] - startY[place]) * share;
    }
    return t < 1;
  }

  runs(box, each) {
    each(0, this.to.count);
  }
}

/** A step that meets every number below `count` once, and lands far from where it was. */
function coprime(count) {
  const divisor = (a, b) => (b ? divisor(b, a % b) : a);
  let step = Math.max(1, Math.round(count * 0.6180339887));
  while (divisor(count, step) > 1) step++;
  return step;
}

// ---- the camera ----------------------------------------------------------------------------------------------------

/** What part of the map the frame shows. The same scale both ways: a circle stays a circle. */
export class Camera {
  constructor(low, high) {
    this.low = low;
    this.high = high;
    this.width = this.height = 0;
    this.whole = true; // nothing but the whole map was asked for yet
    this.x = this.y = 0;
    this.scale = 1; // CSS pixels for a map unit
  }

  resize(width, height) {
    this.width = width;
    this.height = height;
    if (this.whole) this.home();
  }

  /** The scale at which the whole map is seen. */
  get fitting() {
    const spans = [0, 1].map((axis) => this.high[axis] - this.low[axis]);
    const room = 1 - 2 * MARGIN;
    const scale = Math.min((this.width * room) / (spans[0] || 1e-9), (this.height * room) / (spans[1] || 1e-9));
    return Math.min(scale, 1e6);
  }

  home() {
    this.whole = true;
    this.scale = this.fitting;
    [this.x, this.y] = [0, 1].map((axis) => (this.low[axis] + this.high[axis]) / 2);
  }

  /** Near enough to see some places, and a little around them. */
  frame(places) {
    const [low, high] = [Math.min, Math.max].map((end) => [0, 1].map((axis) => end(...places.map((xy) => xy[axis]))));
    this.whole = false;
    this.scale = 0.35 * Math.min(this.width / (high[0] - low[0] || 1e-9), this.height / (high[1] - low[1] || 1e-9));
    [this.x, this.y] = [0, 1].map((axis) => (low[axis] + high[axis]) / 2);
    this.zoom(1);
  }

  toScreen(x, y) {
    return [this.width / 2 + (x - this.x) * this.scale, this.height / 2 - (y - this.y) * this.scale];
  }

  toMap(px, py) {
    return [this.x + (px - this.width / 2) / this.scale, this.y - (py - this.height / 2) / this.scale];
  }

  /** The part in sight and `more` pixels around it: [left, bottom, right, top] in map units. */
  box(more = 0) {
    const [left, top] = this.toMap(-more, -more), [right, bottom] = this.toMap(this.width + more, this.height + more);
    return [left, bottom, right, top];
  }

  pan(dx, dy) {
    this.whole = false;
    this.x -= dx / this.scale;
    this.y += dy / this.scale;
    this.stay();
  }

  /** Larger or smaller by a factor; what lies under (px, py) stays there. */
  zoom(factor, px = this.width / 2, py = this.height / 2) {
    const [x, y] = this.toMap(px, py), fitting = this.fitting;
    this.whole = false;
    this.scale = Math.min(Math.max(this.scale * factor, fitting / 2), fitting * 1000);
    this.x = x - (px - this.width / 2) / this.scale;
    this.y = y + (py - this.height / 2) / this.scale;
    this.stay();
  }

  /** Never so far that nothing of the map is left. */
  stay() {
    this.x = Math.min(Math.max(this.x, this.low[0]), this.high[0]);
    this.y = Math.min(Math.max(this.y, this.low[1]), this.high[1]);
  }
}

// ---- lines and numbers ---------------------------------------------------------------------------------------------

/** A line drawn by hand with at most `most` corners (Ramer 1972, Douglas and Peucker 1973), as true as they allow. */
export function simplified(line, most) {
  let kept = line;
  for (let tolerance = 0.5; kept.length > most; tolerance *= 1.5) kept = thinned(line, tolerance);
  return kept;
}

function thinned(line, tolerance) {
  const keep = new Uint8Array(line.length), open = [[0, line.length - 1]];
  keep[0] = keep[line.length - 1] = 1;
  while (open.length) {
    const [first, last] = open.pop();
    let far = -1, most = tolerance;
    for (let i = first + 1; i < last; i++) {
      const distance = aside(line[i], line[first], line[last]);
      if (distance > most) [far, most] = [i, distance];
    }
    if (far < 0) continue;
    keep[far] = 1;
    open.push([first, far], [far, last]);
  }
  return line.filter((_, i) => keep[i]);
}

/** How far a point lies from the stretch between two others. */
function aside([px, py], [ax, ay], [bx, by]) {
  const dx = bx - ax, dy = by - ay, length = dx * dx + dy * dy;
  const t = length ? Math.min(1, Math.max(0, ((px - ax) * dx + (py - ay) * dy) / length)) : 0;
  return Math.hypot(px - ax - t * dx, py - ay - t * dy);
}

/** Round numbers between two, about `count` of them. */
export function ticks(from, to, count) {
  const rough = (to - from) / Math.max(1, count), power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
  const found = [];
  for (let i = Math.ceil(from / step); i * step <= to; i++) found.push(Number((i * step).toPrecision(6)));
  return found;
}
