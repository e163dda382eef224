// Steps on their way to the server: kept in the browser until the server has them, sent in order, each applied once there.
import type { ApiError } from "../../lib/api";
import type { Annotation, LabelState, Op, Sheet, StepRef } from "./types";

export interface Waiting { key: string; item: string; op: Op }
export interface Store { put(entry: Waiting): Promise<void>; remove(keys: string[]): Promise<void> }
export interface Answer { revision: number; label_state: LabelState; applied: number; changed: Annotation[]; removed: string[]; undo: StepRef | null; redo: StepRef | null }
export interface Status { state: "saved" | "saving" | "offline"; waiting: number; problem: string }
export interface Listener {
  status(status: Status): void;
  taken(item: string, answer: Answer, ops: Op[]): void;
  /** The item was changed elsewhere: returns the steps to send on its present state. */
  conflict(item: string, present: Sheet, known: string[], pending: Op[]): Op[];
  refused(item: string, op: Op, error: ApiError): void;
}
export interface Post { (item: string, base: number | null, ops: Op[]): Promise<Answer> }
export interface Clock { later(run: () => void, milliseconds: number): () => void }

const AT_ONCE = 100, BYTES = 8_000_000;
const WAITS = [500, 1000, 2000, 4000, 8000, 15_000];

/** Sends what waits, item after item. It knows each item's revision as the server last told it. */
export class Sender {
  private queue: Waiting[] = [];
  private readonly revisions = new Map<string, number>();
  private busy = false;
  private failures = 0;
  private problem = "";
  private alone = 0;  // how many steps are sent one by one, to find the one that is refused
  private stopWaiting: (() => void) | null = null;
  private count = 0;

  constructor(private readonly store: Store, private readonly post: Post, private readonly listener: Listener, private readonly clock: Clock, private readonly name: string) {}

  get status(): Status {
    const waiting = this.queue.length;
    return { state: this.problem ? "offline" : waiting ? "saving" : "saved", waiting, problem: this.problem };
  }

  pending(item: string): Op[] { return this.queue.filter((entry) => entry.item === item).map((entry) => entry.op); }

  knows(item: string, revision: number): void { this.revisions.set(item, revision); }

  revision(item: string): number | null { return this.revisions.get(item) ?? null; }

  /** Takes a step: first into the browser's own store, then to the server. */
  push(item: string, op: Op): void {
    const entry = { key: `${this.name}:${String(this.count++).padStart(8, "0")}`, item, op };
    this.queue.push(entry);
    this.listener.status(this.status);
    // Whether the store fails or not: the step is sent. A private window, for one, may have no store.
    void this.store.put(entry).catch(() => undefined).then(() => this.pump());
  }

  /** Takes over what an earlier page of this browser could not send. */
  adopt(entries: Waiting[]): void {
    this.queue.unshift(...entries);
    if (entries.length) { this.listener.status(this.status); void this.pump(); }
  }

  /** Tries again at once, for example when the browser says that it is back on the network. */
  again(): void {
    this.stopWaiting?.();
    this.stopWaiting = null;
    void this.pump();
  }

  async pump(): Promise<void> {
    if (this.busy || this.stopWaiting || !this.queue.length) return;
    this.busy = true;
    const batch = this.batch();
    const item = (batch[0] as Waiting).item;
    try {
      const answer = await this.post(item, this.revisions.get(item) ?? null, batch.map((entry) => entry.op));
      this.revisions.set(item, answer.revision);
      this.failures = 0;
      this.problem = "";
      await this.forget(batch);
      this.listener.taken(item, answer, batch.map((entry) => entry.op));
    } catch (error) {
      await this.failed(item, batch, error as ApiError);
    }
    this.busy = false;
    this.listener.status(this.status);
    void this.pump();
  }

  private batch(): Waiting[] {
    const item = this.queue[0]?.item, found: Waiting[] = [];
    let bytes = 0;
    const most = this.alone > 0 ? 1 : AT_ONCE;
    for (const entry of this.queue) {
      bytes += JSON.stringify(entry.op).length;
      if (entry.item !== item || found.length >= most || (found.length && bytes > BYTES)) break;
      found.push(entry);
    }
    this.alone = Math.max(0, this.alone - 1);
    return found;
  }

  private async forget(batch: Waiting[]): Promise<void> {
    this.queue = this.queue.filter((entry) => !batch.includes(entry));
    await this.store.remove(batch.map((entry) => entry.key)).catch(() => undefined);
  }

  private async failed(item: string, batch: Waiting[], error: ApiError): Promise<void> {
    const present = error.data as (Sheet & { known?: string[] }) | null;
    if (error.status === 409 && present?.annotations) { await this.conflict(item, present); return; }
    const lasting = error.status >= 400 && error.status < 500 && ![401, 408, 429].includes(error.status);
    if (!lasting) {
      this.problem = error.status === 0 ? "offline" : error.detail;
      const wait = WAITS[Math.min(this.failures++, WAITS.length - 1)] as number;
      this.stopWaiting = this.clock.later(() => { this.stopWaiting = null; void this.pump(); }, wait);
      return;
    }
    if (batch.length > 1) { this.alone = batch.length; return; }
    await this.forget(batch);
    this.listener.refused(item, (batch[0] as Waiting).op, error);
  }

  private async conflict(item: string, present: Sheet & { known?: string[] }): Promise<void> {
    this.revisions.set(item, present.revision);
    this.failures = 0;
    this.problem = "";
    const mine = this.queue.filter((entry) => entry.item === item);
    const ops = this.listener.conflict(item, present, present.known ?? [], mine.map((entry) => entry.op));
    const again = ops.map((op): Waiting => ({ key: `${this.name}:${String(this.count++).padStart(8, "0")}`, item, op }));
    this.queue = [...again, ...this.queue.filter((entry) => entry.item !== item)];
    // The new ones are in the store before the old ones leave it: what is killed in between is sent twice and applied once.
    for (const entry of again) await this.store.put(entry).catch(() => undefined);
    await this.store.remove(mine.map((entry) => entry.key)).catch(() => undefined);
  }
}
