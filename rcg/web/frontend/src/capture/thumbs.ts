// Small pictures of a side's frames, with what is wrong with them.
import { h } from "../lib/dom";
import { AMBIENT, type Check, type Quality, lightWord } from "./types";

export interface Thumb { light: string; src: string; quality: Quality; waits: boolean; check?: Check | null }
const CLIPPED = 0.02, SOFT = 0.45;

/** What is wrong with a frame; sharpness is judged against the others of its side, since cards differ. */
export function marks(quality: Quality, others: Quality[]): string[] {
  const found: string[] = [];
  const sharp = others.map((each) => each.sharpness ?? 0).sort((one, other) => one - other);
  const middle = sharp[sharp.length >> 1] ?? 0;
  if (quality.sharpness != null && sharp.length > 2 && quality.sharpness < SOFT * middle) found.push("soft");
  if ((quality.clipped ?? 0) > CLIPPED) found.push("clipped");
  return found;
}

const WORDS: Record<string, string> = { soft: "less sharp than the others", clipped: "too bright in places" };

export function thumbs(items: Thumb[], chosen: string | null, choose: ((light: string) => void) | null): HTMLElement[] {
  const lit = items.filter((item) => item.light !== AMBIENT).map((item) => item.quality);
  return items.map((item) => {
    const wrong = item.light === AMBIENT ? [] : [...marks(item.quality, lit), ...(item.check?.state === "wrong" ? ["unplaced"] : [])];
    const remarks = [...wrong.map((mark) => (mark === "unplaced" ? item.check?.words : WORDS[mark]) ?? mark), ...(item.waits ? ["waits to be sent"] : [])];
    const says = [lightWord(item.light), ...remarks].join(", ");
    const props = { class: `cap-thumb ${wrong.join(" ")} ${item.waits ? "waits" : ""}`, title: says, "data-light": item.light };
    const inside = [item.src ? h("img", { src: item.src, alt: "" }) : null, h("span", { class: "cap-number" }, item.light === AMBIENT ? "dark" : item.light, wrong.length ? " !" : "")];
    return h("li", {}, choose
      ? h("button", { ...props, type: "button", "aria-label": `Take ${lightWord(item.light)} again${remarks.length ? `: ${remarks.join(", ")}` : ""}`, "aria-pressed": String(chosen === item.light), onclick: () => choose(item.light) }, ...inside)
      : h("span", { ...props, role: "img", "aria-label": says }, ...inside));
  });
}
