/** What the colours of a map mean; and classes are shown and hidden here. */

export class Legend {
  /** `changed()` is called when other classes are shown. */
  constructor(element, changed) {
    this.element = element;
    this.changed = changed;
    this.hiddenOf = new Map(); // "model colour" -> a 1 for each value that is not drawn
  }

  /**
   * @param {string} name of the model and of the colour: what was hidden there is hidden still
   * @param shade a colour as it came (map_view.js)
   * @param values of it, by place
   * @param {Uint8Array | null} absent 1 for the places that are left out
   */
  show(name, shade, values, absent) {
    const size = shade.kind === "classes" ? shade.names.length : 256;
    if (!this.hiddenOf.has(name)) this.hiddenOf.set(name, new Uint8Array(size));
    this.hidden = this.hiddenOf.get(name);
    this.counts = new Uint32Array(size);
    for (let place = 0; place < values.length; place++) if (!absent?.[place]) this.counts[values[place]]++;
    this.element.setAttribute("aria-label", `Colours: ${shade.title}`);
    if (shade.kind === "amount") this.element.replaceChildren(ramp(shade));
    else this.element.replaceChildren(...shade.names.map((name, value) => this.button(name, value, shade.colours[value])));
    this.press();
  }

  /** How many dots are drawn. */
  get drawn() {
    return this.counts.reduce((sum, count, value) => sum + (this.hidden[value] ? 0 : count), 0);
  }

  button(name, value, colour) {
    const button = document.createElement("button"), swatch = document.createElement("i");
    button.type = "button";
    swatch.style.background = colour;
    button.append(swatch, name);
    button.title = `${this.counts[value].toLocaleString("en-US")} images. Press to hide or show; twice, or with Shift, to see these alone.`;
    button.onclick = (event) => {
      if (event.shiftKey || event.detail === 2) this.isolate(value);
      else this.hidden[value] ^= 1;
      this.press();
      this.changed();
    };
    return button;
  }

  /** This class alone; or all of them, where it is alone already. */
  isolate(value) {
    const alone = this.hidden.every((is, other) => other === value || is); // the first of two presses changed its own
    this.hidden.fill(alone ? 0 : 1);
    this.hidden[value] = 0;
  }

  press() {
    for (const [value, button] of this.element.querySelectorAll("button").entries())
      button.setAttribute("aria-pressed", !this.hidden[value]);
  }
}

function ramp({ ramp: colours, low, high, title, unit }) {
  const element = document.createElement("div"), name = document.createElement("b"), bar = document.createElement("i");
  element.className = "mu-ramp";
  name.textContent = unit ? `${title}, ${unit}` : title;
  bar.style.background = `linear-gradient(90deg, ${colours.join(", ")})`;
  const digits = Math.min(6, Math.max(0, 1 - Math.floor(Math.log10(high - low || 1)))); // two that tell the ends apart
  const numbers = [low, (low + high) / 2, high].map((value) => {
    const number = document.createElement("span");
    number.textContent = value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
    return number;
  });
  element.append(name, bar, ...numbers);
  return element;
}
