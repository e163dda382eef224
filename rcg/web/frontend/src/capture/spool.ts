// Frames on their way: in the phone's own database until the server has confirmed their hash. A reload, a lost network or
// a restart of the server loses none, and what is sent twice is taken once.
import type { ApiError } from "../lib/api";
import type { Mode, Quality, Session, Side } from "./types";

export interface FrameMeta {
  side: Side; mode: Mode; taken_at: number; width: number; height: number;
  settings: Record<string, unknown>; held: string[]; quality: Quality; thumbnail: string | null;
}
export interface Entry { sha256: string; session: string; light: string; bytes: ArrayBuffer; type: string; meta: FrameMeta; at: number }
export interface Store { all(): Promise<Entry[]>; put(entry: Entry): Promise<void>; remove(sha256: string): Promise<void> }
export interface Taken { sha256: string; kept: boolean; changed: boolean; session: Session }
export interface Send { (entry: Entry): Promise<Taken> }
export interface Listener {
  /** How many wait, and why they do. */
  waiting(entries: Entry[], problem: string): void;
  taken(entry: Entry, answer: Taken): void;
  /** The server will never take it: it says why. */
  refused(entry: Entry, error: ApiError): void;
}

const WAITS = [500, 1000, 2000, 4000, 8000, 15_000];
const LASTING = new Set([403, 404, 409, 413, 422]);

export class Spool {
  private entries: Entry[] = [];
  private busy: Promise<void> | null = null;
  private failures = 0;
  private problem = "";
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly store: Store, private readonly send: Send, private readonly listener: Listener) {}

  /** Takes up what an earlier page left. */
  async open(): Promise<void> {
    this.entries = (await this.store.all()).sort((one, other) => one.at - other.at);
    this.tell();
    void this.flush();
  }

  of(session: string, side: Side): Entry[] {
    return this.entries.filter((entry) => entry.session === session && entry.meta.side === side);
  }

  get size(): number { return this.entries.length; }

  /** Keeps a frame, in place of an older one of the same light that has not left yet. Returns when it is on the disk. */
  async add(entry: Entry): Promise<void> {
    await this.store.put(entry);
    const older = this.entries.filter((one) => one.session === entry.session && one.light === entry.light && one.meta.side === entry.meta.side && one.sha256 !== entry.sha256);
    this.entries = [...this.entries.filter((one) => !older.includes(one) && one.sha256 !== entry.sha256), entry];
    for (const one of older) await this.store.remove(one.sha256);
    this.tell();
    void this.flush();
  }

  /** Sends all that waits, now; resolves when nothing waits or something stands in the way. */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.busy ??= this.run().finally(() => {
      this.busy = null;
      if (this.entries.length && !this.problem) void this.flush();  // one came while the last was being told of
    });
    return this.busy;
  }

  private async run(): Promise<void> {
    for (let entry = this.entries[0]; entry; entry = this.entries[0]) {
      try {
        const answer = await this.send(entry);
        if (answer.sha256 !== entry.sha256) throw new Error("the server confirmed another file");
        this.failures = 0;
        this.problem = "";
        await this.forget(entry);
        this.listener.taken(entry, answer);
      } catch (error) {
        const known = error as Partial<ApiError>;
        if (known.status !== undefined && LASTING.has(known.status)) {
          await this.forget(entry);
          this.listener.refused(entry, error as ApiError);
          continue;
        }
        this.problem = known.status ? known.detail ?? String(error) : "No connection to RCG";
        this.tell();
        this.timer = setTimeout(() => void this.flush(), WAITS[Math.min(this.failures++, WAITS.length - 1)]);
        return;
      }
    }
  }

  private async forget(entry: Entry): Promise<void> {
    await this.store.remove(entry.sha256);
    this.entries = this.entries.filter((one) => one !== entry);
    this.tell();
  }

  private tell(): void { this.listener.waiting(this.entries, this.problem); }
}
