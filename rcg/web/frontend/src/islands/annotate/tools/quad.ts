// The card's four corners, in the card's own order wherever it lies; or dragged for a card that lies straight.
import { gap, within } from "../ring";
import type { Quad, XY } from "../types";
import type { Desk, Draft, Tool } from "./tool";

export const CORNERS = ["top left", "top right", "bottom right", "bottom left"] as const;

export class QuadTool implements Tool {
  readonly name = "quad";
  private corners: XY[] = [];
  private now: XY | null = null;
  private from: XY | null = null;

  constructor(private readonly desk: Desk) {}

  get draft(): Draft | null {
    if (this.from && this.now) return { ring: upright(this.from, this.now), closed: true };
    const ring = this.now && this.corners.length ? [...this.corners, this.now] : [...this.corners];
    const marks = this.corners.map((at, i) => ({ at, text: CORNERS[i] as string }));
    return { ring, closed: ring.length === 4, marks, next: `the card's ${CORNERS[this.corners.length] ?? ""} corner` };
  }

  hover(at: XY): void { this.now = this.inside(at); }

  click(at: XY): void {
    const point = this.inside(at), last = this.corners.at(-1);
    if (last && gap(last, point) * this.desk.scale < 3) return;
    this.corners.push(point);
    if (this.corners.length === 4) this.finish();
  }

  grab(at: XY): boolean {
    if (this.corners.length) return true;  // the next corner, adjusted until the finger lifts
    this.from = this.now = this.inside(at);
    return true;
  }

  drag(at: XY): void { this.now = this.inside(at); }

  drop(at: XY): void {
    const from = this.from;
    if (!from) { this.click(at); return; }
    this.from = null;
    const to = this.inside(at);
    if (Math.min(Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1])) * this.desk.scale < 4) return;
    this.corners = upright(from, to);
    this.finish();
  }

  abort(): void { this.from = null; }

  finish(): boolean {
    if (!this.corners.length) return false;
    if (this.corners.length < 4) { this.desk.say(`A card quad has four corners; ${4 - this.corners.length} are missing.`); return true; }
    const corners = this.corners as unknown as Quad["corners"];
    this.cancel();
    this.desk.add({ type: "quad", corners });
    return true;
  }

  back(): boolean { return this.corners.pop() !== undefined; }

  cancel(): boolean { const was = this.corners.length > 0 || this.from !== null; this.corners = []; this.now = this.from = null; return was; }

  cursor(): string { return "crosshair"; }

  private inside(at: XY): XY { return within(at, this.desk.width, this.desk.height); }
}

function upright([ax, ay]: XY, [bx, by]: XY): XY[] {
  const [left, right, top, bottom] = [Math.min(ax, bx), Math.max(ax, bx), Math.min(ay, by), Math.max(ay, by)];
  return [[left, top], [right, top], [right, bottom], [left, bottom]];
}
