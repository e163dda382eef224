// The right panel: suggestions, classes, what is selected with its attributes, and the list of shapes.
import { h, icon, one } from "../../lib/dom";
import { area, extent, handles } from "./geometry";
import type { Session } from "./session";
import { type Annotation, type Attribute, type LabelSchema, titleOf, type Value } from "./types";
import { Virtual } from "./virtual";

const THIN = "\u2009";
export interface PanelHost { session: Session; pxPerMm: number | null; threshold(value: number): void; reveal(): void }

export class Panel {
  private readonly list: Virtual;
  private readonly listHead = h("h2", {}, "Shapes", h("span", { class: "figure" }));
  private rows: Annotation[] = [];
  private drawn = { classes: "", selection: "", suggestions: "", shapes: "" };

  constructor(private readonly root: HTMLElement, private readonly schema: LabelSchema, private readonly host: PanelHost) {
    const frame = h("div", { class: "an-list", role: "group", "aria-label": "Shapes", tabindex: "-1" });
    this.part("shapes").append(this.listHead, frame);
    this.list = new Virtual(frame, "y", 28, (index) => this.row(index));
  }

  private part(name: string): HTMLElement { return one(`[data-part="${name}"]`, this.root) as HTMLElement; }

  refresh(): void {
    this.classes();
    this.suggestions();
    this.selection();
    this.shapes();
  }

  private once(part: keyof Panel["drawn"], signature: string): boolean {
    if (this.drawn[part] === signature) return false;
    this.drawn[part] = signature;
    return true;
  }

  private classes(): void {
    const { session } = this.host, counts = new Map<string, number>();
    for (const shape of session.shown) counts.set(shape.label, (counts.get(shape.label) ?? 0) + 1);
    if (!this.once("classes", JSON.stringify([session.habits.label, [...counts]]))) return;
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset["class"] : undefined;
    this.part("classes").replaceChildren(h("h2", {}, "Classes"), h("div", { role: "group", "aria-label": "Classes" }, ...this.schema.classes.map((each, i) =>
      h("button", { class: "an-class", type: "button", "data-class": each.name, "aria-pressed": String(each.name === session.habits.label), title: each.description, onclick: () => session.setClass(each.name) },
        h("span", { class: `an-colour an-c${each.colour}`, "aria-hidden": "true" }), h("span", { class: "truncate" }, titleOf(each)),
        h("span", { class: "figure" }, String(counts.get(each.name) ?? "")), i < 9 && h("kbd", { "aria-hidden": "true", title: `Shift ${i + 1}` }, `⇧${i + 1}`)))));
    if (focused) one(`[data-class="${CSS.escape(focused)}"]`, this.root)?.focus();
  }

  private suggestions(): void {
    const { session } = this.host, part = this.part("suggestions"), all = session.model.waiting, shown = session.waiting.length;
    part.hidden = all.length === 0;
    if (!all.length || !this.once("suggestions", JSON.stringify([all.length, shown, session.habits.threshold]))) return;
    const slider = one<HTMLInputElement>("input", part);
    if (slider) {
      slider.value = String(session.habits.threshold);
      (one("output", part) as HTMLElement).textContent = session.habits.threshold.toFixed(2);
      (one("[data-shown]", part) as HTMLElement).textContent = count(all.length, shown);
      return;
    }
    const models = [...new Set(all.map((shape) => shape.model).filter(Boolean))].join(", ");
    const range = h("input", { type: "range", id: "an-threshold", min: 0, max: 1, step: 0.01, value: session.habits.threshold, oninput: (event) => this.host.threshold(Number((event.target as HTMLInputElement).value)) });
    part.append(h("h2", {}, "Suggestions", h("span", { class: "figure", "data-shown": true }, count(all.length, shown))), h("p", { class: "an-facts" }, models && `by ${models}`),
      h("div", { class: "slider" }, h("label", { class: "small muted", for: "an-threshold" }, "Score from"), range, h("output", { class: "small" }, session.habits.threshold.toFixed(2))),
      h("div", { class: "an-acts" }, this.button("accept", "Accept", "check", "A"), this.button("acceptAll", "Accept all", "check-check", "Shift A"), this.button("reject", "Reject", "x", "R"), this.button("rejectAll", "Reject all", "trash-2", "Shift R")));
  }

