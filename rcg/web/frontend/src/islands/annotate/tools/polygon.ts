// A polygon point by point or freehand; the same draws a hole into the selected polygon.
import { addHole } from "../geometry";
import { crossesItself, gap, simplify, within } from "../ring";
import type { Annotation, Polygon, Ring, XY } from "../types";
import { type Desk, type Draft, type Mods, reach, type Tool } from "./tool";

const STEP = 3;  // screen pixels between points of a freehand line

export class PolygonTool implements Tool {
  private ring: Ring = [];
  private now: XY | null = null;
  private free: Ring | null = null;

  constructor(private readonly desk: Desk, readonly name: "polygon" | "hole") {}

  get draft(): Draft | null {
    const line = [...this.ring, ...(this.free ?? []), ...(this.now && this.ring.length && !this.free ? [this.now] : [])];
    const next = this.name === "hole" && !this.target() ? "select a polygon first" : this.ring.length ? (this.ring.length < 3 ? "next point" : "next point; the first one, Enter or a double click closes") : this.name === "hole" ? "first point of the hole" : "first point";
    return { ring: line, closed: false, marks: [], next };
  }

  hover(at: XY): void { this.now = this.inside(at); }

  click(at: XY, mods: Mods): void {
    if (!this.ready()) return;
    const point = this.inside(at), first = this.ring[0], last = this.ring.at(-1);
    if (first && this.ring.length >= 3 && gap(first, point) <= reach(this.desk, mods)) { this.finish(); return; }
    if (last && gap(last, point) * this.desk.scale < 1.5) return;
    this.ring.push(point);
  }

  double(): void { this.finish(); }

  grab(at: XY): boolean {
    if (!this.ready()) return true;
    this.free = [this.inside(at)];
    return true;
  }

  drag(at: XY): void {
    const point = this.inside(at), last = this.free?.at(-1);
    if (this.free && last && gap(last, point) * this.desk.scale >= STEP) this.free.push(point);
  }

  drop(at: XY, mods: Mods): void {
    const free = this.free;
    this.free = null;
    if (!free) return;
    this.ring.push(...simplify([...free, this.inside(at)], 0.75 / this.desk.scale));
    const first = this.ring[0] as XY;
    if (this.ring.length >= 3 && gap(first, this.inside(at)) <= 2 * reach(this.desk, mods)) this.finish();
  }

  abort(): void { this.free = null; }

  finish(): boolean {
    if (!this.ring.length) return false;
    const ring = this.ring.filter((point, i) => i === 0 || gap(point, this.ring[i - 1] as XY) > 0);
    if (ring.length > 1 && gap(ring[0] as XY, ring.at(-1) as XY) * this.desk.scale < STEP) ring.pop();
    if (ring.length < 3) { this.desk.say("A polygon has at least three points."); return true; }
    if (ring.length < 2000 && crossesItself(ring)) this.desk.say("The outline crosses itself. Move a point, or undo.");
    if (this.name === "polygon") {
      this.cancel();
      this.desk.add({ type: "polygon", parts: [{ outer: ring, holes: [] }] });
      return true;
    }
    const target = this.target(), cut = target ? addHole(target.shape as Polygon, ring) : "Select a polygon first; the hole is cut into it.";
    if (typeof cut === "string" || !target) { this.desk.say(String(cut)); return true; }
    this.cancel();
    this.desk.change([{ ...target, shape: cut }]);
    return true;
  }

  back(): boolean { return this.ring.pop() !== undefined; }

  cancel(): boolean { const was = this.ring.length > 0 || this.free !== null; this.ring = []; this.free = this.now = null; return was; }

  cursor(): string { return "crosshair"; }

  private ready(): boolean {
    if (this.name === "polygon" || this.target()) return true;
    this.desk.say("Select a polygon first; the hole is cut into it.");
    return false;
  }

  private target(): Annotation | null {
    const [only, second] = this.desk.selection;
    return only?.shape.type === "polygon" && !second ? only : null;
  }

  private inside(at: XY): XY { return within(at, this.desk.width, this.desk.height); }
}
