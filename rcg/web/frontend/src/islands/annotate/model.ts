// The item's shapes in the page, and the log of steps: applied here at once, undone by what each step keeps.
import { type Annotation, type Edit, isReplay, type LabelState, newId, type Op, type Replay, type Sheet, type StepRef } from "./types";

/** What a step did or what takes it back: annotations to put at their place, and ids to drop. */
export interface Effect { put: { place: number; shape: Annotation }[]; drop: string[] }
interface Entry { op_id: string; words: string; do: Effect; undo: Effect; states: [LabelState, LabelState]; undone: boolean }

export class Model {
  labelState: LabelState;
  /** Raised by every change, for who draws. */
  version = 0;
  private readonly places = new Map<string, number>();
  private shapes = new Map<string, Annotation>();
  private last = 0;
  private log: Entry[] = [];
  private serverUndo: StepRef | null;
  private serverRedo: StepRef | null;
  private sorted: Annotation[] | null = null;

  constructor(sheet: Sheet) {
    this.labelState = sheet.label_state;
    this.serverUndo = sheet.undo;
    this.serverRedo = sheet.redo;
    for (const shape of sheet.annotations) this.put({ place: this.last + 1, shape });
  }

  /** Every shape, in order; the same list until something changes. */
  get list(): Annotation[] {
    this.sorted ??= [...this.shapes.values()].sort((a, b) => (this.places.get(a.id) ?? 0) - (this.places.get(b.id) ?? 0));
    return this.sorted;
  }

  get(id: string): Annotation | undefined { return this.shapes.get(id); }

  has(id: string): boolean { return this.shapes.has(id); }

  get waiting(): Annotation[] { return this.list.filter((shape) => shape.state === "predicted"); }

  /** Applies a step of one's own and keeps it. Returns false when there is nothing to do. */
  apply(op: Op): boolean {
    if (op.kind === "set_state") { this.labelState = op.label_state === "unlabelled" && this.waiting.length ? "predicted" : op.label_state; this.version++; return true; }
    if (isReplay(op)) return this.replay(op.kind, op.target);
    const effect = this.effectOf(op);
    if (!effect.do.put.length && !effect.do.drop.length) return false;
    const before = this.labelState, accepted = this.accepted();
    this.bring(effect.do);
    this.labelState = stateAfter(before, accepted, this.accepted(), this.waiting.length);
    this.log = this.log.filter((entry) => !entry.undone);
    this.serverRedo = null;
    this.log.push({ op_id: op.op_id, words: WORDS[op.kind], ...effect, states: [before, this.labelState], undone: false });
    return true;
  }

  /** The step that undo or redo would take: what this page knows it can do at once, `here`; for older ones the server answers. */
  next(kind: "undo" | "redo"): { op: Replay; words: string; here: boolean } | null {
    const done = this.log.filter((entry) => !entry.undone).at(-1), undone = this.log.find((entry) => entry.undone);
    const step = (target: string, words: string, here: boolean): { op: Replay; words: string; here: boolean } => ({ op: { op_id: newId(), kind, target }, words, here });
    if (kind === "undo") return done ? step(done.op_id, done.words, true) : this.serverUndo ? step(this.serverUndo.op_id, this.serverUndo.words, false) : null;
    if (this.serverRedo) return step(this.serverRedo.op_id, this.serverRedo.words, false);
    return undone ? step(undone.op_id, undone.words, true) : null;
  }

  /** Takes in what can be undone on the server, once nothing of this page waits any more. */
  reached(undo: StepRef | null, redo: StepRef | null): void {
    const mine = (ref: StepRef | null): boolean => ref !== null && this.log.some((entry) => entry.op_id === ref.op_id);
    if (!mine(undo)) this.serverUndo = undo;
    this.serverRedo = mine(redo) ? null : redo;
  }

  /** Takes in how the server's undo of a step from before this page left the shapes. */
  replayed(changed: Annotation[], removed: string[], state: LabelState): void {
    this.bring({ put: changed.map((shape) => ({ place: this.places.get(shape.id) ?? this.last + 1, shape })), drop: removed });
    this.labelState = state;
  }

