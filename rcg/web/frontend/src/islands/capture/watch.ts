// A folder that the server watches for the session on the desk: begun, shown and ended here.
import { type Session, isOpen, lightWord } from "../../capture/types";
import { call, explain } from "../../lib/api";
import { h, one } from "../../lib/dom";
import type { LiveEvent } from "../../lib/live";

interface Note { file_name: string; light: string | null; words: string }
interface Watched { folder: string; active: boolean; ignored: number; arriving: number; words: string; problem: string | null; notes: Note[] }

export class FolderPanel {
  private watched: Watched | null = null;
  private session: Session | null = null;

  constructor(private readonly root: HTMLElement, turned: (session: Session) => void) {
    one("[data-watch-begin]", root)?.addEventListener("click", () => void this.change("PUT", { folder: one<HTMLSelectElement>("[data-folder]", root)?.value, existing: one<HTMLInputElement>("[data-existing]", root)?.checked ?? false }));
    one("[data-watch-end]", root)?.addEventListener("click", () => void this.change("DELETE"));
    one("[data-turn]", root)?.addEventListener("click", () => void call<Session>("POST", `/api/capture/sessions/${this.session?.id}/side`, {}).then(turned).catch((error: unknown) => this.trouble(explain(error).detail)));
  }

  /** Shows the session's watch, if it has one. */
  show(session: Session | null): void {
    const another = session?.id !== this.session?.id;
    this.session = session;
    if (another) {
      this.watched = null;
      if (session && isOpen(session)) void call<Watched>("GET", `/api/capture/sessions/${session.id}/watch`).then((watched) => { this.watched = watched; this.draw(); }).catch(() => undefined);
    }
    this.draw();
  }

  hear(event: LiveEvent): void {
    if (event.kind !== "capture" || event.data["type"] !== "watch" || event.data["session"] !== this.session?.id) return;
    this.watched = event.data["watch"] as Watched;
    this.draw();
  }

  private async change(method: "PUT" | "DELETE", body?: unknown): Promise<void> {
    try {
      const path = `/api/capture/sessions/${this.session?.id}/watch`;
      this.watched = method === "PUT" ? await call<Watched>(method, path, body) : (await call<unknown>(method, path), null);
      this.draw();
    } catch (error) {
      const known = explain(error);
      this.trouble(`${known.detail} ${known.hint}`);
    }
  }

  private trouble(words: string): void {
    const place = one("[data-watch-problem]", this.root);
    if (!place) return;
    place.hidden = !words;
    place.textContent = words;
  }

  private draw(): void {
    const { root, session, watched } = this;
    const hide = (selector: string, hidden: boolean): void => { const element = one(selector, root); if (element) element.hidden = hidden; };
    const active = watched?.active ?? false;
    root.hidden = !session || (!isOpen(session) && !watched);
    hide("[data-watch-choose]", active);
    hide("[data-watch-about]", active);
    hide("[data-watch-begin]", active || !session || !isOpen(session));
    hide("[data-watch-end]", !active);
    hide("[data-turn]", !active || !session || session.missing.length > 0 || !session.next_side);
    const says = one("[data-watch-says]", root);
    const words = watched ? [watched.words, watched.arriving ? `${watched.arriving} on the way.` : "", watched.ignored && active ? `${watched.ignored} files lay there before; they are left alone.` : ""].filter(Boolean).join(" ") : "";
    if (says && says.textContent !== words) says.textContent = words;
    this.trouble(watched?.problem ?? "");
    one("[data-watch-notes]", root)?.replaceChildren(...[...(watched?.notes ?? [])].reverse().map((note) => h("li", {}, h("code", {}, note.file_name), " ", note.light === null ? h("span", { class: "bad" }, `left aside. ${note.words}`) : lightWord(note.light))));
  }
}
