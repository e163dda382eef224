// The phone's page: what stands where. It shows; phone.ts decides.
import { h, icon, notice, one } from "../lib/dom";
import type { Look } from "./guide";
import { type Dot, drawRing } from "./ring";
import type { Entry } from "./spool";
import { type Thumb, thumbs } from "./thumbs";
import { type Frame, type Session, type Side, lightWord } from "./types";

const need = <T extends Element = HTMLElement>(selector: string): T => {
  const element = one<T>(selector);
  if (!element) throw new Error(`the page lacks ${selector}`);
  return element;
};
const WORD: Record<Side, string> = { front: "front", back: "back" };

export type Place = "choose" | "shoot" | "done";

export class Screen {
  readonly video = need<HTMLVideoElement>("[data-video]");
  readonly go = need<HTMLButtonElement>("[data-go]");
  readonly auto = need<HTMLButtonElement>("[data-auto]");
  readonly stop = need<HTMLButtonElement>("[data-stop]");
  private readonly outline = need<SVGSVGElement>("[data-outline]");
  private readonly status = need("[data-advice]");
  place: Place = "choose";
  private count = "";  // of frames, for who hears the button
  private word = "Shoot";

  open(place: Place): void {
    this.place = place;
    for (const name of ["choose", "shoot", "done"] as const) need(`[data-${name}]`).hidden = name !== place;
  }

  head(session: Session): void {
    need("[data-card]").textContent = session.card?.name ?? "Card";
    need("[data-side]").textContent = WORD[session.side];
  }

  advise(words: string): void { if (this.status.textContent !== words) this.status.textContent = words; }

  button(word: string, able: boolean, good = false): void {
    this.word = word;
    need("[data-go-word]").textContent = word;
    this.label();
    this.go.disabled = !able;
    this.go.classList.toggle("good", good);
  }

  ring(session: Session, dot: (light: string) => Dot): void {
    drawRing(need<SVGElement>("[data-ring]"), session.wanted, dot);
    const done = session.wanted.filter((light) => ["kept", "sent"].includes(dot(light))).length;
    this.count = `${done} of ${session.wanted.length} frames taken`;
    this.label();
  }

  private label(): void { this.go.setAttribute("aria-label", this.count ? `${this.word === "…" ? "Wait" : this.word}: ${this.count}` : this.word); }

  thumbs(items: Thumb[], chosen: string | null, choose: (light: string) => void): void {
    need("[data-thumbs]").replaceChildren(...thumbs(items, chosen, choose));
    need("[data-review]").replaceChildren(...thumbs(items, null, null));
  }

  outlineOf(look: Look | null): void {
    const polygon = one<SVGPolygonElement>("[data-polygon]", this.outline);
    const { videoWidth: width, videoHeight: height } = this.video;
    if (width) this.outline.setAttribute("viewBox", `0 0 ${width} ${height}`);
    polygon?.setAttribute("points", look?.found ? look.found.corners.map((p) => `${(p.x * width).toFixed(0)},${(p.y * height).toFixed(0)}`).join(" ") : "");
    this.outline.classList.toggle("good", look?.good ?? false);
  }

  waiting(entries: Entry[], problem: string): void {
    const chip = need("[data-spool]"), words = `${entries.length} to send${problem ? `: ${problem}` : ""}`;
    chip.hidden = !entries.length;
    chip.textContent = words;
    const box = need("[data-waiting]");
    box.hidden = !entries.length;
    const what = one(".what", box);
    if (what) what.textContent = `${entries.length} frame${entries.length === 1 ? "" : "s"} on this phone wait${entries.length === 1 ? "s" : ""} to be sent${problem ? ` (${problem})` : ""}.`;
  }

  /** Says what is wrong before a session is open; nothing when it is not any more. */
  trouble(what: string, now = ""): void { need("[data-problem-choose]").replaceChildren(...(what ? [notice("warn", what, now)] : [])); }

  problem(what: string, now = "", ...actions: { word: string; run: () => void }[]): void {
    const box = notice("bad", what, now);
    box.lastElementChild?.append(h("div", { class: "row" }, ...actions.map((action) => h("button", { class: "button small", type: "button", onclick: () => { box.remove(); action.run(); } }, action.word)),
      h("button", { class: "button quiet small", type: "button", onclick: () => box.remove() }, "Dismiss")));
    need("[data-problem]").replaceChildren(box);
  }

  /** Something to know, which stops nobody. */
  remark(what: string): void {
    const box = notice("warn", what, "");
    box.lastElementChild?.append(h("div", { class: "row" }, h("button", { class: "button quiet small", type: "button", onclick: () => box.remove() }, "Dismiss")));
    need("[data-problem]").replaceChildren(box);
  }

  calm(): void { need("[data-problem]").replaceChildren(); }

  done(title: string, says: string, actions: { word: string; run: () => void; primary?: boolean; icon?: string }[]): void {
    need("[data-done-title]").textContent = title;
    need("[data-done-says]").textContent = says;
    need("[data-done-actions]").replaceChildren(...actions.map((action) => h("button", { class: `button ${action.primary ? "primary" : ""}`, type: "button", onclick: action.run }, action.icon ? icon(action.icon) : null, action.word)));
    this.open("done");
  }

  says(text: string): void { need("[data-done-says]").textContent = text; }

  grading(fraction: number | null): void {
    const bar = need<HTMLProgressElement>("[data-done-bar]");
    bar.hidden = fraction === null;
    bar.value = fraction ?? 0;
  }

  /** Leads to the report of what was just taken, once. */
  report(grade: string): void {
    this.says("Graded.");
    const actions = need("[data-done-actions]");
    if (!one("a", actions)) actions.prepend(h("a", { class: "button primary", href: `/grade/reports/${grade}` }, "See the report"));
  }

  held(text: string): void { need("[data-held]").textContent = text; }
  figures(text: string): void { need("[data-figures]").textContent = text; }
}

/** Small pictures of a side: what waits on this phone stands before what the server has. */
export function picturesOf(session: Session, entries: Entry[], frames: Frame[] = session.frames): Thumb[] {
  const mine = new Map(entries.map((entry) => [entry.light, entry]));
  const theirs = new Map(frames.filter((frame) => frame.side === session.side).map((frame) => [frame.light, frame]));
  return session.wanted.flatMap((light): Thumb[] => {
    const entry = mine.get(light), frame = theirs.get(light);
    if (entry) return [{ light, src: entry.meta.thumbnail ? `data:image/jpeg;base64,${entry.meta.thumbnail}` : "", quality: entry.meta.quality, waits: true }];
    return frame ? [{ light, src: frame.thumbnail_url ?? "", quality: frame.quality, waits: false, check: frame.check }] : [];
  });
}

export const asking = (light: string): string => (light === "all" ? "All lights." : light === "ambient" ? "Without light. Hold still." : `${lightWord(light)[0]?.toUpperCase()}${lightWord(light).slice(1)}. Hold still.`);
