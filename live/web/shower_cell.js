/** One place in a grid of samples: a picture that can be looked at, and pressed. */

import { paint } from "./client.js";
import { element, still } from "./controls.js";
import { hand } from "./hand.js";

const FADE = 450; // ms

export class Cell {
  /** @param {{model: string, crisp: boolean}} grid of which it is a cell; `onPress` is called with the cell. */
  constructor(index, grid, onPress) {
    this.grid = grid;
    this.index = index;
    this.button = element("button", { type: "button", class: "mu-sample", "data-muscope": "sample", tabindex: index ? -1 : 0 });
    this.top = element("canvas", { "aria-hidden": "true" });
    this.spare = element("canvas", { "aria-hidden": "true" });
    this.button.append(this.spare, this.top);
    this.button.addEventListener("click", () => onPress(this));
    this.button.addEventListener("pointerenter", (event) => event.pointerType !== "touch" && this.look());
    this.button.addEventListener("pointerleave", () => this.rest());
    this.button.addEventListener("focus", () => this.button.matches(":focus-visible") && this.look());
    this.button.addEventListener("blur", () => this.rest());
  }

  /** Show picture `at` of an answer; `how` is its temperature and limit. `gently` lets it grow out of the old one. */
  set(draw, how, answer, at, gently) {
    const other = draw !== this.draw || how.temperature !== this.how?.temperature || how.limit !== this.how?.limit;
    Object.assign(this, { draw, how, answer, at });
    if (gently && !still()) {
      [this.top, this.spare] = [this.spare, this.top];
      this.button.append(this.top);
      this.top.animate([{ opacity: 0 }, { opacity: 1 }], FADE);
    }
    paint(this.top, answer, at);
    for (const canvas of [this.top, this.spare]) canvas.className = this.grid.crisp ? "mu-crisp" : "mu-smooth";
    this.button.style.aspectRatio = `${answer.width} / ${answer.height}`;
    this.button.dataset.draw = String(draw);
    this.button.setAttribute("aria-label", `Sample ${this.index + 1} of draw ${draw}`);
    if (other) this.button.classList.remove("mu-kept");
  }

  look() {
    this.watched = true;
    // The code is Python's to compute; how unusual it is, is said when the picture is kept.
    const notes = { unusual: { words: "", usual: true }, caption: `sample ${this.index + 1} of draw ${this.draw}` };
    if (this.answer) hand.showAnswer(this.grid.model, [], { ...this.answer, notes }, this.at);
  }

  rest() {
    if (this.watched) hand.rest();
    this.watched = false;
  }
}
