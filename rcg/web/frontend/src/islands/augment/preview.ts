// Asks for draws and takes them: one job at a time, the newest wish wins, and what was drawn once is shown at once.
import { ApiError, call, explain } from "../../lib/api";
import { listen } from "../../lib/live";
import type { Drawn, Preview, Recipe } from "./types";

interface Job { id: string; state: string; result: Preview | null; error: { detail?: string; hint?: string } | null }
export interface Wish { item: string; recipe: Recipe; seed: number; count: number }

const ENDED = new Set(["done", "failed", "cancelled", "dead"]);
const KEPT = 12;
const PATIENCE_MS = 1500;

export class Previewer {
  private readonly known = new Map<string, Preview>();
  private readonly waiting = new Map<string, (state: string) => void>();
  private readonly ended = new Map<string, string>();
  private wish: { key: string; body: Wish; layer: string; layers: string[] } | null = null;
  private busy = false;

  constructor(
    private readonly show: (preview: Preview) => void,
    private readonly tell: (state: "idle" | "drawing" | "waiting" | "refused", error?: ApiError) => void,
  ) {
    listen((event) => {
      const id = String(event.data["job_id"] ?? "");
      if (event.kind === "state") {
        const state = String(event.data["state"] ?? "");
        if (!ENDED.has(state)) return;
        this.ended.set(id, state);
        this.waiting.get(id)?.(state);
      }
      // Events were missed while the line was down: ask once how the awaited jobs stand.
      if (event.kind === "reset" || event.kind === "hello") for (const [job, done] of this.waiting) void this.look(job, done);
    });
  }

  private async look(job: string, done: (state: string) => void): Promise<void> {
    const row = await call<Job>("GET", `/api/jobs/${job}`).catch(() => null);
    if (row && ENDED.has(row.state)) done(row.state);
  }

  /** Draws `layer` first, then the other layers, so that switching is quick; forgets what was asked before. */
  want(body: Wish, layer: string, layers: string[]): void {
    const key = JSON.stringify(body);
    this.wish = { key, body, layer, layers };
    const known = this.known.get(key);
    if (known) this.show(known);
    if (!this.busy) void this.work();
  }

  private async work(): Promise<void> {
    this.busy = true;
    while (this.wish) {
      const wish = this.wish, known = this.known.get(wish.key);
      const missing = wish.layers.filter((name) => !known || !(name in known.before.images));
      if (!missing.length) break;
      const urgent = missing.includes(wish.layer);
      try {
        const result = await this.draw(wish.body, urgent ? [wish.layer] : missing, urgent);
        this.keep(wish.key, result);
        if (this.wish?.key === wish.key) { const merged = this.known.get(wish.key); if (merged) this.show(merged); }
      } catch (error) {
        if (this.wish === wish) { this.busy = false; this.wish = null; this.tell("refused", explain(error)); return; }
      }
    }
    this.busy = false;
    this.tell("idle");
  }

  private async draw(body: Wish, layers: string[], urgent: boolean): Promise<Preview> {
    if (urgent) this.tell("drawing");
    const job = await call<Job>("POST", "/api/recipes/preview", { item_id: body.item, recipe: body.recipe, seed: body.seed, count: body.count, layers });
    const slow = setTimeout(() => { if (urgent) this.tell("waiting"); }, PATIENCE_MS);
    const state = this.ended.get(job.id) ?? await new Promise<string>((resolve) => this.waiting.set(job.id, resolve));
    clearTimeout(slow);
    this.waiting.delete(job.id);
    this.ended.clear();
    const row = await call<Job>("GET", `/api/jobs/${job.id}`);
    if (state === "done" && row.result) return row.result;
    throw new ApiError(0, "not_drawn", row.error?.detail ?? `The drawing was ${row.state}.`, row.error?.hint ?? "Try again.");
  }

  private keep(key: string, result: Preview): void {
    const known = this.known.get(key);
    if (known) {
      const join = (mine: Drawn, more: Drawn | undefined): void => { Object.assign(mine.images, more?.images); };
      join(known.before, result.before);
      known.draws.forEach((draw, index) => join(draw, result.draws[index]));
      return;
    }
    this.known.set(key, result);
    const oldest = this.known.keys().next().value;
    if (this.known.size > KEPT && oldest !== undefined) this.known.delete(oldest);
  }
}
