/** What a map looks like before anything is drawn on it: its tools, its canvases, and where its words go. */

const ICONS = {
  move: "M10 2v16M2 10h16M10 2 7.500 5M10 2l2.500 3M10 18l-2.500-3M10 18l2.500-3M2 10l3-2.500M2 10l3 2.500M18 10l-3-2.500M18 10l-3 2.500",
  lasso: "M10 4c5 0 8 2 8 4.600S15 13 10 13 2 11.200 2 8.600 5 4 10 4zM6.500 12.800c-1.800 1-1.500 3 .2 3s2.300 1 1.300 2.500",
  box: "M3 4h4m2.500 0h3m2.500 0h2v3m0 2.500v3m0 2.500v1h-4m-2.500 0h-3M6 16H3v-3m0-2.500v-3m0-2V4",
  in: "M10 4v12M4 10h12",
  out: "M4 10h12",
  home: "M3 8V3h5M12 3h5v5M17 12v5h-5M8 17H3v-5",
  pictures: "M3 4h14v12H3zM3 13l4-4 4 4 2.500-2.500L17 14M13 7.500h.01",
};

/** The element of a map; `size` is that of its pictures. */
export function frame(size) {
  const tool = (name, words, title) =>
    `<button type="button" data-tool="${name}" aria-pressed="${name === "move"}" title="${title}">${icon(name)}<span>${words}</span></button>`;
  const act = (name, words) =>
    `<button type="button" data-do="${name}" aria-label="${words}" title="${words}">${icon(name)}</button>`;
  const root = document.createElement("div");
  root.className = "mu-map";
  root.innerHTML = `
    <div class="mu-map-tools" role="group" aria-label="Map tools">
      <span class="mu-set">
        ${tool("move", "Move", "Drag to move, press to choose")}
        ${tool("lasso", "Lasso", "Draw around dots to gather them")}
        ${tool("box", "Box", "Draw a box around dots to gather them")}
      </span>
      <span class="mu-set">${act("out", "Zoom out")}${act("in", "Zoom in")}${act("home", "Whole map")}</span>
      <label class="mu-size" title="Zoom in, and dots become pictures of this size">
        ${icon("pictures")}<span>Pictures</span><input type="range" min="0" max="3" step="1" value="${size}">
      </label>
    </div>
    <div class="mu-field" tabindex="0" role="application" aria-roledescription="map" data-muscope="map">
      <canvas aria-hidden="true"></canvas>
      <canvas aria-hidden="true" data-muscope="map-points"></canvas>
      <canvas aria-hidden="true" data-muscope="map-over"></canvas>
      <div class="mu-float" data-muscope="map-hover" aria-hidden="true" hidden><canvas></canvas><span></span></div>
      <p class="mu-wait" role="status">Loading the map…</p>
    </div>
    <p class="mu-unseen" data-muscope="map-said" aria-live="polite"></p>
    <div class="mu-legend" role="group" data-muscope="map-legend"></div>`;
  return root;
}

function icon(name) {
  return `<svg viewBox="0 0 20 20" aria-hidden="true"><path d="${ICONS[name]}"/></svg>`;
}