  private button(act: string, word: string, name: string, key: string): HTMLElement {
    return h("button", { class: "button small", type: "button", "data-do": act, title: `${word}  ${key}` }, icon(name), word);
  }

  private selection(): void {
    const { session } = this.host, part = this.part("selection"), chosen = session.selection;
    const keep = JSON.stringify([chosen.map((shape) => shape.id), [...new Set(chosen.map((shape) => shape.label))], chosen.map((shape) => [shape.shape.type, shape.state])]);
    if (this.once("selection", keep)) part.replaceChildren(...this.selectionParts(chosen));
    const facts = one("[data-facts]", part);
    if (facts) facts.textContent = this.facts(chosen);
    for (const field of part.querySelectorAll<HTMLInputElement | HTMLSelectElement>("[data-attribute]")) {
      if (field === document.activeElement && field.type !== "checkbox") continue;
      const value = common(chosen, field.dataset["attribute"] ?? "");
      if (field instanceof HTMLInputElement && field.type === "checkbox") { field.checked = value === true; field.indeterminate = value === undefined; } else { field.value = value === undefined || value === null ? "" : String(value); if (value === undefined && field instanceof HTMLInputElement) field.placeholder = "several"; }
    }
  }

  private selectionParts(chosen: Annotation[]): HTMLElement[] {
    if (!chosen.length) return [h("h2", {}, "Nothing selected"), h("p", { class: "an-facts" }, "Select a shape to change it and to fill in what is known of it.")];
    const [only] = chosen, labels = new Set(chosen.map((shape) => shape.label));
    const known = this.schema.classes.find((each) => each.name === only?.label);
    const title = chosen.length > 1 ? `${chosen.length} shapes` : known ? titleOf(known) : only?.label ?? "";
    const type = (name: string): boolean => chosen.some((shape) => shape.shape.type === name);
    const fields = this.schema.attributes.filter((each) => !each.classes.length || [...labels].some((label) => each.classes.includes(label)));
    return [
      h("h2", {}, title, h("span", { class: "figure" }, chosen.length === 1 ? only?.shape.type : null)),
      h("p", { class: "an-facts", "data-facts": true }),
      h("div", { class: "an-fields" }, ...fields.map((each) => this.field(each))),
      h("div", { class: "an-acts" }, chosen.some((shape) => shape.state === "predicted") && this.button("accept", "Accept", "check", "A"), chosen.some((shape) => shape.state === "predicted") && this.button("reject", "Reject", "x", "R"),
        this.button("duplicate", "Duplicate", "copy-plus", "D"), (type("mask") || type("box") || type("quad")) && this.schema.task === "instance" && this.button("toPolygon", "To polygon", "hexagon", "U"), type("quad") && this.button("turn", "Next corner first", "rotate-ccw", "O"),
        type("points") && this.button("toggleHidden", "Point hidden", "eye-off", "X"), type("polygon") && this.button("insert", "Add point", "plus", "I"), this.button("erase", "Delete", "trash-2", "Del")),
    ];
  }

  private field(attribute: Attribute): HTMLElement {
    const id = `an-attribute-${attribute.name}`, title = titleOf(attribute), set = (value: Value): void => this.host.session.setAttribute(attribute.name, value);
    if (attribute.type === "flag") return h("label", { class: "check" }, h("input", { type: "checkbox", "data-attribute": attribute.name, onchange: (event) => set((event.target as HTMLInputElement).checked) }), title);
    const label = h("label", { for: id }, title);
    if (attribute.type === "choice") return h("div", { class: "field" }, label, h("select", { class: "input", id, "data-attribute": attribute.name, onchange: (event) => set((event.target as HTMLSelectElement).value || null) }, h("option", { value: "" }, "not said"), ...attribute.choices.map((choice) => h("option", { value: choice }, choice))));
    if (attribute.type === "text") return h("div", { class: "field" }, label, h("input", { class: "input", id, "data-attribute": attribute.name, autocomplete: "off", maxlength: 2000, onchange: (event) => set((event.target as HTMLInputElement).value.trim() || null) }));
    const number = (event: Event): void => {
      const field = event.target as HTMLInputElement, value = field.value.trim() === "" ? null : Number(field.value.replace(",", "."));
      const wrong = value !== null && !Number.isFinite(value);
      field.setAttribute("aria-invalid", String(wrong));
      if (!wrong) set(value);
    };
    return h("div", { class: "field" }, label, h("span", { class: "with-unit" }, h("input", { class: "input", id, "data-attribute": attribute.name, inputmode: "decimal", autocomplete: "off", onchange: number }), h("span", { class: "unit" }, attribute.unit)));
  }

