// What a person is asked to do while a light is waited for, and their answer.
import { call } from "../lib/api";
import type { LiveEvent } from "../lib/live";
import type { Session } from "./types";

interface Pending { seq: number; light: string | null; words: string }

export class Asked {
  pending: Pending | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(private readonly changed: (pending: Pending | null) => void) {}

  /** Looks for a request while one may wait; the event tells at once, the look catches one that was missed. */
  watch(session: Session): void {
    if (session.rig?.acknowledged_by === "device") return;
    clearInterval(this.timer);
    this.timer = setInterval(() => void call<{ pending: Pending | null }>("GET", `/api/rigs/${session.rig?.id}/light`).then((now) => this.set(now.pending)).catch(() => undefined), 1500);
  }

  done(): void { clearInterval(this.timer); this.set(null); }

  hear(event: LiveEvent, session: Session): void {
    const { type, rig, seq, light, words } = event.data as { type?: string; rig?: string; seq?: number; light?: string | null; words?: string };
    if (type === "light" && rig === session.rig?.id && seq !== undefined) this.set({ seq, light: light ?? null, words: words ?? "" });
    if (type === "lit" && rig === session.rig?.id) this.set(null);
  }

  async answer(session: Session): Promise<void> {
    const { pending } = this;
    if (!pending) return;
    this.set(null);
    await call("POST", `/api/rigs/${session.rig?.id}/ack`, { seq: pending.seq });
  }

  private set(pending: Pending | null): void {
    if (pending?.seq === this.pending?.seq) return;
    this.pending = pending;
    this.changed(pending);
  }
}
