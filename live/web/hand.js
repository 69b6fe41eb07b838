/**
 * What the hand of this tab holds: a code that moves, and the picture of it.
 *
 * Whoever moves it calls `show`; whoever draws it listens with `on`. While nothing moves, the picture is the one that
 * Python put on the page.
 */

import { DECODE, LANE, payload, wire } from "./client.js";

const SAY_EVERY = 100; // ms between two sentences on how unusual the code is: nobody reads faster

const listeners = new Set();
let send = null, line = null, turn = 0, said = 0, later = 0;

export const hand = {
  /** The code shown last, or null at rest. @type {{model: string, code: Float32Array, turn: number} | null} */
  now: null,
  /** True from the moment something is held until Python has caught up: what it says meanwhile must not move it. */
  down: false,

  /** Every component calls this with what Python says of the wire. */
  attach(live) {
    const found = wire(live);
    if (found !== line) {
      line = found;
      send = line.follow(LANE.picture, (answer, request) => tell(answer, request));
    }
    return line;
  },

  /** Ask for the picture of a code, and have it drawn when it comes. Returns the turn, which only grows. */
  show(model, code) {
    this.now = { model, code: Float32Array.from(code), turn: ++turn };
    ask(false);
    return turn;
  },

  /** A component has a picture already (a map, a player): draw it. `answer` may hold several; `at` is which. */
  showAnswer(model, code, answer, at = 0) {
    this.now = { model, code: Float32Array.from(code), turn: ++turn };
    tell(answer, { turn, at });
    return turn;
  },

  /** A finger, a button or a key has taken hold. */
  hold() {
    this.down = true;
  },

  /** Python has drawn the page with what the hand left. Whoever called `hold` calls this. */
  release() {
    this.down = false;
    this.rest();
  },

  /** Back to the picture that Python put on the page. */
  rest() {
    clearTimeout(later);
    later = 0;
    this.now = null;
    turn++;
    for (const listener of listeners) listener(null);
  },

  /** Called with {answer, at, turn, unusual, error} for each picture, and with null at rest. Returns how to stop. */
  on(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

function ask(whole) {
  const { model, code } = hand.now, now = performance.now();
  const unusual = whole || now - said >= SAY_EVERY;
  if (unusual) said = now;
  clearTimeout(later); // when the hand pauses, the sentence catches up
  later = unusual ? 0 : setTimeout(() => hand.now && ask(true), SAY_EVERY + 20);
  send({ kind: DECODE, model, payload: payload([code]), count: 1, unusual, turn, at: 0 });
}

function tell(answer, { turn: of, at }) {
  if (!hand.now || hand.now.turn < of) return; // at rest since
  const { unusual, error } = answer.notes;
  for (const listener of listeners) listener({ answer, at, turn: of, unusual, error });
}