  private facts(chosen: Annotation[]): string {
    const [only] = chosen;
    if (!only) return "";
    if (chosen.length > 1) return "Class and attributes are set for all of them.";
    const box = extent(only.shape), mm = this.host.pxPerMm, unit = mm ? `${THIN}mm` : `${THIN}px`, size = (value: number): string => (mm ? (value / mm).toFixed(2) : value.toFixed(1));
    const parts = [`${size(box.right - box.left)} × ${size(box.bottom - box.top)}${unit}`];
    if (["polygon", "quad", "box"].includes(only.shape.type)) parts.push(`${mm ? (area(only.shape) / mm ** 2).toFixed(2) : area(only.shape).toFixed(0)}${unit}²`);
    if (only.shape.type === "polygon") parts.push(`${handles(only.shape).length} points`);
    if (only.shape.type === "points") parts.push(`${only.shape.points.length} of ${this.schema.points.length} points`);
    if (only.state === "predicted") parts.push(`suggested${only.model ? ` by ${only.model}` : ""}, score ${only.score?.toFixed(2) ?? "-"}`);
    else if (only.model) parts.push(`${only.source === "model" ? "accepted from" : "corrected from"} ${only.model}`);
    return parts.join(" · ");
  }

  private shapes(): void {
    const { session } = this.host, rows = session.shown;
    if (!this.once("shapes", JSON.stringify([session.model.version, session.habits.threshold, session.habits.hidden, session.chosen]))) return;
    const moved = rows !== this.rows;
    this.rows = rows;
    (this.listHead.lastElementChild as HTMLElement).textContent = session.habits.hidden ? "hidden" : String(rows.length);
    if (moved) this.list.show(rows.length); else this.list.again();
    const at = rows.findIndex((shape) => shape.id === session.chosen[0]);
    if (at >= 0) this.list.reveal(at);
  }

  private row(index: number): HTMLElement {
    const shape = this.rows[index] as Annotation, known = this.schema.classes.find((each) => each.name === shape.label), chosen = this.host.session.chosen.includes(shape.id);
    const says = shape.state === "predicted" ? shape.score?.toFixed(2) ?? "" : shape.shape.type;
    return h("button", { class: `an-row${shape.state === "predicted" ? " waits" : ""}`, type: "button", tabindex: "-1", "data-shape": shape.id, "aria-pressed": String(chosen), onclick: (event) => {
      const ids = this.host.session.chosen, more = event instanceof MouseEvent && (event.shiftKey || event.ctrlKey || event.metaKey);
      this.host.session.select(!more ? [shape.id] : ids.includes(shape.id) ? ids.filter((id) => id !== shape.id) : [...ids, shape.id]);
      this.host.reveal();
    } }, h("span", { class: `an-colour an-c${known?.colour ?? 1}`, "aria-hidden": "true" }), h("span", { class: "truncate" }, known ? titleOf(known) : shape.label), h("span", { class: "figure" }, says));
  }
}

const count = (all: number, shown: number): string => (all === shown ? `${all} left` : `${shown} of ${all} left`);

/** The value that all have; undefined when they differ. */
function common(shapes: Annotation[], name: string): Value | undefined {
  const values = new Set(shapes.map((shape) => shape.attributes[name] ?? null));
  return values.size === 1 ? [...values][0] : undefined;
}
