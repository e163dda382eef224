// Named points, one after the other in the label schema's order; each may be moved until the finger lifts.
import { moveVertex, type Vertex, vertexAt } from "../geometry";
import { within } from "../ring";
import { type Annotation, type Points, titleOf, type XY } from "../types";
import { type Desk, type Draft, type Mods, reach, type Tool } from "./tool";

export class PointsTool implements Tool {
  readonly name = "points";
  private now: XY | null = null;
  private held: { shape: Annotation; vertex: Vertex } | null = null;

  constructor(private readonly desk: Desk) {}

  /** The shape that takes the next point: the selected one, else one of this class that lacks points; null: a new one. */
  target(): Annotation | null {
    const lacks = (one: Annotation): boolean => one.shape.type === "points" && one.label === this.desk.label && this.missing(one.shape).length > 0;
    const [selected] = this.desk.selection;
    return selected && lacks(selected) ? selected : this.desk.shown.find((one) => lacks(one) && one.state === "accepted") ?? null;
  }

  /** The next point's name; null when the schema has none, or when this class has all of them: there is one of each per item. */
  get next(): string | null {
    const target = this.target(), whole = this.desk.shown.some((one) => one.shape.type === "points" && one.label === this.desk.label && one.state === "accepted");
    if (!target && whole) return null;
    return (target ? this.missing(target.shape as Points) : this.desk.schema.points.map((one) => one.name))[0] ?? null;
  }

  get draft(): Draft | null {
    const name = this.next, title = name ? this.title(name) : "";
    const shapes = this.held && this.now ? [{ ...this.held.shape, shape: moveVertex(this.held.shape.shape, this.held.vertex, this.now) }] : [];
    return { shapes, marks: this.now && !this.held && title ? [{ at: this.now, text: title }] : [], next: title || "every point is there; drag one to move it" };
  }

  hover(at: XY): void { this.now = this.inside(at); }

  click(at: XY, mods: Mods): void {
    const hit = this.hit(at, mods);
    if (hit) { this.desk.select([hit.shape.id], hit.vertex); return; }
    this.place(this.inside(at), mods);
  }

  grab(at: XY, mods: Mods): boolean {
    this.held = this.hit(at, mods);
    this.now = this.inside(at);
    return true;
  }

  drag(at: XY): void { this.now = this.inside(at); }

  drop(at: XY, mods: Mods): void {
    const held = this.held, point = this.inside(at);
    this.held = null;
    if (held) this.desk.change([{ ...held.shape, shape: moveVertex(held.shape.shape, held.vertex, point) }]);
    else this.place(point, mods);
  }

  abort(): void { this.held = null; }

  finish(): boolean { return false; }

  /** Takes the last placed point back. */
  back(): boolean {
    const selected = this.desk.selection[0] ?? this.target();
    if (selected?.shape.type !== "points") return false;
    const points = selected.shape.points.slice(0, -1);
    if (points.length) this.desk.change([{ ...selected, shape: { ...selected.shape, points } }]); else this.desk.remove([selected.id]);
    return true;
  }

  cancel(): boolean { const was = this.held !== null; this.held = this.now = null; return was; }

  cursor(at: XY, mods: Mods): string { return this.hit(at, mods) ? "move" : "crosshair"; }

  private place(at: XY, mods: Mods): void {
    const name = this.next, target = this.target();
    if (!name) { this.desk.say("Every point is there. Drag one to move it, or delete it to place it again."); return; }
    const point = { name, x: at[0], y: at[1], visible: mods.shift ? 1 as const : 2 as const };
    if (!target) { this.desk.add({ type: "points", points: [point], box: null }); return; }
    const shape = target.shape as Points;
    this.desk.change([{ ...target, shape: { ...shape, points: [...shape.points, point] } }]);
    this.desk.select([target.id]);
  }

  private missing(shape: Points): string[] {
    const have = new Set(shape.points.map((point) => point.name));
    return this.desk.schema.points.map((one) => one.name).filter((name) => !have.has(name));
  }

  private title(name: string): string {
    const found = this.desk.schema.points.find((one) => one.name === name);
    return found ? titleOf(found) : name;
  }

  private hit(at: XY, mods: Mods): { shape: Annotation; vertex: Vertex } | null {
    for (const shape of this.desk.shown) {
      if (shape.shape.type !== "points") continue;
      const vertex = vertexAt(shape.shape, at, reach(this.desk, mods));
      if (vertex) return { shape, vertex };
    }
    return null;
  }

  private inside(at: XY): XY { return within(at, this.desk.width, this.desk.height); }
}
