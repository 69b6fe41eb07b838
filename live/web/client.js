/**
 * The wire to the server: one WebSocket for a tab, whatever components it has.
 *
 * Binary both ways, little-endian; `live/wire.py` is the other end and describes the frames. `follow` is for a hand that
 * moves: only its newest wish is sent, at a pace that fits the round trip. `ask` is for what must be answered.
 */

export const DECODE = 1, POINT = 2, MEASURE = 3, DRAWING = 4, SAMPLE = 5, ROWS = 6, FACE = 7, PICTURE = 8;
export const LANE = { picture: 0, strip: 1, grid: 2, thumbnails: 3, hover: 4, measure: 5 };
const REFUSED = 0, SAY_UNUSUAL = 1, REQUEST = 20, REPLY = 20;
const LOCAL = 25; // ms: a shorter round trip is this machine or a quiet network
const NO_TICKET = 4401, NOT_YOURS = 4403;
const PATIENCE = 3; // attempts without an answer before we say that the way is blocked

/** @type {Wire | null} */
let shared = null;

/** The tab's wire. `live` is what Python says of it: {socket, token}. */
export function wire(live) {
  shared ??= new Wire();
  shared.use(live);
  return shared;
}

/** Codes (arrays of numbers) as the payload of a request. */
export function payload(codes) {
  const flat = new Float32Array(codes.length * (codes[0]?.length ?? 0));
  codes.forEach((code, i) => flat.set(code, i * code.length));
  return flat.buffer;
}

/** The i-th picture of an answer. */
export function toImageData(answer, i = 0) {
  const { width, height, channels, pixels } = answer;
  const image = new ImageData(width, height);
  const out = image.data, size = width * height;
  let from = i * size * channels;
  for (let to = 0; to < size * 4; to += 4) {
    out[to] = pixels[from];
    out[to + 1] = pixels[channels === 1 ? from : from + 1];
    out[to + 2] = pixels[channels === 1 ? from : from + 2];
    out[to + 3] = 255;
    from += channels;
  }
  return image;
}

/** Draw the i-th picture of an answer into a canvas, which takes its size. */
export function paint(canvas, answer, i = 0) {
  if (canvas.width !== answer.width || canvas.height !== answer.height) {
    canvas.width = answer.width;
    canvas.height = answer.height;
  }
  canvas.getContext("2d").putImageData(toImageData(answer, i), 0, 0);
}

class Wire {
  constructor() {
    this.socket = null;
    this.state = "connecting"; // or "live", or "blocked"
    this.live = null;
    this.number = 0;
    this.trip = 10; // ms, a moving average of the round trip
    this.waiting = new Map(); // number -> {lane, sent, done, fail}
    this.followers = new Set();
    this.lanes = new Map(); // lane -> the promise of the last `ask` on it
    this.queue = []; // {send, fail}: asked for before the socket was ready
    this.listeners = new Set();
    this.renewals = new Set();
    this.failures = 0;
    this.order = Promise.resolve();
  }

  use(live) {
    const other = this.live && (this.live.token !== live.token || this.live.socket !== live.socket);
    this.live = live;
    if (other && this.socket) this.socket.close(1000);
    if (!this.socket && !this.retry) this.connect();
  }

  /** Called with "connecting", "live" or "blocked", now and whenever that changes. Returns how to stop. */
  onState(listener) {
    this.listeners.add(listener);
    listener(this.state);
    return () => this.listeners.delete(listener);
  }

  /** Called when the server has forgotten this page's ticket: run the page again, and it will have another. */
  onRenew(listener) {
    this.renewals.add(listener);
    return () => this.renewals.delete(listener);
  }

  /**
   * Follow a hand on a lane. Returns `send(request)`: the newest request wins, older ones that wait are dropped.
   * `onAnswer(answer, request)` is called for each answer that is newer than the last one.
   */
  follow(lane, onAnswer) {
    const follower = { lane, onAnswer, wish: null, flying: new Set(), sent: 0, timer: 0, shown: 0 };
    this.followers.add(follower);
    return (request) => {
      follower.wish = request;
      this.advance(follower);
    };
  }

  advance(follower) {
    if (!follower.wish || this.state !== "live") return;
    // At home as fast as the hand; over a network at most 30 a second, and fewer where the way is long.
    const pace = this.trip < LOCAL ? 5 : Math.min(Math.max(this.trip, 33), 120);
    const most = this.trip < LOCAL ? 2 : Math.min(4, Math.ceil(this.trip / pace) + 1);
    const wait = follower.sent + pace - performance.now();
    if (follower.flying.size >= most) return; // the next answer calls again
    if (wait > 0) {
      follower.timer ||= setTimeout(() => {
        follower.timer = 0;
        this.advance(follower);
      }, wait);
      return;
    }
    const request = follower.wish;
    follower.wish = null;
    follower.sent = performance.now();
    const number = this.transmit(request, follower.lane, {
      done: (answer) => {
        // An answer says that all before it on this lane were answered or dropped.
        for (const older of follower.flying) if (older <= number) this.forget(older, follower);
        if (number > follower.shown) {
          follower.shown = number;
          follower.onAnswer(answer, request);
        }
        this.advance(follower);
      },
      fail: () => {
        follower.flying.delete(number);
        follower.wish ??= request; // for when the socket is back
      },
    });
    follower.flying.add(number);
  }

