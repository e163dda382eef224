// One item under work: what is shown and chosen, and every action on it. Knows no document; the page draws what it tells.
import { deleteVertex, extent, handles, insertVertex, moveVertex, rings, translate, turnCorners, type Vertex } from "./geometry";
import type { Model } from "./model";
import { polygonOf } from "./rle";
import { crossesItself, round, smoothStairs } from "./ring";
import type { Desk } from "./tools/tool";
import { type Annotation, type LabelSchema, newId, type Op, type Polygon, type Ring, type Shape, type ToolName, type Value, type XY } from "./types";

/** What stays from item to item. */
export interface Habits { label: string; tool: ToolName; threshold: number; hidden: boolean }
export interface Host { send(op: Op): void; changed(): void; say(text: string): void; useTool(name: ToolName): void }
const STAIRS = 0.5;  // px that a mask's outline may leave out when its steps are laid into slopes

export class Session implements Desk {
  chosen: string[] = [];
  vertex: Vertex | null = null;
  scale = 1;
  /** Shapes that keys are moving, not yet a step. */
  moving: Annotation[] = [];
  private seen: { key: string; list: Annotation[] } = { key: "", list: [] };

  constructor(readonly schema: LabelSchema, readonly size: { width: number; height: number }, public model: Model, readonly habits: Habits, private readonly host: Host) {}

  get width(): number { return this.size.width; }
  get height(): number { return this.size.height; }
  get label(): string { return this.habits.label; }

  /** What is drawn: accepted shapes, and predictions of at least the threshold. The same list until something changes. */
  get shown(): Annotation[] {
    const key = `${this.model.version}|${this.habits.threshold}|${this.habits.hidden}`;
    if (this.seen.key !== key) this.seen = { key, list: this.habits.hidden ? [] : this.model.list.filter((one) => this.passes(one)) };
    return this.seen.list;
  }

  get selection(): Annotation[] { return this.chosen.map((id) => this.model.get(id)).filter((one) => one !== undefined); }

  /** Predictions that wait and are shown. */
  get waiting(): Annotation[] { return this.model.waiting.filter((one) => this.passes(one)); }

  private passes(one: Annotation): boolean { return one.state === "accepted" || one.score === null || one.score >= this.habits.threshold; }

  say(text: string): void { this.host.say(text); }

  // Choosing

  select(ids: string[], vertex: Vertex | null = null): void {
    this.settle();
    this.chosen = ids.filter((id) => this.model.has(id));
    this.vertex = this.chosen.length === 1 ? vertex : null;
    this.host.changed();
  }

  selectAll(): void { this.select(this.shown.map((one) => one.id)); }

  /** The next or previous shape that is shown. */
  step(by: number): void {
    const list = this.shown;
    if (!list.length) return;
    const at = list.findIndex((one) => one.id === this.chosen[0]), next = list[(at < 0 ? (by > 0 ? 0 : list.length - 1) : at + by + list.length) % list.length];
    if (next) this.select([next.id]);
  }

  stepVertex(by: number): void {
    const [only] = this.selection;
    if (!only || this.chosen.length > 1) return;
    const all = handles(only.shape), now = all.findIndex(({ vertex }) => vertex.ring === this.vertex?.ring && vertex.index === this.vertex.index);
    const next = all[(now < 0 ? (by > 0 ? 0 : all.length - 1) : now + by + all.length) % all.length];
    if (next) this.select([only.id], next.vertex);
  }

  /** A class for what is drawn next; with the select tool, for what is selected. */
  setClass(name: string): void {
    const known = this.schema.classes.find((one) => one.name === name);
    if (!known) return;
    this.habits.label = name;
    if (this.habits.tool === "select" && this.chosen.length) this.change(this.selection.map((one) => ({ ...one, label: name, attributes: this.fitting(one.attributes, name) })));
    else if (this.habits.tool !== known.tool) this.host.useTool(known.tool);
    this.host.changed();
  }

  private fitting(values: Record<string, Value>, label: string): Record<string, Value> {
    const unfit = new Set(this.schema.attributes.filter((one) => one.classes.length && !one.classes.includes(label)).map((one) => one.name));
    return Object.fromEntries(Object.entries(values).filter(([name]) => !unfit.has(name)));
  }

  // Steps

  commit(op: Op): boolean {
    if (!this.model.apply(op)) return false;
    this.host.send(op);
    this.chosen = this.chosen.filter((id) => this.model.has(id));
    if (this.vertex && !this.fitsVertex()) this.vertex = null;
    this.host.changed();
    return true;
  }

  private fitsVertex(): boolean {
    const [only] = this.selection;
    return only !== undefined && handles(only.shape).some(({ vertex }) => vertex.ring === this.vertex?.ring && vertex.index === this.vertex.index);
  }

