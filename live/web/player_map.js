/** The path on a small map: where images are many the ground is dark, keyframes are rings, and a dot goes along. */

import { element } from "./controls.js";

const SVG = "http://www.w3.org/2000/svg";
const SIZE = 1000; // of the drawing, a side

export function pathMap() {
  const ground = element("div", { class: "mu-ground" });
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", `0 0 ${SIZE} ${SIZE}`);
  const root = element("figure", { class: "mu-path-map", "data-muscope": "path-map", role: "img",
    "aria-label": "The path on the map of all images: the darker, the more of them" }, ground, drawing);
  let told = null;

  const shape = (name, attributes) => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
    return made;
  };
  const at = ([x, y]) => `${x * SIZE} ${y * SIZE}`;
  const dot = shape("circle", { r: 20, class: "mu-here" });

  return {
    root,
    draw(map) {
      told = map;
      ground.style.setProperty("--ground", `url(${map.ground})`);
      drawing.replaceChildren(
        shape("path", { d: `M${map.spots.map(at).join("L")}`, class: "mu-trail" }),
        ...map.stops.map(([x, y]) => shape("circle", { cx: x * SIZE, cy: y * SIZE, r: 16, class: "mu-stop" })),
        dot,
      );
    },
    /** The dot at a frame, between the places that are known. */
    mark(frame) {
      if (!told) return;
      const { frames, spots } = told;
      let after = frames.findIndex((one) => one >= frame);
      if (after < 0) after = frames.length - 1;
      const before = Math.max(0, after - 1), span = frames[after] - frames[before];
      const share = span ? (frame - frames[before]) / span : 0;
      const [x, y] = [0, 1].map((axis) => (1 - share) * spots[before][axis] + share * spots[after][axis]);
      dot.setAttribute("cx", String(x * SIZE));
      dot.setAttribute("cy", String(y * SIZE));
    },
  };
}
