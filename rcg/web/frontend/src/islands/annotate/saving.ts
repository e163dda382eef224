// What comes back from the server: steps taken, refused, or to be put on what another tab has made of the item.
import { type ApiError, call } from "../../lib/api";
import { toast } from "../../lib/toast";
import { type Model, rebase } from "./model";
import { makeSender, type News, otherTabs, showStatus } from "./saved";
import type { Answer, Listener, Sender, Status } from "./sender";
import type { Session } from "./session";
import type { Op, Sheet } from "./types";

export interface Open { session(): Session | null; item(): string | null; replaced(): void }

export class Saving implements Listener {
  sender!: Sender;
  private stale = false;
  private readonly tell: (news: News) => void;

  private constructor(private readonly root: HTMLElement, private readonly open: Open) {
    this.tell = otherTabs((news) => { if (news.item === open.item() && news.revision > (this.sender.revision(news.item) ?? 0)) void this.resync(); });
  }

  static async start(root: HTMLElement, open: Open): Promise<Saving> {
    const saving = new Saving(root, open);
    await makeSender(saving, (sender) => { saving.sender = sender; });
    return saving;
  }

  status(status: Status): void {
    showStatus(this.root, status);
    if (status.state === "offline" && this.open.session()?.awaited) toast("Undoing what was done before this page opened needs the server; it follows when RCG answers.");
  }

  taken(item: string, answer: Answer, ops: Op[]): void {
    this.tell({ item, revision: answer.revision });
    const session = this.open.session();
    if (item !== this.open.item() || !session) return;
    const drained = this.sender.pending(item).length === 0;
    if (session.awaited && ops.includes(session.awaited)) {
      session.awaited = null;
      session.model.replayed(answer.changed, answer.removed, answer.label_state);
      // Steps that were made meanwhile may touch the same shapes: once all are there, the server's word counts.
      if (ops.length > 1 || !drained) this.stale = true;
    }
    if (drained && this.stale) { void this.resync(); return; }
    if (drained) { session.model.reached(answer.undo, answer.redo); this.open.replaced(); }
    session.select(session.chosen, session.vertex);
  }

  conflict(item: string, present: Sheet, known: string[], pending: Op[]): Op[] {
    const found = rebase(present, pending, known), session = this.open.session();
    if (item === this.open.item()) this.replace(found.model);
    if (session?.awaited && !found.ops.includes(session.awaited)) session.awaited = null;
    toast(found.notes.join(" ") || "This item was changed in another tab. Its shapes are here now, and yours are kept.", undefined, 8);
    return found.ops;
  }

  refused(item: string, op: Op, error: ApiError): void {
    toast(`A step could not be saved. ${error.detail} ${error.hint}`, undefined, 12);
    const session = this.open.session();
    if (item !== this.open.item() || !session) return;
    if (session.awaited === op) session.awaited = null;
    void this.resync();
  }

  /** Takes the item's state from the server once more, `always` or only when it is another; unsent steps stay on top. */
  async resync(always = true): Promise<void> {
    const item = this.open.item();
    if (!item || this.open.session()?.moving.length) return;
    const sheet = await call<Sheet>("GET", `/api/items/${item}/annotations`).catch(() => null);
    if (!sheet || item !== this.open.item() || (!always && sheet.revision === this.sender.revision(item))) return;
    this.stale = false;
    const pending = this.sender.pending(item);
    if (!pending.length) this.sender.knows(item, sheet.revision);
    this.replace(rebase(sheet, pending).model);
    this.open.replaced();
  }

  private replace(model: Model): void {
    const session = this.open.session();
    if (!session) return;
    model.version = session.model.version + 1;
    session.model = model;
    session.select(session.chosen, session.vertex);
  }

  /** Waits until everything is sent, but no longer than some time, and not while the server does not answer. */
  async drained(milliseconds: number): Promise<void> {
    const end = performance.now() + milliseconds;
    while (this.sender.status.waiting && this.sender.status.state !== "offline" && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 30));
  }
}
