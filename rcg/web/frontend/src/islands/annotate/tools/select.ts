// Choosing shapes, moving them and their points, adding and taking points.
import { deleteVertex, edgeAt, extent, handles, insertVertex, moveVertex, translate, under, type Vertex, vertexAt } from "../geometry";
import { contains } from "../geometry";
import { gap, within } from "../ring";
import type { Annotation, Polygon, Ring, XY } from "../types";
import { type Desk, type Draft, type Mods, reach, type Tool } from "./tool";

type Held = { kind: "vertex"; shape: Annotation; vertex: Vertex } | { kind: "move"; shapes: Annotation[] } | { kind: "band" };
const ROOMY = 28;  // screen pixels that a side needs before its middle can be pulled out

export class SelectTool implements Tool {
  readonly name = "select";
  hovered: string | null = null;
  private held: Held | null = null;
  private from: XY = [0, 0];
  private to: XY = [0, 0];
  private lastClick: { at: XY; stack: string } | null = null;

  constructor(private readonly desk: Desk) {}

  get draft(): Draft | null {
    if (!this.held) return null;
    if (this.held.kind === "band") return { band: { from: this.from, to: this.to } };
    return { shapes: this.preview() };
  }

  hover(at: XY, mods: Mods): void { this.hovered = under(this.desk.shown, at, reach(this.desk, mods) / 2)[0]?.id ?? null; }

  click(at: XY, mods: Mods): void {
    const only = this.only(), near = reach(this.desk, mods);
    const vertex = only ? vertexAt(only.shape, at, near) : null;
    if (only && vertex && mods.alt) { this.cut(only, vertex); return; }
    if (only && vertex && only.shape.type !== "box") { this.desk.select([only.id], vertex); return; }
    const found = under(this.desk.shown, at, near / 2);
    if (mods.shift) { this.toggle(found[0]); return; }
    this.desk.select(this.cycle(found, at));
  }

  double(at: XY): void {
    const only = this.only(), edge = only?.shape.type === "polygon" ? edgeAt(only.shape, at, reach(this.desk, { shift: false, alt: false, touch: false })) : null;
    if (!only || !edge) return;
    this.desk.change([{ ...only, shape: insertVertex(only.shape, edge, this.inside(edge.at)) }]);
    this.desk.select([only.id], { ring: edge.ring, index: edge.index + 1 });
  }

  grab(at: XY, mods: Mods): boolean {
    const only = this.only(), near = reach(this.desk, mods);
    [this.from, this.to] = [at, at];
    const vertex = only ? vertexAt(only.shape, at, near) : null;
    if (only && vertex && !mods.alt) { this.held = { kind: "vertex", shape: only, vertex }; return true; }
    const middle = only ? middles(only, this.desk.scale).find((one) => gap(one.at, at) <= near) : undefined;
    if (only && middle) {
      const shape = { ...only, shape: insertVertex(only.shape, middle.vertex, at) };
      this.held = { kind: "vertex", shape, vertex: { ring: middle.vertex.ring, index: middle.vertex.index + 1 } };
      return true;
    }
    if (mods.shift) { this.held = { kind: "band" }; return true; }
    const chosen = this.desk.selection.filter((one) => one.shape.type !== "mask");
    if (chosen.some((one) => contains(one.shape, at) || (one.shape.type === "points" && inExtent(one, at)))) { this.held = { kind: "move", shapes: chosen }; return true; }
    return false;
  }

  drag(at: XY): void { this.to = at; }

  drop(at: XY, mods: Mods): void {
    this.to = at;
    const held = this.held, shapes = this.preview();
    this.held = null;
    if (!held) return;
    if (held.kind === "band") { this.band(mods); return; }
    this.desk.change(shapes);
    if (held.kind === "vertex") this.desk.select([held.shape.id], held.shape.shape.type === "box" ? null : held.vertex);
  }

  abort(): void { this.held = null; }

  finish(): boolean { return false; }

  back(): boolean { return false; }

  cancel(): boolean { const was = this.held !== null; this.held = null; return was; }

  cursor(at: XY, mods: Mods): string {
    const only = this.only(), near = reach(this.desk, mods);
    if (only && (vertexAt(only.shape, at, near) || middles(only, this.desk.scale).some((one) => gap(one.at, at) <= near))) return "pointer";
    if (this.desk.selection.some((one) => contains(one.shape, at))) return "move";
    return this.hovered ? "pointer" : "grab";
  }

  private preview(): Annotation[] {
    const held = this.held;
    if (held?.kind === "vertex") return [{ ...held.shape, shape: moveVertex(held.shape.shape, held.vertex, this.inside(this.to)) }];
    if (held?.kind !== "move") return [];
    return held.shapes.map((one) => ({ ...one, shape: translate(one.shape, this.to[0] - this.from[0], this.to[1] - this.from[1], this.desk.width, this.desk.height) }));
  }

  private cut(shape: Annotation, vertex: Vertex): void {
    const left = deleteVertex(shape.shape, vertex);
    if (left) this.desk.change([{ ...shape, shape: left }]); else this.desk.remove([shape.id]);
  }

  private toggle(shape: Annotation | undefined): void {
    if (!shape) return;
    const ids = this.desk.selection.map((one) => one.id);
    this.desk.select(ids.includes(shape.id) ? ids.filter((id) => id !== shape.id) : [...ids, shape.id]);
  }

  /** Clicking the same place again takes the shape below. */
  private cycle(found: Annotation[], at: XY): string[] {
    const stack = found.map((one) => one.id).join(), again = this.lastClick?.stack === stack && gap(this.lastClick.at, at) * this.desk.scale < 6;
    this.lastClick = { at, stack };
    const now = found.findIndex((one) => one.id === this.desk.selection[0]?.id);
    const next = again && now >= 0 ? found[(now + 1) % found.length] : found[0];
    return next ? [next.id] : [];
  }

  private band(mods: Mods): void {
    const [left, right] = [Math.min(this.from[0], this.to[0]), Math.max(this.from[0], this.to[0])];
    const [top, bottom] = [Math.min(this.from[1], this.to[1]), Math.max(this.from[1], this.to[1])];
    const inside = this.desk.shown.filter((one) => { const box = extent(one.shape); return box.left >= left && box.right <= right && box.top >= top && box.bottom <= bottom; });
    const kept = mods.shift ? this.desk.selection.map((one) => one.id) : [];
    this.desk.select([...new Set([...kept, ...inside.map((one) => one.id)])]);
  }

  private only(): Annotation | null { return this.desk.selection.length === 1 ? this.desk.selection[0] ?? null : null; }

  private inside(at: XY): XY { return within(at, this.desk.width, this.desk.height); }
}

function inExtent(one: Annotation, at: XY): boolean {
  const box = extent(one.shape);
  return at[0] >= box.left && at[0] <= box.right && at[1] >= box.top && at[1] <= box.bottom;
}

/** Middles of a polygon's sides, where a point can be pulled out; short sides have none. */
export function middles(one: Annotation, scale: number): { at: XY; vertex: Vertex }[] {
  if (one.shape.type !== "polygon" || handles(one.shape).length > 500) return [];
  const found: { at: XY; vertex: Vertex }[] = [];
  const rings = (one.shape as Polygon).parts.flatMap((part) => [part.outer, ...part.holes]);
  rings.forEach((ring: Ring, which) => ring.forEach((a, index) => {
    const b = ring[(index + 1) % ring.length] as XY;
    if (gap(a, b) * scale >= ROOMY) found.push({ at: [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2], vertex: { ring: which, index } });
  }));
  return found;
}
