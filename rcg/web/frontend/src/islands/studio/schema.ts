// The editor of a label schema: rows of classes, points, lines and attributes, read into the form that the API takes.
import { all, from, one } from "../../lib/dom";

export interface LabelClass { name: string; title: string; description: string; colour: number; tool: string; aspect: string; flaw: boolean }
export interface PointDef { name: string; title: string; mirror: string | null; flip: string | null; turn: string | null }
export interface LabelSchema { task: string; classes: LabelClass[]; points: PointDef[]; skeleton: [string, string][]; attributes: Record<string, unknown>[]; mirror: Record<string, string>; flip: Record<string, string>; turn: Record<string, string> }
export interface Read { schema: LabelSchema; renames: Record<string, string>; wrong: number }
type Row = "class" | "point" | "line" | "attribute";
const IDENTIFIER = /^[a-z][a-z0-9_]{0,63}$/;

export const value = (row: ParentNode, name: string): string => one<HTMLInputElement>(`[data-f=${name}]`, row)?.value.trim() ?? "";
const list = (text: string): string[] => text.split(",").map((each) => each.trim()).filter(Boolean);

export function rowError(row: HTMLElement, text: string, field = "name"): void {
  const place = one("[data-error]", row), input = one<HTMLInputElement>(`[data-f=${field}]`, row);
  if (place) place.textContent = text;
  if (text) input?.setAttribute("aria-invalid", "true"); else for (const each of all("[aria-invalid]", row)) each.removeAttribute("aria-invalid");
}

export class SchemaEditor {
  private readonly loaded: Set<string>;

  constructor(readonly root: HTMLElement, private readonly changed: () => void) {
    this.loaded = new Set(this.rows("class").map((row) => row.dataset["was"] ?? ""));
    this.root.addEventListener("click", (event) => {
      const add = from(event, "[data-add]"), remove = from(event, "[data-remove]");
      if (add) this.add(add.dataset["add"] as Row);
      if (remove) this.remove(remove.closest<HTMLElement>(".st-row"));
    });
    this.root.addEventListener("input", (event) => { const row = from(event, ".st-row"); if (row) this.touched(row); });
    this.root.addEventListener("change", (event) => { const row = from(event, ".st-row"); if (row) this.touched(row); });
    for (const row of this.rows("attribute")) this.kindOf(row);
  }

  get task(): string { return this.root.dataset["task"] ?? "instance"; }

  set task(task: string) {
    this.root.dataset["task"] = task;
    for (const name of ["points", "skeleton"]) { const part = one(`[data-part=${name}]`, this.root); if (part) part.hidden = task !== "points"; }
    if (task === "points" && !this.rows("point").length) this.add("point", false);
    this.changed();
  }

  rows(kind: Row): HTMLElement[] { return all(`[data-rows=${kind}] > .st-row`, this.root); }

  add(kind: Row, focus = true): HTMLElement | null {
    const fresh = one<HTMLTemplateElement>(`template[data-new=${kind}]`, this.root)?.content.firstElementChild?.cloneNode(true);
    if (!(fresh instanceof HTMLElement)) return null;
    one(`[data-rows=${kind}]`, this.root)?.append(fresh);
    if (kind === "class") {
      const used = this.rows("class").map((row) => Number(value(row, "colour"))).slice(0, -1);
      const free = [1, 2, 3, 4, 5, 6, 7, 8].find((colour) => !used.includes(colour)) ?? (used.length % 8) + 1;
      const colour = one<HTMLSelectElement>("[data-f=colour]", fresh), tool = one<HTMLSelectElement>("[data-f=tool]", fresh);
      if (colour) colour.value = String(free);
      if (tool && this.task === "points") tool.value = "points";
    }
    this.touched(fresh);
    if (focus) one<HTMLInputElement>("input", fresh)?.focus();
    return fresh;
  }

  private remove(row: HTMLElement | null): void {
    if (!row) return;
    const beside = (row.nextElementSibling ?? row.previousElementSibling) as HTMLElement | null, panel = row.closest(".panel");
    row.remove();
    (beside ? one<HTMLInputElement>("input", beside) : one("[data-add]", panel ?? document))?.focus();
    this.names();
    this.changed();
  }

  private touched(row: HTMLElement): void {
    rowError(row, "");
    const dot = one("[data-dot]", row);
    if (dot) dot.className = `st-dot st-c${value(row, "colour")}`;
    if (row.hasAttribute("data-attribute")) this.kindOf(row);
    this.names();
    this.changed();
  }

  private kindOf(row: HTMLElement): void {
    for (const part of all("[data-for]", row)) part.hidden = part.dataset["for"] !== value(row, "type");
  }

