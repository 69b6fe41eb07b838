/** What the unfolding map looks like before anything is drawn on it, and how its pictures melt into each other. */

import { button, choice, element } from "./controls.js";

const GAP = 2; // pixels between small pictures, as Python laid them out

/**
 * Everything on the screen, by name. `curves` is that of unfold_curves.js.
 *
 * @param {{play, speed, newest, film}} acts what its buttons do
 */
export function frame(curves, acts) {
  const handle = (name) => ({ "data-muscope": `unfold-${name}` });
  const made = {
    play: button("Play", { picture: "play", handle: "unfold-play", onPress: acts.play }),
    pace: choice("Speed", [[0.5, "0.5×"], [1, "1×"], [2, "2×"]], 1, acts.speed, "unfold-speed"),
    newest: button("Newest", { picture: "last", handle: "unfold-newest", onPress: acts.newest }),
    film: button("GIF", { picture: "save", handle: "unfold-film", onPress: acts.film }),
    scrub: element("input", { type: "range", class: "mu-scrub", min: 0, step: "any", "aria-label": "Moment of the training", ...handle("scrub") }),
    where: element("p", { class: "mu-unfold-where", "aria-hidden": "true", ...handle("where") }),
    about: element("p", { class: "mu-note", ...handle("about") }),
    read: element("details", { class: "mu-unfold-read" }, element("summary", {}, "How to read it"), element("p", { class: "mu-note" })),
    note: element("p", { class: "mu-note", role: "status" }),
    said: element("p", { class: "mu-unfold-said", "aria-live": "polite", ...handle("said") }),
    pictures: element("canvas", { role: "img", ...handle("pictures") }),
    samples: element("canvas", { role: "img", ...handle("samples") }),
    legendElement: element("div", { class: "mu-legend", role: "group", ...handle("legend") }),
  };
  made.newest.title = "Back to what happens now";
  made.film.title = "The map as it unfolds, with what the model draws: a film to keep, or for a slide";
  const layer = () => element("canvas", { "aria-hidden": "true" });
  const figure = (canvas, words) => element("figure", {}, element("figcaption", {}, words), canvas);
  made.map = element("div", { class: "mu-unfold-map", role: "img", ...handle("map") }, layer(), layer(), made.where);
  made.root = element("div", { class: "mu-unfold", role: "group", "aria-label": "The training as it unfolds", "data-muscope": "unfold" },
    element("div", { class: "mu-unfold-body" },
      made.map,
      element("div", { class: "mu-unfold-bar" }, made.play, made.scrub, made.newest, made.pace, made.film),
      element("div", { class: "mu-unfold-side" },
        figure(made.samples, "From noise, the same codes each time"),
        figure(made.pictures, "Test images, and below what comes back"),
        made.legendElement)),
    made.note, made.said, made.about, made.read, curves.root, curves.more);
  return made;
}

/** Draw `one` on a canvas, and `other` over it as far as `t`; both have small pictures `across` and `down`. */
export function melt(canvas, one, other, t, [across, down]) {
  if (!one) return;
  if (canvas.width !== one.width || canvas.height !== one.height) [canvas.width, canvas.height] = [one.width, one.height];
  const pen = canvas.getContext("2d"), { width, height } = canvas;
  pen.globalAlpha = 1;
  pen.drawImage(one, 0, 0);
  if (other && other !== one && t > 0) {
    pen.globalAlpha = t;
    pen.drawImage(other, 0, 0);
  }
  // What lies between the small pictures is taken away: the page shows there, light or dark.
  const [wide, high] = [(width + GAP) / across, (height + GAP) / down];
  for (let i = 1; i < across; i++) pen.clearRect(i * wide - GAP, 0, GAP, height);
  for (let i = 1; i < down; i++) pen.clearRect(0, i * high - GAP, width, GAP);
}