  forget(number, follower) {
    follower.flying.delete(number);
    this.waiting.delete(number);
  }

  /**
   * Ask once. Resolves to the answer; rejects with a plain line when it is refused or the socket is lost.
   * On a lane the server answers the newest request only, so those of one lane wait for each other here.
   */
  ask(request, lane = LANE.grid) {
    const before = this.lanes.get(lane) ?? Promise.resolve();
    const asked = before.then(() => this.askNow(request, lane));
    this.lanes.set(lane, asked.catch(() => {}));
    return asked;
  }

  askNow(request, lane) {
    return new Promise((resolve, reject) => {
      const send = () =>
        this.transmit(request, lane, {
          done: (answer) => (answer.notes.error ? reject(new Error(answer.notes.error)) : resolve(answer)),
          fail: () => reject(new Error("The connection was lost.")),
        });
      const fail = () => reject(new Error("There is no live connection."));
      if (this.state === "live") send();
      else if (this.state === "blocked") fail();
      else this.queue.push({ send, fail });
    });
  }

  transmit(request, lane, { done, fail }) {
    const number = ++this.number;
    const body = new Uint8Array(request.payload ?? 0);
    const frame = new ArrayBuffer(REQUEST + body.length);
    const view = new DataView(frame);
    view.setUint8(0, request.kind);
    view.setUint8(1, lane);
    view.setUint16(2, request.count ?? 1, true);
    view.setUint32(4, number, true);
    for (let i = 0; i < 8; i++) view.setUint8(8 + i, parseInt(request.model.slice(2 * i, 2 * i + 2), 16));
    view.setUint32(16, request.unusual ? SAY_UNUSUAL : 0, true);
    new Uint8Array(frame, REQUEST).set(body);
    this.waiting.set(number, { sent: performance.now(), done, fail });
    this.socket.send(frame);
    return number;
  }

  async received(buffer) {
    const view = new DataView(buffer);
    const packing = view.getUint8(13);
    const answer = {
      kind: view.getUint8(0),
      count: view.getUint16(2, true),
      number: view.getUint32(4, true),
      height: view.getUint16(8, true),
      width: view.getUint16(10, true),
      channels: view.getUint8(12),
      notes: {},
      pixels: null,
    };
    const told = this.waiting.get(answer.number);
    if (!told) return;
    const trip = performance.now() - told.sent;
    this.trip += 0.2 * (Math.min(trip, 500) - this.trip);
    const length = view.getUint32(16, true);
    if (length) answer.notes = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, REPLY, length)));
    if (answer.kind === REFUSED) answer.notes.error ??= "The server could not answer.";
    const packed = new Uint8Array(buffer, REPLY + length);
    answer.pixels = packing === 0 ? packed : undoDifferences(await inflated(packed), answer);
    this.waiting.delete(answer.number);
    told.done(answer);
  }

  connect() {
    clearTimeout(this.retry);
    this.retry = 0;
    const address = new URL(this.live.socket, location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.tell(this.state === "blocked" ? "blocked" : "connecting");
    socket.onopen = () => socket.send(JSON.stringify({ token: this.live.token }));
    socket.onmessage = (event) => {
      if (typeof event.data === "string") {
        this.failures = 0;
        this.tell("live");
        for (const { send } of this.queue.splice(0)) send();
        for (const follower of this.followers) this.advance(follower);
        return;
      }
      // One after the other: unpacking takes a turn of the loop, and the newest must stay the newest.
      this.order = this.order.then(() => this.received(event.data)).catch((error) => console.warn(error));
    };
    socket.onclose = (event) => this.lost(event);
  }

  lost(event) {
    this.socket = null;
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    for (const { fail } of waiting) fail();
    if (event.code === NO_TICKET) {
      // A new ticket comes with the next run of the page; `use` then connects.
      this.retry = setTimeout(() => this.connect(), 10_000);
      for (const renew of this.renewals) renew();
      this.tell("connecting");
      return;
    }
    this.failures += event.code === 1000 ? 0 : 1;
    const blocked = this.failures >= PATIENCE || event.code === NOT_YOURS;
    if (blocked) for (const { fail } of this.queue.splice(0)) fail();
    this.tell(blocked ? "blocked" : "connecting");
    const wait = event.code === 1000 ? 0 : Math.min(10_000, 250 * 2 ** this.failures);
    this.retry = setTimeout(() => this.connect(), wait);
  }

  tell(state) {
    if (state === this.state) return;
    this.state = state;
    for (const listener of this.listeners) listener(state);
  }
}

/** By hand and not through a Blob and a Response, which take 2 ms longer. */
async function inflated(bytes) {
  const stream = new DecompressionStream("deflate");
  const writer = stream.writable.getWriter(), reader = stream.readable.getReader();
  for (const written of [writer.write(bytes), writer.close()]) written.catch(() => {}); // the reader says it, too
  const parts = [];
  for (let part = await reader.read(); !part.done; part = await reader.read()) parts.push(part.value);
  if (parts.length === 1) return parts[0];
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** Each pixel came as its difference from its left neighbour, so that smooth pictures pack well. */
function undoDifferences(pixels, { width, channels }) {
  const row = width * channels;
  for (let start = 0; start < pixels.length; start += row)
    for (let i = start + channels; i < start + row; i++) pixels[i] = (pixels[i] + pixels[i - channels]) & 255;
  return pixels;
}
