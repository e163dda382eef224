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
  look(pixels: Pixels, now: number): Seen {
    const began = performance.now();
    const grey = greyOf(pixels), half = halved(grey);
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

function boxOf(found: Found, grey: Grey): Box {
  const xs = found.corners.map((p) => p.x * grey.width), ys = found.corners.map((p) => p.y * grey.height);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const [in_x, in_y] = [0.04 * (right - left), 0.04 * (bottom - top)];
  return { left: Math.round(left + in_x), right: Math.round(right - in_x), top: Math.round(top + in_y), bottom: Math.round(bottom - in_y) };
}
