/**
 * What a component is worked with: buttons, switches and ranges that look like the rest of the page.
 *
 * Their style sheet comes with them. Every one of them has a name for a screen reader and is reached by the keyboard.
 */

const ICONS = {
  play: "M7 4 20 12 7 20z",
  pause: "M6 4h4v16H6zM14 4h4v16h-4z",
  back: "M17 4 4 12 17 20z",
  last: "M5 4 15 12 5 20zM16 4h3v16h-3z",
  keep: "M6 3h12v18l-6-5-6 5z",
  save: "M10 3h4v8h4l-6 6-6-6h4zM4 19h16v2H4z",
  undo: "M10 4 3 11l7 7v-5h4a3 3 0 0 1 3 3v3h3v-3a6 6 0 0 0-6-6h-4z",
  dice: "M3 3h18v18H3zM6 6v4h4V6zM14 14v4h4v-4zM10 10v4h4v-4z",
  pen: "M4 16 15 5l4 4L8 20H4zM16 4l2-2 4 4-2 2z",
  eraser: "M3 15 14 4l7 7-8 8H7zM8 13l-3 2 3 3h4l1-1z",
  link: "M10 13a4 4 0 0 0 6 .5l3-3a4.2 4.2 0 0 0-6-6l-1.7 1.7 1.4 1.4 1.7-1.700a2.2 2.2 0 0 1 3.2 3.200l-3 3a2.2 2.2 0 0 1-3.2-.3zM14 11a4 4 0 0 0-6-.5l-3 3a4.2 4.2 0 0 0 6 6l1.7-1.7-1.4-1.4-1.7 1.700a2.2 2.2 0 0 1-3.2-3.200l3-3a2.2 2.2 0 0 1 3.2.3z",
  clear: "M4 6 6 4l6 6 6-6 2 2-6 6 6 6-2 2-6-6-6 6-2-2 6-6z",
};

await new Promise((resolve) => {
  const sheet = document.createElement("link");
  sheet.rel = "stylesheet";
  sheet.href = new URL("controls.css", import.meta.url).href;
  sheet.onload = sheet.onerror = resolve;
  document.head.append(sheet);
});

/** An element with attributes and children: `element("p", {class: "mu-note"}, "words")`. Attributes that are null are left out. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value != null) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  path.setAttribute("fill-rule", "evenodd");
  svg.append(path);
  return svg;
}

/** A button. `handle` names it for tests; `bare` shows its picture alone, and its name to whoever rests there. */
export function button(words, { handle = null, picture = null, bare = false, onPress = () => {} } = {}) {
  const made = element("button", { type: "button", class: "mu-button", "data-muscope": handle });
  dress(made, bare ? "" : words, picture);
  if (bare) made.title = made.ariaLabel = words;
  made.addEventListener("click", onPress);
  return made;
}

/** Other words, or another picture, on a button. */
export function dress(made, words, picture = null) {
  made.replaceChildren(...(picture ? [icon(picture)] : []), ...(words ? [element("span", {}, words)] : []));
}

/** A button that stays pressed. `set(on)` changes it from outside. */
export function toggle(words, on, onChange, handle = null) {
  const made = button(words, { handle, onPress: () => (made.set(!made.on), onChange(made.on)) });
  made.set = (value) => {
    made.on = value;
    made.setAttribute("aria-pressed", String(value));
  };
  made.set(on);
  return made;
}

/** One of a few. `options` are [value, words, picture]; arrows move between them as between radio buttons. */
export function choice(name, options, value, onChange, handle = null, bare = false) {
  const made = element("div", { class: "mu-choice", role: "radiogroup", "aria-label": name, "data-muscope": handle });
  const each = options.map(([option, words, picture]) => {
    const one = button(words, { picture, bare, onPress: () => pick(option) });
    one.setAttribute("role", "radio");
    made.append(one);
    return one;
  });
  made.set = (chosen) => {
    made.value = chosen;
    each.forEach((one, i) => {
      one.setAttribute("aria-checked", String(options[i][0] === chosen));
      one.tabIndex = options[i][0] === chosen ? 0 : -1;
    });
  };
  const pick = (option) => {
    if (option === made.value) return;
    made.set(option);
    onChange(option);
  };
  made.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const at = options.findIndex(([option]) => option === made.value);
    const next = (at + step + options.length) % options.length;
    pick(options[next][0]);
    each[next].focus();
  });
  made.set(value);
  return made;
}

/**
 * A number to slide: a label, its value, and the track. `say(value)` puts the value into words; `mute` leaves them to
 * screen readers, where the words at the two ends say enough.
 *
 * `onInput` follows the hand; `onRest` is called once when it lets go, or a moment after the last key.
 */
export function range({ label, low, high, step, value, say, ends = null, mute = false, handle = null, onHold, onInput, onRest }) {
  const input = element("input", { type: "range", min: low, max: high, step, "aria-label": label, "data-muscope": handle });
  const output = element("span", { class: "mu-value", "aria-hidden": "true" });
  const made = element("div", { class: "mu-range" }, element("div", { class: "mu-range-head", "aria-hidden": "true" },
    element("span", {}, label), ...(mute ? [] : [output])), input);
  if (ends) made.append(element("div", { class: "mu-ends", "aria-hidden": "true" }, ...ends.map((end) => element("span", {}, end))));
  made.input = input;
  made.set = (given) => {
    input.value = String(given);
    show();
  };
  const show = () => {
    const now = Number(input.value), words = say(now);
    output.textContent = words;
    input.setAttribute("aria-valuetext", words);
    input.style.setProperty("--share", String((now - low) / (high - low)));
  };
  input.addEventListener("input", () => (show(), onInput?.(Number(input.value))));
  whenAtRest(input, onHold, () => onRest?.(Number(input.value)));
  made.set(value);
  return made;
}

const REST = 350; // ms without a key: then the hand rests

/** Tell when a range is taken hold of, and when it is let go: the pointer lifted, or no key for a moment. */
export function whenAtRest(input, onHold, onRest) {
  let pressed = false, moved = false, timer = 0;
  const rest = () => {
    clearTimeout(timer);
    if (moved && !pressed) onRest();
    moved &&= pressed;
  };
  const lift = () => {
    pressed = false;
    setTimeout(rest); // after the last input event
  };
  input.addEventListener("pointerdown", () => {
    pressed = true;
    for (const up of ["pointerup", "pointercancel"]) addEventListener(up, lift, { once: true });
  });
  input.addEventListener("input", () => {
    if (!moved) onHold?.();
    moved = true;
    clearTimeout(timer);
    if (!pressed) timer = setTimeout(rest, REST);
  });
  input.addEventListener("blur", rest);
}

/** Numbers that came as text: little-endian float32. */
export function floats(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

/** Bytes as text, packed (zlib). */
export async function packed(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  const small = new Uint8Array(await new Response(stream).arrayBuffer());
  return btoa(Array.from(small, (byte) => String.fromCharCode(byte)).join(""));
}

/** Bytes that were packed. */
export async function inflate(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** A PNG file as something that can be drawn like an answer of the wire. */
export async function unpack(png) {
  const image = new Image();
  image.src = png;
  await image.decode();
  const canvas = element("canvas", { width: image.naturalWidth, height: image.naturalHeight });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.drawImage(image, 0, 0);
  const { width, height, data } = pen.getImageData(0, 0, canvas.width, canvas.height);
  return { count: 1, width, height, channels: 4, pixels: data, notes: {} };
}

export const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