  /** Undo or redo; steps from before this page opened are taken back by the server, which `awaited` names. */
  awaited: Op | null = null;
  replay(kind: "undo" | "redo"): void {
    this.settle();
    if (this.awaited) return;
    const next = this.model.next(kind);
    if (!next) { this.host.say(kind === "undo" ? "There is nothing to undo here." : "There is nothing to do again."); return; }
    if (next.here) { this.commit(next.op); return; }
    this.awaited = next.op;
    this.host.send(next.op);
    this.host.changed();
  }

  add(shape: Shape): void {
    const made: Annotation = { id: newId(), label: this.habits.label, shape, attributes: {}, crowd: false, source: "person", state: "accepted", score: null, model: null, extra: {} };
    this.commit({ op_id: newId(), kind: "add", annotations: [made] });
    this.select([made.id]);
  }

  /** A prediction that a person changes is a person's from then on; the model's name stays with it. */
  change(shapes: Annotation[]): void {
    const changed = shapes.filter((one) => one !== this.model.get(one.id)).map((one): Annotation => (one.state === "predicted" ? { ...one, state: "accepted", source: "person", score: null } : one));
    if (changed.length) this.commit({ op_id: newId(), kind: "change", annotations: changed });
  }

  remove(ids: string[]): void { if (ids.length) this.commit({ op_id: newId(), kind: "remove", ids }); }

  /** Takes the chosen point away, else the selected shapes. */
  erase(): void {
    const [only] = this.selection;
    if (only && this.vertex && (only.shape.type === "polygon" || only.shape.type === "points")) {
      const left = deleteVertex(only.shape, this.vertex);
      if (left) this.change([{ ...only, shape: left }]); else this.remove([only.id]);
    } else this.remove([...this.chosen]);
  }

  /** Puts a point after the chosen one, in the middle of the side. */
  insert(): void {
    const [only] = this.selection;
    if (only?.shape.type !== "polygon") { this.host.say("Points are put into polygons. Select one, and a point of it with E."); return; }
    const at = this.vertex ?? { ring: 0, index: 0 }, ring = rings(only.shape)[at.ring] ?? [];
    const [a, b] = [ring[at.index], ring[(at.index + 1) % ring.length]];
    if (!a || !b) return;
    this.change([{ ...only, shape: insertVertex(only.shape, at, [round((a[0] + b[0]) / 2), round((a[1] + b[1]) / 2)]) }]);
    this.select([only.id], { ring: at.ring, index: at.index + 1 });
  }

  /** Moves what is chosen by some pixels. One press or many in a row are one step, see `settle`. */
  nudge(dx: number, dy: number): void {
    if (!this.moving.length) this.moving = this.selection.filter((one) => one.shape.type !== "mask");
    this.moving = this.moving.map((one) => ({ ...one, shape: this.nudged(one.shape, dx, dy) }));
    this.host.changed();
  }

  private nudged(shape: Shape, dx: number, dy: number): Shape {
    const held = this.vertex && handles(shape).find(({ vertex }) => vertex.ring === this.vertex?.ring && vertex.index === this.vertex.index);
    if (!held) return translate(shape, dx, dy, this.width, this.height);
    const to: XY = [Math.min(this.width, Math.max(0, round(held.at[0] + dx))), Math.min(this.height, Math.max(0, round(held.at[1] + dy)))];
    return moveVertex(shape, held.vertex, to);
  }

  /** Makes a step of what keys have moved. */
  settle(): void {
    const moved = this.moving;
    this.moving = [];
    if (moved.length) this.change(moved);
  }

  duplicate(): void {
    const by = 12 / this.scale, chosen = this.selection;
    if (!chosen.length) return;
    this.put(chosen.map((one) => ({ ...one, shape: translate(one.shape, by, by, this.width, this.height) })));
  }

  /** Puts copies of shapes of another item here; of another size, they are scaled along. */
  paste(shapes: Annotation[], from: { width: number; height: number }): number {
    const [sx, sy] = [this.width / from.width, this.height / from.height];
    const fitting = shapes.filter((one) => one.state === "accepted" && (one.shape.type !== "mask" || (sx === 1 && sy === 1)) && this.schema.classes.some((each) => each.name === one.label));
    if (fitting.length) this.put(fitting.map((one) => (sx === 1 && sy === 1 ? one : { ...one, shape: scaled(one.shape, sx, sy) })));
    return fitting.length;
  }

  private put(shapes: Annotation[]): void {
    const copies = shapes.map((one): Annotation => ({ ...one, id: newId(), source: "person", state: "accepted", score: null, model: null, extra: {} }));
    this.commit({ op_id: newId(), kind: "add", annotations: copies });
    this.select(copies.map((one) => one.id));
  }

  setAttribute(name: string, value: Value): void {
    this.change(this.selection.map((one) => {
      const attributes = { ...one.attributes };
      if (value === null || value === "") delete attributes[name]; else attributes[name] = value;
      return { ...one, attributes };
    }));
  }

