/**
 * The rail of a knob: values as places on a line. It shows where images lie (a box for the middle half, a darker line
 * for nine tenths), zero, the image's own value, and the thumb with the way it has come.
 */

import { words } from "./console_words.js";

export function buildRail() {
  const element = document.createElement("div");
  element.className = "mu-knob-rail";
  element.innerHTML = `
    <i class="mu-knob-nine"></i><i class="mu-knob-half"></i><i class="mu-knob-median"></i><i class="mu-knob-zero">0</i>
    <i class="mu-knob-own"></i><i class="mu-knob-way"></i><i class="mu-knob-thumb"></i>`;
  const [nine, half, median, zero, own, way, thumb] = element.children;
  const rail = { element, low: 0, high: 1, layOut, put, at, valueAt };
  let marks = [], from = 0;

  /** A value as a share: 0 at the low end, 1 at the high end. */
  function at(value) {
    const { low, high } = rail;
    return high > low ? Math.min(Math.max((value - low) / (high - low), 0), 1) : 0.5;
  }

  /** The value at a place of the window, where the rail's box in it is `left` and `width`. */
  function valueAt(x, { left, width }) {
    return rail.low + Math.min(Math.max((x - left) / width, 0), 1) * (rail.high - rail.low);
  }

  /** Where everything lies. The range is widened to hold the value. */
  function layOut(spec, value) {
    rail.low = Math.min(spec.low, value);
    rail.high = Math.max(spec.high, value);
    for (const one of [nine, half, median]) one.hidden = !spec.ticks;
    if (spec.ticks) {
      const [five, quarter, middle, threeQuarters, ninetyFive] = spec.ticks;
      place(nine, five, ninetyFive);
      place(half, quarter, threeQuarters);
      place(median, middle);
    }
    for (const mark of marks) mark.remove();
    marks = (spec.marks ?? []).map(() => Object.assign(document.createElement("i"), { className: "mu-knob-mark" }));
    marks.forEach((mark, i) => place(mark, spec.marks[i]));
    element.prepend(...marks);
    place(zero, 0);
    zero.hidden = rail.low > 0 || rail.high < 0;
    own.hidden = spec.own === null;
    if (!own.hidden) {
      place(own, spec.own);
      own.title = `The image's own value: ${words(spec.own)}`;
    }
    from = at(spec.own ?? 0);
  }

  function place(one, start, end = start) {
    one.style.left = `${100 * at(start)}%`;
    one.style.right = `${100 - 100 * at(end)}%`;
  }

  /** Move the thumb. By transforms of parts as wide as the rail: a moving hand must not lay the page out anew. */
  function put(value) {
    const to = at(value);
    way.style.transform = `translateX(${100 * Math.min(from, to)}%) scaleX(${Math.abs(to - from)})`;
    thumb.style.transform = `translateX(${100 * to}%)`;
  }

  return rail;
}
