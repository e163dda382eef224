// Files on their way into a dataset: some at a time, each with its own progress, its own answer, and another try.
import { explain, send } from "../../lib/api";
import { h, icon, one } from "../../lib/dom";
import { bytes } from "../../lib/time";
import type { Chosen } from "../../upload";

interface Answer { file_name: string; accepted: boolean; known: boolean; width: number | null; height: number | null; format: string | null; reason: string | null; hint: string | null }
interface Entry { chosen: Chosen; state: "waiting" | "sending" | "done" | "refused"; row: HTMLElement | null }
const FILES = 24, BYTES = 48e6, LINES = 2, SHOWN = 40;
const PICTURE = /\.(jpe?g|png|webp)$/i;

export class Uploads {
  private entries: Entry[] = [];
  private lines = 0;
  private stopped = false;

  constructor(private readonly root: HTMLElement, private readonly dataset: string, private readonly changed: () => void) {
    one("[data-retry-all]", root)?.addEventListener("click", () => this.again(this.entries.filter((entry) => entry.state === "refused")));
    one("[data-uploads-stop]", root)?.addEventListener("click", () => { this.stopped = true; this.entries = this.entries.filter((entry) => entry.state !== "waiting"); this.say(); });
    one("[data-uploads-clear]", root)?.addEventListener("click", () => { this.entries = []; this.list().replaceChildren(); this.root.hidden = true; });
    addEventListener("beforeunload", (event) => { if (this.lines) event.preventDefault(); });
  }

  get busy(): boolean { return this.lines > 0; }

  add(chosen: Chosen[]): void {
    this.stopped = false;
    if (!this.lines && this.entries.every((entry) => entry.state === "done")) { this.entries = []; this.list().replaceChildren(); }
    this.entries.push(...chosen.map((each): Entry => ({ chosen: each, state: "waiting", row: null })));
    this.root.hidden = false;
    this.pump();
  }

  private again(entries: Entry[]): void {
    for (const entry of entries) { entry.state = "waiting"; entry.row?.remove(); entry.row = null; }
    this.stopped = false;
    this.pump();
  }

  private pump(): void {
    while (this.lines < LINES && !this.stopped) {
      const some = this.next();
      if (!some.length) break;
      this.lines += 1;
      void this.put(some).finally(() => { this.lines -= 1; this.changed(); this.pump(); });
    }
    this.say();
  }

  private next(): Entry[] {
    const some: Entry[] = [];
    let size = 0;
    for (const entry of this.entries) {
      if (entry.state !== "waiting") continue;
      if (some.length && (some.length >= FILES || size + entry.chosen.file.size > BYTES)) break;
      some.push(entry);
      size += entry.chosen.file.size;
      entry.state = "sending";
      this.show(entry);
    }
    return some;
  }

  private async put(some: Entry[]): Promise<void> {
    const form = new FormData();
    for (const entry of some) form.append("files", entry.chosen.file, entry.chosen.path);
    const sizes = some.map((entry) => entry.chosen.file.size), all = sizes.reduce((sum, size) => sum + size, 0) || 1;
    try {
      const answer = await send<{ files: Answer[] }>("POST", `/api/datasets/${this.dataset}/files`, form, (share) => {
        let sent = share * all;
        some.forEach((entry, index) => {
          const size = sizes[index] ?? 0, bar = entry.row ? one<HTMLProgressElement>("progress", entry.row) : null;
          if (bar) bar.value = size ? Math.min(1, Math.max(0, sent / size)) : 1;
          sent -= size;
        });
      });
      some.forEach((entry, index) => this.end(entry, answer.files[index]));
    } catch (error) {
      const known = explain(error);
      for (const entry of some) this.refuse(entry, known.detail, known.hint);
    }
  }