  private effectOf(op: Edit): { do: Effect; undo: Effect } {
    const now = (id: string): { place: number; shape: Annotation }[] => { const shape = this.shapes.get(id); return shape ? [{ place: this.places.get(id) ?? 0, shape }] : []; };
    if (op.kind === "remove") { const there = op.ids.filter((id) => this.shapes.has(id)); return { do: { put: [], drop: there }, undo: { put: there.flatMap(now), drop: [] } }; }
    if (op.kind === "add") {
      const fresh = op.annotations.filter((shape) => !this.shapes.has(shape.id));
      return { do: { put: fresh.map((shape, i) => ({ place: this.last + 1 + i, shape })), drop: [] }, undo: { put: [], drop: fresh.map((shape) => shape.id) } };
    }
    const there = op.annotations.filter((shape) => this.shapes.has(shape.id));
    return { do: { put: there.map((shape) => ({ place: this.places.get(shape.id) ?? 0, shape })), drop: [] }, undo: { put: there.flatMap((shape) => now(shape.id)), drop: [] } };
  }

  private replay(kind: "undo" | "redo", target: string | null): boolean {
    const entry = this.log.find((one) => one.op_id === target);
    if (!entry || entry.undone !== (kind === "redo")) return false;
    const [was, becomes] = kind === "undo" ? [entry.states[1], entry.states[0]] : entry.states;
    this.bring(kind === "undo" ? entry.undo : entry.do);
    if (this.labelState === was) this.labelState = becomes;
    entry.undone = kind === "undo";
    return true;
  }

  private bring(effect: Effect): void {
    for (const id of effect.drop) { this.shapes.delete(id); }
    for (const one of effect.put) this.put(one);
    this.sorted = null;
    this.version++;
  }

  private put({ place, shape }: { place: number; shape: Annotation }): void {
    this.shapes.set(shape.id, shape);
    this.places.set(shape.id, place);
    this.last = Math.max(this.last, place);
  }

  private accepted(): number { return this.shapes.size - this.waiting.length; }
}

const WORDS = { add: "draw", change: "change", remove: "delete" } as const;

/** The label state after a step, as the server decides it (rcg/api/services/labels.py). */
export function stateAfter(before: LabelState, acceptedBefore: number, accepted: number, waiting: number): LabelState {
  if (before === "labelled") return before;
  if (waiting > 0) return "predicted";
  if (before === "predicted" || acceptedBefore === 0) return accepted > 0 ? "labelled" : "unlabelled";
  return before;
}

/**
 * Puts steps that were not sent yet on what somebody else has made of the item meanwhile: none of one's own work is lost.
 * @returns the model, the steps as they are to be sent now, and what the user has to know.
 */
export function rebase(sheet: Sheet, pending: Op[], known: string[] = []): { model: Model; ops: Op[]; notes: string[] } {
  const model = new Model(sheet), kept: Op[] = [], notes = new Set<string>();
  for (const op of collapse(pending.filter((one) => !known.includes(one.op_id)))) {
    if (isReplay(op)) {
      const next = model.next(op.kind);
      const fits = next?.op.target === op.target && !next?.here && !kept.length;
      if (fits) kept.push(op); else notes.add(`Your ${op.kind} no longer fits what was changed elsewhere and was left out.`);
    } else if (op.kind === "change") {
      const gone = op.annotations.filter((shape) => !model.has(shape.id)), there = op.annotations.filter((shape) => model.has(shape.id));
      if (gone.length) {
        notes.add(gone.length === 1 ? "A shape that you changed was deleted elsewhere; yours was put back." : `${gone.length} shapes that you changed were deleted elsewhere; yours were put back.`);
        take({ op_id: there.length ? newId() : op.op_id, kind: "add", annotations: gone });
      }
      if (there.length) take({ ...op, annotations: there });
    } else if (op.kind === "add") {
      const fresh = op.annotations.filter((shape) => !model.has(shape.id));
      if (fresh.length) take({ ...op, annotations: fresh });
    } else take(op);
  }
  function take(op: Op): void { if (model.apply(op)) kept.push(op); }
  return { model, ops: kept, notes: [...notes] };
}

/** Leaves out steps that were taken back before they were sent. */
function collapse(ops: Op[]): Op[] {
  let left = ops;
  for (const op of ops) {
    if (!isReplay(op) || !left.includes(op)) continue;
    const target = left.find((one) => one.op_id === op.target && one !== op);
    if (!target) continue;
    // Done and taken back: neither is sent. Done, taken back and done again: it is sent as it was.
    const steps = left.filter((one) => isReplay(one) && one.target === op.target);
    const done = steps.at(-1)?.kind === "redo";
    left = left.filter((one) => !steps.includes(one) && (done || one !== target));
  }
  return left;
}
