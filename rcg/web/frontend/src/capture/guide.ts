// Looks at a small copy of the camera's picture some times a second, and says what to do.
import { type Advice, advise } from "./advice";
import type { Camera } from "./camera";
import { type Found, findCard } from "./find";
import { type Grey, type Box, difference, greyOf, halved, levels, sharpness, whole } from "./measure";

export interface Look extends Advice { found: Found | null; ms: number; fps: number }
const EVERY_MS = 80, GOOD_MS = 300, FORGET = 0.995;

export class Guide {
  private readonly canvas = document.createElement("canvas");
  private before: Grey | null = null;
  private best = 0;
  private goodSince = 0;
  private last = 0;
  private running = false;
  private times: number[] = [];
  steady = false;  // all green for 300 ms

  constructor(private readonly camera: Camera, private readonly show: (look: Look) => void) {}

  start(): void {
    if (this.running) return;
    this.running = true;
    this.before = null; this.goodSince = 0; this.steady = false;
    requestAnimationFrame((now) => this.turn(now));
  }

  stop(): void { this.running = false; this.steady = false; }

  private turn(now: number): void {
    if (!this.running) return;
    if (now - this.last >= EVERY_MS - 4) { this.last = now; this.look(now); }
    requestAnimationFrame((next) => this.turn(next));
  }

  private look(now: number): void {
    const pixels = this.camera.small(this.canvas);
    if (!pixels) return;
    const grey = greyOf(pixels), half = halved(grey);
    const found = findCard(half), box = found ? boxOf(found, grey) : whole(grey);
    const sharp = sharpness(grey, box), seen = levels(grey, box);
    const motion = this.before ? difference(half, this.before) : 255;
    this.before = half;
    this.best = Math.max(sharp, this.best * FORGET);
    const advice = advise({ found, sharpness: sharp, clipped: seen.clipped, mean: seen.mean, motion }, this.best);
    if (!advice.good) this.goodSince = 0; else this.goodSince ||= now;
    this.steady = advice.good && now - this.goodSince >= GOOD_MS;
    this.times = [...this.times.filter((time) => now - time < 1000), now];
    this.show({ ...advice, found, ms: performance.now() - now, fps: this.times.length });
  }
}

function boxOf(found: Found, grey: Grey): Box {
  const xs = found.corners.map((p) => p.x * grey.width), ys = found.corners.map((p) => p.y * grey.height);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const [in_x, in_y] = [0.04 * (right - left), 0.04 * (bottom - top)];
  return { left: Math.round(left + in_x), right: Math.round(right - in_x), top: Math.round(top + in_y), bottom: Math.round(bottom - in_y) };
}
