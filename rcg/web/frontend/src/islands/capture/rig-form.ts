// The form of a rig: its settings, and where its lights are.
import { all, one } from "../../lib/dom";
import type { Places, Vector } from "./places";

const value = (selector: string, root: ParentNode): string => one<HTMLInputElement>(selector, root)?.value.trim() ?? "";
const figure = (selector: string, root: ParentNode): number => Number.parseFloat(value(selector, root));

export function chosenKind(form: HTMLElement): string {
  return one<HTMLButtonElement>("[data-kinds] [aria-pressed=true]", form)?.value ?? "ring";
}

/** What the form says of the lights; a sentence where it says nothing that can be drawn. */
export function readPlaces(form: HTMLElement): Places | string {
  const kind = chosenKind(form), count = figure("#rg-count", form);
  if (kind !== "list" && !(count >= 4 && count <= 16)) return "Use 4 to 16 lights; 8 is normal.";
  if (kind === "named") {
    const assumed = figure("#rg-assumed", form);
    return assumed > 0 && assumed < 90 ? { kind, count, elevation_deg: assumed } : "The elevation is between 0° and 90°.";
  }
  if (kind === "list") return readList(value("#rg-list", form), value("#rg-unit", form));
  const radius = figure("#rg-radius", form), high = figure("#rg-high", form), key = value("[data-high]", form);
  if (!(radius > 0)) return "Give the ring's radius in millimetres.";
  if (!(high > 0) || (key === "elevation_deg" && high >= 89)) return "Give the lights' height in millimetres, or their elevation.";
  return { kind: "ring", count, radius_mm: radius, first_deg: figure("#rg-first", form) || 0, [key]: high };
}

function readList(text: string, unit: string): Places | string {
  const rows = text.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => line.split(/[\s,;]+/).map(Number));
  const wrong = rows.findIndex((row) => row.length !== 3 || row.some((each) => !Number.isFinite(each)));
  if (wrong >= 0) return `Line ${wrong + 1} is not x y z.`;
  if (rows.length < 4 || rows.length > 16) return `${rows.length} lights are listed; use 4 to 16.`;
  return unit === "directions" ? { kind: "directions", directions: rows as Vector[] } : { kind: "positions", positions_mm: rows as Vector[] };
}

export function readConfig(form: HTMLElement): Record<string, unknown> {
  const config: Record<string, unknown> = {};
  for (const field of all<HTMLInputElement>("[data-config]", form)) {
    const key = field.dataset["config"] ?? "", text = field.value.trim();
    if (field.dataset["kind"] === "switch") config[key] = field.checked;
    else if (text) config[key] = field.dataset["kind"] === "number" ? Number(text) : text;
  }
  return config;
}

/** Shows the fields of the kind that is chosen. */
export function showKind(form: HTMLElement): void {
  const kind = chosenKind(form);
  for (const part of all("[data-of]", form)) part.hidden = !(part.dataset["of"] ?? "").split(" ").includes(kind);
  const label = one("label[for=rg-high]", form);
  if (label) label.textContent = value("[data-high]", form) === "height_mm" ? "Height" : "Elevation";
}
