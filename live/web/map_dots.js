/**
 * The dots of a map by our own rasteriser on a plain canvas: no WebGL, so old laptops and classrooms' projectors have it,
 * too. Seventy thousand take a few milliseconds.
 */

const OPACITY = 0.92; // of a dot: where many lie, the edges of each can still be told
const RIM = 0.7; // device pixels of the edge of a dot, paler than the rest: so a crowd is still seen to be of many
const PHASES = 4; // positions of a dot within a pixel, each way

/** The canvas of the dots. Pixels are worked on as whole 32-bit numbers, alpha blue green red from the top. */
export class Dots {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d", { willReadFrequently: true }); // so that it stays in the memory we write to
    this.stamps = new Map(); // "radius stride" -> stamp
    this.image = null;
  }

  /**
   * Draw every point in sight as a disc.
   *
   * @param points of map_view.js
   * @param camera of map_view.js
   * @param {{colours: Int32Array, rims: Int32Array, values: Uint8Array | Uint16Array, hidden: Uint8Array, absent: ?Uint8Array}} paint
   *   colours, rims: 0xBBGGRR of each value, inside and at the edge; values: by place; hidden: 1 for values not drawn;
   *   absent: by place, 1 for dots left out, or null
   * @param {number} radius of a dot, CSS pixels
   * @param {number} ratio device pixels for a CSS pixel
   */
  draw(points, camera, paint, radius, ratio) {
    const { width, height } = this.canvas;
    const reach = Math.ceil(radius * ratio + 1); // of a disc around its centre, device pixels
    const pad = 2 * reach + 1; // so that no disc at an edge needs to be clipped
    const stride = width + 2 * pad;
    const size = stride * (height + 2 * pad);
    if (!this.image || this.image.width !== stride || this.image.data.length !== size * 4) {
      this.image = new ImageData(stride, height + 2 * pad);
      this.pixels = new Int32Array(this.image.data.buffer);
    }
    this.pixels.fill(0);
    const stamp = this.stamp(radius * ratio, stride);
    const scale = camera.scale * ratio;
    const left = (camera.width / 2) * ratio - camera.x * scale + pad;
    const top = (camera.height / 2) * ratio + camera.y * scale + pad;
    points.runs(camera.box(reach / ratio + 1), (from, to) =>
      this.run(points, from, to, paint, stamp, { scale, left, top, stride, reach, width, height, pad }),
    );
    this.pen.putImageData(this.image, -pad, -pad);
  }

  run({ x, y }, from, to, { colours, rims, values, hidden, absent = null }, { starts, offsets, covers, edges }, frame) {
    const { scale, left, top, stride, pixels = this.pixels } = frame;
    const low = frame.pad - frame.reach, right = frame.pad + frame.width + frame.reach;
    const bottom = frame.pad + frame.height + frame.reach;
    for (let place = from; place < to; place++) {
      const value = values[place];
      if (hidden[value] || (absent && absent[place])) continue;
      const px = x[place] * scale + left, py = top - y[place] * scale;
      if (px < low || px >= right || py < low || py >= bottom) continue;
      const ix = px | 0, iy = py | 0;
      const phase = (((py - iy) * PHASES) | 0) * PHASES + (((px - ix) * PHASES) | 0);
      const centre = iy * stride + ix, middle = edges[phase];
      let colour = rims[value], rb = colour & 0xff00ff, g = colour & 0x00ff00;
      for (let i = starts[phase], end = starts[phase + 1]; i < end; i++) {
        if (i === middle) {
          colour = colours[value];
          rb = colour & 0xff00ff;
          g = colour & 0x00ff00;
        }
        const at = centre + offsets[i], cover = covers[i], under = pixels[at];
        if (under === 0) {
          pixels[at] = colour | (cover << 24);
          continue;
        }
        // Two channels in one product; the sums stay below 2^32.
        const rest = 256 - cover, alpha = under >>> 24;
        pixels[at] =
          (((Math.imul(under & 0xff00ff, rest) + Math.imul(rb, cover)) >>> 8) & 0xff00ff) |
          (((Math.imul(under & 0x00ff00, rest) + Math.imul(g, cover)) >>> 8) & 0x00ff00) |
          ((alpha + (((255 - alpha) * cover) >> 8)) << 24);
      }
    }
  }

  /** A disc at each position within a pixel: which pixels it touches (as steps in memory) and how much, 1 to 255. */
  stamp(radius, stride) {
    const key = `${radius.toFixed(2)} ${stride}`;
    if (this.stamps.has(key)) return this.stamps.get(key);
    const reach = Math.ceil(radius + 1), starts = [0], offsets = [], covers = [], edges = [];
    for (let phase = 0; phase < PHASES * PHASES; phase++) {
      const cx = ((phase % PHASES) + 0.5) / PHASES, cy = (Math.floor(phase / PHASES) + 0.5) / PHASES;
      const rim = [], middle = [];
      for (let dy = -reach; dy <= reach; dy++)
        for (let dx = -reach; dx <= reach; dx++) {
          const away = Math.hypot(dx + 0.5 - cx, dy + 0.5 - cy);
          // A disc smaller than a pixel is a pale pixel.
          const share = Math.min(1, Math.max(0, radius + 0.5 - away)) * Math.min(1, 2 * radius);
          const cover = Math.round(share * OPACITY * 255);
          if (cover >= 4) (away > radius - RIM ? rim : middle).push([dy * stride + dx, cover]);
        }
      edges.push(offsets.length + rim.length);
      for (const [offset, cover] of [...rim, ...middle]) {
        offsets.push(offset);
        covers.push(cover);
      }
      starts.push(offsets.length);
    }
    if (this.stamps.size > 40) this.stamps.clear();
    const made = { starts: Int32Array.from(starts), offsets: Int32Array.from(offsets), covers: Int32Array.from(covers), edges: Int32Array.from(edges) };
    this.stamps.set(key, made);
    return made;
  }
}

// ---- colours -------------------------------------------------------------------------------------------------------

/** A CSS colour as the rasteriser keeps it. */
export function packed(colour) {
  const [r, g, b] = channels(colour);
  return (b << 16) | (g << 8) | r;
}

const drop = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

/** A CSS colour as [r, g, b]. */
export function channels(colour) {
  drop.fillStyle = colour;
  drop.fillRect(0, 0, 1, 1);
  return [...drop.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

/** And back to a CSS colour. */
export const unpacked = (colour) => `rgb(${colour & 255} ${(colour >> 8) & 255} ${colour >> 16})`;

/** Colours mixed with another, of which they take `share`. */
export function mixed(colours, other, share) {
  return colours.map((colour) => {
    let out = 0;
    for (const shift of [0, 8, 16]) {
      const from = (colour >> shift) & 255, to = (other >> shift) & 255;
      out |= Math.round(from + (to - from) * share) << shift;
    }
    return out;
  });
}

/** 256 colours along a ramp of CSS colours. */
export function rampColours(ramp) {
  const colours = new Int32Array(256);
  for (let level = 0; level < 256; level++) {
    const at = (level / 255) * (ramp.length - 1), i = Math.min(Math.floor(at), ramp.length - 2), t = at - i;
    const [a, b] = [packed(ramp[i]), packed(ramp[i + 1])];
    for (const shift of [0, 8, 16]) {
      const from = (a >> shift) & 255, to = (b >> shift) & 255;
      colours[level] |= Math.round(from + (to - from) * t) << shift;
    }
  }
  return colours;
}
