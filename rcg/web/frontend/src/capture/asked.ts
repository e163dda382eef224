// What a person is asked to do while a light is waited for, and their answer.
import { call } from "../lib/api";
import type { LiveEvent } from "../lib/live";
import type { Session } from "./types";

interface Pending { seq: number; light: string | null; words: string }

export class Asked {
  pending: Pending | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;
  private heard = 0;  // how often an event or an answer told something; a look that began before it knows less

  constructor(private readonly changed: (pending: Pending | null) => void) {}

  /** Looks for a request while one may wait; the event tells at once, the look catches one that was missed. */
  watch(session: Session): void {
    if (session.rig?.acknowledged_by === "device") return;
    clearInterval(this.timer);
    this.timer = setInterval(() => void this.look(session), 1500);
  }

  private async look(session: Session): Promise<void> {
    const { heard } = this;
    const now = await call<{ pending: Pending | null }>("GET", `/api/rigs/${session.rig?.id}/light`).catch(() => null);
    if (now && heard === this.heard) this.set(now.pending);
  }

  done(): void { clearInterval(this.timer); this.told(null); }

  hear(event: LiveEvent, session: Session): void {
    const { type, rig, seq, light, words } = event.data as { type?: string; rig?: string; seq?: number; light?: string | null; words?: string };
    if (type === "light" && rig === session.rig?.id && seq !== undefined) this.told({ seq, light: light ?? null, words: words ?? "" });
    if (type === "lit" && rig === session.rig?.id) this.told(null);
  }

  async answer(session: Session): Promise<void> {
    const { pending } = this;
    if (!pending) return;
    this.told(null);
    await call("POST", `/api/rigs/${session.rig?.id}/ack`, { seq: pending.seq });
  }

  private told(pending: Pending | null): void { this.heard += 1; this.set(pending); }

  private set(pending: Pending | null): void {
    if (pending?.seq === this.pending?.seq) return;
    this.pending = pending;
    this.changed(pending);
  }
}
