// The recipe being edited: its steps in two groups, its former states, and a draft that survives a reload.
import type { Op, Recipe, Step, Value } from "./types";

const DEPTH = 200;

export class Model {
  private past: string[] = [];
  private future: string[] = [];
  private saved: string;
  private last = 0;
  private readonly listeners = new Set<() => void>();

  constructor(public recipe: Recipe, readonly ops: Map<string, Op>, private readonly key: string, isSaved: boolean) {
    this.recipe = this.grouped(recipe);
    this.saved = isSaved ? this.text() : "";
  }

  onChange(listener: () => void): void { this.listeners.add(listener); }

  text(): string { return JSON.stringify(this.recipe); }
  get dirty(): boolean { return this.text() !== this.saved; }
  get canUndo(): boolean { return this.past.length > 0; }
  get canRedo(): boolean { return this.future.length > 0; }

  moves(step: Step): boolean { return this.ops.get(step.op)?.moves ?? false; }

  /** Moves first: that is the order in which they are done. */
  private grouped(recipe: Recipe): Recipe {
    return { ...recipe, steps: [...recipe.steps.filter((step) => this.moves(step)), ...recipe.steps.filter((step) => !this.moves(step))] };
  }

  /** Changes the recipe; many small changes of one thing (a slider) make one step of undo. */
  change(edit: (recipe: Recipe) => void, gentle = false): void {
    const before = this.text(), now = Date.now();
    edit(this.recipe);
    this.recipe = this.grouped(this.recipe);
    if (this.text() === before) return;
    if (!gentle || now - this.last > 800) this.past.push(before);
    if (this.past.length > DEPTH) this.past.shift();
    this.last = gentle ? now : 0;
    this.future = [];
    this.told();
  }

  undo(): void { this.step(this.past, this.future); }
  redo(): void { this.step(this.future, this.past); }

  private step(from: string[], to: string[]): void {
    const state = from.pop();
    if (state === undefined) return;
    to.push(this.text());
    this.recipe = JSON.parse(state) as Recipe;
    this.last = 0;
    this.told();
  }

  add(op: Op): number {
    const step: Step = { op: op.name, p: op.p, on: true };
    for (const parameter of op.parameters) step[parameter.name] = parameter.default;
    this.change((recipe) => recipe.steps.push(step));
    return this.recipe.steps.indexOf(step);
  }

  set(index: number, name: string, value: Value, gentle = false): void {
    this.change((recipe) => { const step = recipe.steps[index]; if (step) step[name] = value; }, gentle);
  }

  remove(index: number): void { this.change((recipe) => recipe.steps.splice(index, 1)); }

  /** Moves a step one place up or down within its group; returns its new index. */
  shift(index: number, by: -1 | 1): number {
    const steps = this.recipe.steps, one = steps[index], other = steps[index + by];
    if (!one || !other || this.moves(one) !== this.moves(other)) return index;
    this.change((recipe) => { recipe.steps[index] = other; recipe.steps[index + by] = one; });
    return index + by;
  }

  wasSaved(): void { this.saved = this.text(); this.told(); }

  private told(): void {
    try {
      if (this.dirty) localStorage.setItem(this.key, this.text());
      else localStorage.removeItem(this.key);
    } catch { /* a full or forbidden store costs the draft, nothing else */ }
    for (const listener of this.listeners) listener();
  }

  forgetDraft(): void { try { localStorage.removeItem(this.key); } catch { /* none was kept */ } }

  /** Takes up what a former visit left unsaved; returns whether there was something. */
  restore(): boolean {
    let kept: string | null = null;
    try { kept = localStorage.getItem(this.key); } catch { return false; }
    if (!kept || kept === this.text()) return false;
    try {
      const recipe = JSON.parse(kept) as Recipe;
      if (!Array.isArray(recipe.steps) || !recipe.steps.every((step) => this.ops.has(step.op))) return false;
      this.change((mine) => Object.assign(mine, recipe));
      return true;
    } catch { return false; }
  }
}

/** A step's parameters in a few words: "rotation 5°, stretch 5 %". */
export function brief(step: Step, op: Op): string {
  const words: string[] = [];
  for (const parameter of op.parameters) {
    const value = step[parameter.name], title = parameter.title.toLowerCase();
    if (parameter.type === "number" && typeof value === "number" && value !== 0) words.push(`${op.parameters.length > 1 ? `${title} ` : ""}${shown(value)}${parameter.unit === "°" ? "" : "\u2009"}${parameter.unit}`);
    else if (parameter.type === "choice") words.push(op.parameters.length > 1 ? `${title} ${String(value)}` : String(value));
    else if (parameter.type === "flag" && value === true) words.push(title);
  }
  return words.join(", ");
}

export function shown(value: number): string {
  return String(Number(value.toFixed(3)));
}
