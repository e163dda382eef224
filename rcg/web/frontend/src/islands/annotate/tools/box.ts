// A box: dragged, or its two corners one after the other.
import { boxBetween } from "../geometry";
import { gap, within } from "../ring";
import type { XY } from "../types";
import type { Desk, Draft, Tool } from "./tool";

export class BoxTool implements Tool {
  readonly name = "box";
  private first: XY | null = null;
  private now: XY | null = null;

  constructor(private readonly desk: Desk) {}

  get draft(): Draft | null {
    if (!this.first || !this.now) return { next: "first corner" };
    const [ax, ay] = this.first, [bx, by] = this.now;
    return { ring: [[ax, ay], [bx, ay], [bx, by], [ax, by]], closed: true, next: "opposite corner" };
  }

  hover(at: XY): void { if (this.first) this.now = this.inside(at); }

  click(at: XY): void {
    if (this.first) { this.now = this.inside(at); this.finish(); } else { this.first = this.now = this.inside(at); }
  }

  grab(at: XY): boolean {
    this.first ??= this.inside(at);
    this.now = this.inside(at);
    return true;
  }

  drag(at: XY): void { this.now = this.inside(at); }

  drop(at: XY): void { this.now = this.inside(at); this.finish(); }

  abort(): void { this.cancel(); }

  finish(): boolean {
    const [first, now] = [this.first, this.now];
    if (!first || !now) return false;
    const box = boxBetween(first, now);
    // Two clicks on one spot are a slip of the hand, no box.
    if (!box || gap(first, now) * this.desk.scale < 3) return true;
    this.cancel();
    this.desk.add(box);
    return true;
  }

  back(): boolean { return this.cancel(); }

  cancel(): boolean { const was = this.first !== null; this.first = this.now = null; return was; }

  cursor(): string { return "crosshair"; }

  private inside(at: XY): XY { return within(at, this.desk.width, this.desk.height); }
}