  private end(entry: Entry, answer: Answer | undefined): void {
    if (!answer) { this.refuse(entry, "The server said nothing about this file.", "Try it again."); return; }
    if (!answer.accepted) { this.refuse(entry, answer.reason ?? "It was refused.", answer.hint ?? ""); return; }
    entry.state = "done";
    const row = entry.row;
    if (!row) return;
    one("progress", row)?.remove();
    const says = one("[data-says]", row);
    const size = answer.width && answer.height ? `${answer.width} × ${answer.height}` : "";
    says?.replaceChildren(icon("check"), answer.known ? "there already" : size);
    if (answer.reason) row.append(h("span", { class: "st-remark small warn" }, answer.reason));
    else if (this.entries.length > SHOWN) { row.remove(); entry.row = null; }
  }

  private refuse(entry: Entry, reason: string, hint: string): void {
    entry.state = "refused";
    if (!entry.row) this.show(entry);
    const row = entry.row;
    if (!row) return;
    one("progress", row)?.remove();
    one("[data-says]", row)?.replaceChildren(h("button", { class: "button small", type: "button", "aria-label": `Retry ${entry.chosen.file.name}`, onclick: () => this.again([entry]) }, icon("rotate-ccw"), "Retry"));
    row.append(h("span", { class: "error", role: "alert" }, `${reason} ${hint}`.trim()));
  }

  private show(entry: Entry): void {
    const { file, path } = entry.chosen;
    let picture: HTMLElement = h("span", { class: "no-picture" }, icon("file-image"));
    if (PICTURE.test(file.name) && this.entries.length <= SHOWN) {
      const url = URL.createObjectURL(file);
      const image = h("img", { src: url, alt: "", onload: () => URL.revokeObjectURL(url), onerror: () => { URL.revokeObjectURL(url); image.replaceWith(h("span", { class: "no-picture" }, icon("file-image"))); } });
      picture = image;
    }
    entry.row = h("li", {}, picture, h("span", { class: "truncate", title: path }, path, h("span", { class: "small faint" }, ` ${bytes(file.size)}`)),
      h("span", { class: "small muted nowrap row together", "data-says": true }, ""), h("progress", { class: "bar", max: 1, value: 0, "aria-label": `Upload of ${file.name}` }));
    this.list().prepend(entry.row);
  }

  private list(): HTMLElement { return one("[data-files]", this.root) ?? this.root; }

  private say(): void {
    const count = (state: Entry["state"]): number => this.entries.filter((entry) => entry.state === state).length;
    const done = count("done"), refused = count("refused"), all = this.entries.length, left = count("waiting") + count("sending");
    const says = one("[data-uploads-says]", this.root), bar = one<HTMLProgressElement>("[data-uploads-bar]", this.root);
    const what = `${done} of ${all} file${all === 1 ? "" : "s"} taken in`;
    if (says) says.textContent = refused ? `${what}, ${refused} refused` : what;
    if (bar) { bar.value = all ? (done + refused) / all : 0; bar.hidden = !left; }
    const button = (name: string, on: boolean): void => { const found = one(name, this.root); if (found) found.hidden = !on; };
    button("[data-retry-all]", refused > 1 && !left);
    button("[data-uploads-stop]", count("waiting") > 0);
    button("[data-uploads-clear]", all > 0 && !left);
    // When all went well the list has said what it had to; refusals and remarks stay.
    if (!left && !refused) setTimeout(() => { if (!this.lines) for (const entry of this.entries) if (entry.row && !one(".st-remark", entry.row)) { entry.row.remove(); entry.row = null; } }, 1500);
  }
}

export interface Sorted { archives: Chosen[]; annotations: Chosen[]; images: Chosen[] }
const HIDDEN = /(^|\/)(\.|__MACOSX\/|Thumbs\.db$|desktop\.ini$)/i;
const ARCHIVE = /\.(zip|tar|tgz|tar\.(gz|bz2|xz))$/i, NOTES = /\.(json|jsonl|xml|txt|ya?ml)$/i;

/** What was dropped: archives and annotations are imported, everything else is uploaded as an image. */
export function sorted(chosen: Chosen[]): Sorted {
  const seen = chosen.filter((each) => !HIDDEN.test(each.path));
  const archives = seen.filter((each) => ARCHIVE.test(each.path)), annotations = seen.filter((each) => NOTES.test(each.path) && !ARCHIVE.test(each.path));
  return { archives, annotations, images: seen.filter((each) => !archives.includes(each) && !annotations.includes(each)) };
}
