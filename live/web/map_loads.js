/** What a map loads, views and colours: kept, so that to go back to one costs nothing. */

import { Points, readColour, readPoints } from "./map_view.js";

const HELD = 24; // views and colours kept; seventy thousand dots of one view are 2 MB

const loaded = new Map(); // address -> promise of what lies there, the last that was used at the end

/** A view or a colour, from the server or from before. */
export function load(live, path) {
  const address = `${live.base}/live/${path}`;
  if (!loaded.has(address)) {
    const got = fetch(address, { headers: { "X-Muscope-Token": live.token } }).then(async (response) => {
      if (!response.ok) throw new Error((await response.text()).slice(0, 300));
      const buffer = await response.arrayBuffer();
      return path.startsWith("points") ? new Points(readPoints(buffer)) : readColour(buffer);
    });
    loaded.set(address, got);
    got.catch(() => loaded.delete(address));
    if (loaded.size > HELD) loaded.delete(loaded.keys().next().value);
  }
  const found = loaded.get(address);
  loaded.delete(address);
  loaded.set(address, found); // the last that was used is the last to be given up
  return found;
}