  private names(): void {
    const names = one("#point-names", this.root);
    names?.replaceChildren(...this.rows("point").map((row) => { const option = document.createElement("option"); option.value = value(row, "name"); return option; }));
  }

  /** Reads the rows; what is wrong is said in its row. */
  read(): Read {
    let wrong = 0;
    const fail = (row: HTMLElement, text: string, field = "name"): void => { rowError(row, text, field); wrong += 1; };
    const renames: Record<string, string> = {};
    for (const kind of ["class", "point", "attribute"] as const) {
      const seen = new Set<string>();
      for (const row of this.rows(kind)) {
        rowError(row, "");
        const name = value(row, "name");
        if (!IDENTIFIER.test(name)) fail(row, name ? `“${name}” is no name: small letters, digits and _, a letter first.` : "It needs a name: small letters, digits and _, a letter first.");
        else if (seen.has(name)) fail(row, `“${name}” is there twice.`);
        seen.add(name);
        const was = row.dataset["was"];
        if (was && name && was !== name) renames[was] = name;
      }
    }
    const classes = this.rows("class").map((row): LabelClass => {
      const costs = value(row, "costs");
      return { name: value(row, "name"), title: value(row, "title"), description: row.dataset["description"] ?? "", colour: Number(value(row, "colour")), tool: value(row, "tool"), aspect: costs === "none" ? row.dataset["aspect"] ?? "surface" : costs, flaw: costs !== "none" };
    });
    const points = this.task === "points" ? this.rows("point").map((row): PointDef => ({ name: value(row, "name"), title: value(row, "title"), mirror: value(row, "mirror") || null, flip: value(row, "flip") || null, turn: value(row, "turn") || null })) : [];
    const known = new Set(points.map((point) => point.name));
    this.rows("point").forEach((row, index) => {
      const point = points[index];
      for (const key of ["mirror", "flip", "turn"] as const) {
        const other = point?.[key];
        if (other && !known.has(other)) fail(row, `There is no point “${other}”.`, key);
      }
    });
    const skeleton = this.task === "points" ? this.rows("line").map((row): [string, string] => [value(row, "from"), value(row, "to")]) : [];
    this.rows("line").forEach((row, index) => {
      rowError(row, "");
      (skeleton[index] ?? []).forEach((name, end) => { if (!known.has(name)) fail(row, `There is no point “${name}”.`, end ? "to" : "from"); });
    });
    const classNames = new Set(classes.map((each) => each.name)), gone = (name: string): boolean => this.loaded.has(name) && !classNames.has(name);
    const attributes = this.rows("attribute").map((row) => {
      const type = value(row, "type"), choices = type === "choice" ? list(value(row, "choices")) : [], written = list(value(row, "classes")).map((name) => renames[name] ?? name);
      const of = written.filter((name) => !gone(name));  // a class that is deleted takes its place in attributes along
      if (written.length && !of.length) fail(row, "Its classes are deleted: name others, or delete it, too.", "classes");
      if (type === "choice" && choices.length < 2) fail(row, "It needs at least two choices.", "choices");
      const missing = of.find((name) => !classNames.has(name));
      if (missing) fail(row, `There is no class “${missing}”.`, "classes");
      return { name: value(row, "name"), title: value(row, "title"), type, choices, unit: type === "number" ? value(row, "unit") : "", classes: of };
    });
    const kept = JSON.parse(this.root.dataset["keep"] ?? "{}") as Record<string, Record<string, string>>;
    const moved = (map: Record<string, string> | undefined): Record<string, string> => Object.fromEntries(Object.entries(map ?? {})
      .map(([was, now]): [string, string] => [renames[was] ?? was, renames[now] ?? now]).filter(([was, now]) => classNames.has(was) && classNames.has(now)));
    return { schema: { task: this.task, classes, points, skeleton, attributes, mirror: moved(kept["mirror"]), flip: moved(kept["flip"]), turn: moved(kept["turn"]) }, renames, wrong };
  }

  /** Brings the first row with an error into view. */
  showFirstError(): void {
    const row = all(".st-row", this.root).find((each) => one("[data-error]", each)?.textContent);
    one<HTMLInputElement>("[aria-invalid]", row ?? this.root)?.focus();
  }

  /** Puts an error that names a field of the API (label_schema.classes.2.name) where it belongs; false: it names no row. */
  place(field: string, text: string): boolean {
    const found = /(classes|points|attributes|skeleton)\.(\d+)(?:\.(\w+))?/.exec(field);
    if (!found) return false;
    const kind = ({ classes: "class", points: "point", attributes: "attribute", skeleton: "line" } as const)[found[1] as "classes"];
    const row = this.rows(kind)[Number(found[2])];
    if (row) rowError(row, text, found[3] ?? "name");
    return Boolean(row);
  }
}
