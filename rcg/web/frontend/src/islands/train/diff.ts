// The options of a run that differ from what the plan proposed.
import { h } from "../../lib/dom";
import { isRecord } from "./rows";

export interface Change { key: string; title: string; value: unknown; proposed: unknown; unit: string }

/** Takes a list of fields, or a mapping of dotted names to [proposed, value]. */
export function changes(diff: unknown): Change[] {
  if (Array.isArray(diff)) {
    return diff.filter(isRecord).map((each) => ({ key: String(each["key"] ?? ""), title: String(each["title"] ?? each["key"] ?? ""), value: each["value"], proposed: each["default"] ?? each["proposed"], unit: String(each["unit"] ?? "") }));
  }
  if (!isRecord(diff)) return [];
  return Object.entries(diff).map(([key, value]) => {
    if (isRecord(value)) return { key, title: String(value["title"] ?? key), value: value["value"], proposed: value["default"], unit: String(value["unit"] ?? "") };
    const [proposed, chosen] = Array.isArray(value) && value.length === 2 ? value : [undefined, value];
    return { key, title: key, value: chosen, proposed, unit: "" };
  });
}

export function say(value: unknown): string {
  if (value === null || value === undefined || value === "") return "none";
  if (Array.isArray(value)) return value.map(say).join(", ");
  if (typeof value === "boolean") return value ? "yes" : "no";
  return isRecord(value) ? Object.values(value).map(say).join(" ") : String(value);
}

export function drawDiff(place: HTMLElement, diff: unknown): void {
  const found = changes(diff);
  if (!found.length) { place.replaceChildren(h("p", { class: "faint small" }, "Every option is as the plan proposed it.")); return; }
  place.replaceChildren(h("dl", { class: "tr-diff" }, ...found.flatMap((each) => [
    h("dt", { title: each.key }, each.title),
    h("dd", {}, h("del", { class: "faint" }, say(each.proposed)), " ", h("ins", {}, say(each.value), each.unit ? `\u2009${each.unit}` : "")),
  ])));
}