  /** Boxes, quads and masks become polygons, whose points can be moved. */
  toPolygon(): void {
    const turned: Annotation[] = [];
    for (const one of this.selection) { const shape = asPolygon(one.shape); if (shape) turned.push({ ...one, shape }); }
    if (!turned.length) { this.host.say("Select a mask, a box or a quad; polygons and points stay as they are."); return; }
    this.change(turned);
    const [only] = turned;
    if (only && turned.length === 1) this.host.say(`A polygon of ${handles(only.shape).length} points.`);
  }

  /** Makes the next corner of a quad the card's top left one. */
  turn(): void {
    const quads = this.selection.flatMap((one) => (one.shape.type === "quad" ? [{ ...one, shape: turnCorners(one.shape) }] : []));
    if (quads.length) this.change(quads); else this.host.say("Select a card quad; its corners take each other's names in turn.");
  }

  /** Seen, or hidden under something: of the chosen point. */
  toggleHidden(): void {
    const [only] = this.selection;
    if (only?.shape.type !== "points" || !this.vertex) { this.host.say("Choose a point first."); return; }
    const points = only.shape.points.map((point, i) => (i === this.vertex?.index ? { ...point, visible: point.visible === 2 ? 1 as const : 2 as const } : point));
    this.change([{ ...only, shape: { ...only.shape, points } }]);
  }

  // Predictions

  /** Accepts the selected predictions, else goes to the next one that waits. */
  accept(): void {
    const chosen = this.selection.filter((one) => one.state === "predicted");
    if (chosen.length) this.judge(chosen, true); else this.nextWaiting();
  }

  reject(): void {
    const chosen = this.selection.filter((one) => one.state === "predicted");
    if (chosen.length) this.judge(chosen, false); else this.nextWaiting();
  }

  acceptAll(): number { const all = this.waiting; if (all.length) this.judge(all, true); return all.length; }

  rejectAll(all = this.waiting): number { if (all.length) this.judge(all, false); return all.length; }

  private judge(shapes: Annotation[], right: boolean): void {
    const after = this.after(shapes);
    if (right) this.commit({ op_id: newId(), kind: "change", annotations: shapes.map((one) => ({ ...one, state: "accepted" })) });
    else this.remove(shapes.map((one) => one.id));
    this.select(after ? [after] : []);
  }

  private after(shapes: Annotation[]): string | null {
    const ids = new Set(shapes.map((one) => one.id)), waiting = this.waiting, last = waiting.findLastIndex((one) => ids.has(one.id));
    return [...waiting.slice(last + 1), ...waiting.slice(0, last + 1)].find((one) => !ids.has(one.id))?.id ?? null;
  }

  nextWaiting(): void {
    const waiting = this.waiting, at = waiting.findIndex((one) => one.id === this.chosen[0]), next = waiting[(at + 1) % Math.max(1, waiting.length)];
    if (next) this.select([next.id]); else this.host.say("No suggestion waits here.");
  }

  /** The box round what is selected, null when nothing is. */
  get around(): { left: number; top: number; right: number; bottom: number } | null {
    const boxes = this.selection.map((one) => extent(one.shape));
    if (!boxes.length) return null;
    return { left: Math.min(...boxes.map((b) => b.left)), top: Math.min(...boxes.map((b) => b.top)), right: Math.max(...boxes.map((b) => b.right)), bottom: Math.max(...boxes.map((b) => b.bottom)) };
  }
}

export function asPolygon(shape: Shape): Polygon | null {
  if (shape.type === "box" || shape.type === "quad") return { type: "polygon", parts: [{ outer: (rings(shape)[0] as Ring).map(([x, y]) => [x, y]), holes: [] }] };
  const exact = shape.type === "mask" ? polygonOf(shape) : null;
  if (!exact) return null;
  const smooth = (ring: Ring): Ring => { const found = smoothStairs(ring, STAIRS); return found.length < 1500 && crossesItself(found) ? ring : found; };
  return { type: "polygon", parts: exact.parts.map((part) => ({ outer: smooth(part.outer), holes: part.holes.map(smooth) })) };
}

function scaled(shape: Shape, sx: number, sy: number): Shape {
  const at = ([x, y]: XY): XY => [round(x * sx), round(y * sy)];
  if (shape.type === "box") { const [x, y] = at([shape.x, shape.y]), [width, height] = at([shape.width, shape.height]); return { type: "box", x, y, width, height }; }
  if (shape.type === "quad") { const [a, b, c, d] = shape.corners; return { type: "quad", corners: [at(a), at(b), at(c), at(d)] }; }
  if (shape.type === "polygon") return { type: "polygon", parts: shape.parts.map((part) => ({ outer: part.outer.map(at), holes: part.holes.map((hole) => hole.map(at)) })) };
  if (shape.type === "points") return { type: "points", points: shape.points.map((point) => { const [x, y] = at([point.x, point.y]); return { ...point, x, y }; }), box: null };
  return shape;
}
