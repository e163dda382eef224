// What one small copy of the camera's picture shows, against those before it. Runs in a worker where there is one.
import { type Advice, advise } from "./advice";
import { type Found, findCard } from "./find";
import { type Box, type Grey, difference, greyOf, halved, levels, sharpness, whole } from "./measure";

export const SMALL = 480;  // px, its longer side
const GOOD_MS = 300, FORGET = 0.995;

/** `steady`: all has been right for 300 ms. `ms`: what the look took. */
export interface Seen extends Advice { found: Found | null; steady: boolean; ms: number }
export interface Pixels { width: number; height: number; data: Uint8ClampedArray | Uint8Array }

export class Looker {
  private before: Grey | null = null;
  private best = 0;
  private goodSince = 0;

  /** Begins anew; how sharp this card can be is remembered. */
  reset(): void { this.before = null; this.goodSince = 0; }

  /** @param now when the picture was taken, performance.now() of whichever clock, the same each time. */
  look(pixels: Pixels, now: number): Seen { return this.lookAt(greyOf(pixels), now); }

  lookAt(grey: Grey, now: number): Seen {
    const began = performance.now();
    const half = halved(grey);
    const found = findCard(half), box = found ? boxOf(found, grey) : whole(grey);
    const sharp = sharpness(grey, box), seen = levels(grey, box);
    const motion = this.before ? difference(half, this.before) : 255;
    this.before = half;
    this.best = Math.max(sharp, this.best * FORGET);
    const advice = advise({ found, sharpness: sharp, clipped: seen.clipped, mean: seen.mean, motion }, this.best);
    if (!advice.good) this.goodSince = 0; else this.goodSince ||= now;
    return { ...advice, found, steady: advice.good && now - this.goodSince >= GOOD_MS, ms: performance.now() - began };
  }
}

/** The size of the small copy of a picture. */
export function smallOf(width: number, height: number): [number, number] {
  const scale = SMALL / Math.max(width, height);
  return [Math.round(width * scale), Math.round(height * scale)];
}

/** A small grey copy of a plane of luma, each pixel the mean of the block it stands for (at most 4 x 4 points of it).
 * @param full whether luma spans 0 to 255 rather than 16 to 235. */
export function shrunk(luma: Uint8Array, stride: number, width: number, height: number, full: boolean): Grey {
  const [across, down] = smallOf(width, height);
  const data = new Uint8Array(across * down);
  const points = Math.max(1, Math.min(4, Math.floor(width / across)));
  const xs = new Int32Array(across * points), gain = full ? 1 : 255 / 219, dark = full ? 0 : 16;
  for (let k = 0; k < xs.length; k++) xs[k] = Math.min(width - 1, Math.floor((k + 0.5) * width / xs.length));
  const row = new Float64Array(across);
  for (let y = 0; y < down; y++) {
    row.fill(0);
    for (let j = 0; j < points; j++) {
      const from = Math.min(height - 1, Math.floor((y * points + j + 0.5) * height / (down * points))) * stride;
      for (let x = 0, k = 0; x < across; x++) for (let i = 0; i < points; i++, k++) row[x] = (row[x] as number) + (luma[from + (xs[k] as number)] as number);
    }
    for (let x = 0; x < across; x++) data[y * across + x] = Math.max(0, Math.min(255, ((row[x] as number) / (points * points) - dark) * gain));
  }
  return { width: across, height: down, data };
}

function boxOf(found: Found, grey: Grey): Box {
  const xs = found.corners.map((p) => p.x * grey.width), ys = found.corners.map((p) => p.y * grey.height);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const [in_x, in_y] = [0.04 * (right - left), 0.04 * (bottom - top)];
  return { left: Math.round(left + in_x), right: Math.round(right - in_x), top: Math.round(top + in_y), bottom: Math.round(bottom - in_y) };
}
