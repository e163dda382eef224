// The options of a plan as forms in groups: each with the reason for its value, marked and resettable when changed.
import { all, h, icon, one } from "../../lib/dom";
import { say } from "./diff";
import { sentence } from "./figures";
import { type Choice, type Field, same } from "./plan";
import { isRecord, list, num, str } from "./rows";
import type { Shelf } from "./weights";

export interface Known { metrics: Choice[]; recipes: Choice[]; weights: Shelf }
interface Control { element: HTMLElement; write(field: Field): void; holds(): boolean }
type Changed = (key: string, value: unknown) => void;
type Kind = "layers" | "recipe" | "target" | "weights" | "select" | "chips" | "flag" | "numbers" | "number" | "text";

export const slug = (key: string): string => `option-${key.replace(/[^a-z0-9]+/gi, "-")}`;

export function kindOf(field: Field): Kind {
  if (field.key === "channels" || field.type === "layers") return "layers";
  if (field.key === "recipe" || field.type === "recipe") return "recipe";
  if (field.key === "stop.target" || field.type === "target") return "target";
  if (field.key === "weights" || field.type === "weights") return "weights";
  if (field.choices.length) return Array.isArray(field.value ?? field.default) ? "chips" : "select";
  if (/bool|flag/.test(field.type)) return "flag";
  if (Array.isArray(field.value ?? field.default) || /list|tuple|numbers|size/.test(field.type)) return "numbers";
  return /int|float|number|share/.test(field.type) ? "number" : "text";
}

export class Fields {
  private readonly rows = new Map<string, { row: HTMLElement; control: Control; field: Field }>();
  private shape = "";
  private changedKeys = new Set<string>();
  private words: string[] = [];
  private only = false;

  constructor(private readonly root: HTMLElement, private readonly known: Known, private readonly changed: Changed, private readonly reset: (key: string) => void) {}

  draw(fields: Field[], changedKeys: Set<string>): void {
    this.changedKeys = changedKeys;
    // A target is of the metrics that this task has.
    const metrics = fields.find((field) => field.key === "metric")?.choices;
    if (metrics?.length) this.known.metrics = metrics;
    this.known.weights.of(str(fields.find((field) => field.key === "model.backbone")?.value));
    const shape = fields.map((field) => `${field.key}:${kindOf(field)}:${field.choices.map((choice) => say(choice.value)).join("|")}`).join();
    if (shape !== this.shape) this.build(fields);
    this.shape = shape;
    for (const field of fields) {
      const known = this.rows.get(field.key);
      if (!known) continue;
      known.field = field;
      // What somebody types is theirs until they leave it.
      if (!known.control.holds()) known.control.write(field);
      const on = changedKeys.has(field.key);
      known.row.classList.toggle("is-changed", on);
      const back = one<HTMLButtonElement>("[data-back]", known.row), why = one("[data-why]", known.row);
      if (back) { back.hidden = !on; back.title = `Back to ${say(field.default)}${field.unit ? `\u2009${field.unit}` : ""}`; }
      if (why) why.textContent = [on ? `Proposed: ${say(field.default)}${field.unit ? `\u2009${field.unit}` : ""}.` : "", field.reason].filter(Boolean).join(" ");
      this.error(field.key, "");
    }
    this.count();
    this.sift();
  }

  /** Puts an error next to its field and opens its group; false when there is no such field. */
  error(key: string, text: string): boolean {
    const known = this.rows.get(key);
    if (!known) return false;
    const place = one(".error", known.row);
    if (place && place.textContent !== text) place.textContent = text;
    for (const input of all("input, select", known.row)) if (text) input.setAttribute("aria-invalid", "true"); else input.removeAttribute("aria-invalid");
    if (text) {
      const group = known.row.closest("details"), back = one("[data-back]", known.row);
      if (group) group.open = true;
      if (back) back.hidden = false;  // the plan refused the value, so it has not said that it is a changed one
    }
    return true;
  }

  keys(): string[] {
    return [...this.rows.keys()];
  }

  search(text: string, only: boolean): void {
    this.words = text.trim().toLowerCase().split(/\s+/).filter(Boolean);
    this.only = only;
    this.sift();
  }

  private build(fields: Field[]): void {
    const open = new Set(all<HTMLDetailsElement>("details[open]", this.root).map((group) => group.dataset["group"] ?? ""));
    const groups = new Map<string, HTMLElement>();
    this.rows.clear();
    this.root.replaceChildren();
    for (const field of fields) {
      let body = groups.get(field.group);
      if (!body) {
        body = h("div", { class: "tr-fields" });
        groups.set(field.group, body);
        const first = groups.size === 1 && !open.size;
        this.root.append(h("details", { class: "panel tr-group", "data-group": field.group, open: first || open.has(field.group) },
          h("summary", {}, icon("chevron-right"), h("h3", {}, sentence(field.group)), h("span", { class: "small faint truncate", "data-gist": true }), h("span", { class: "badge accent", "data-changed": true, hidden: true })), body));
      }
      const id = slug(field.key), kind = kindOf(field), control = CONTROLS[kind](id, field, this.known, (value) => this.changed(field.key, value));
      const wide = kind === "layers" || kind === "recipe" || kind === "chips" || kind === "target" || kind === "weights";
      const label = kind === "layers" || kind === "chips" || kind === "target" ? h("span", { class: "label", id: `${id}-label` }, field.title) : h("label", { for: id }, field.title);
      const row = h("div", { class: `field tr-field${wide ? " is-wide" : ""}`, "data-field": field.key },
        h("div", { class: "row between together" }, label, h("button", { type: "button", class: "button quiet small", "data-back": true, hidden: true, "aria-label": `Reset ${field.title}`, onclick: () => this.reset(field.key) }, icon("undo-2"), "Reset")),
        control.element, h("span", { class: "hint", id: `${id}-hint`, "data-why": true }), h("span", { class: "error", id: `${id}-error`, role: "alert" }));
      body.append(row);
      this.rows.set(field.key, { row, control, field });
    }
  }

  private count(): void {
    for (const group of all("[data-group]", this.root)) {
      const keys = all("[data-field]", group).map((row) => row.dataset["field"] ?? "");
      const changed = keys.filter((key) => this.changedKeys.has(key)).length;
      const badge = one("[data-changed]", group), gist = one("[data-gist]", group);
      if (badge) { badge.hidden = !changed; badge.textContent = `${changed} changed`; }
      if (gist) gist.textContent = keys.slice(0, 4).map((key) => { const field = this.rows.get(key)?.field; return field ? `${field.title.toLowerCase()} ${brief(field)}` : ""; }).join(" \u00b7 ");
    }
  }

  private sift(): void {
    const searching = this.words.length > 0 || this.only;
    for (const group of all<HTMLDetailsElement>("details[data-group]", this.root)) {
      let shown = 0;
      for (const row of all("[data-field]", group)) {
        const field = this.rows.get(row.dataset["field"] ?? "")?.field;
        const text = `${field?.title} ${field?.key} ${field?.reason} ${field?.group}`.toLowerCase();
        row.hidden = !(this.words.every((word) => text.includes(word)) && (!this.only || this.changedKeys.has(field?.key ?? "")));
        shown += Number(!row.hidden);
      }
      group.hidden = shown === 0;
      if (searching && shown) group.open = true;
    }
    const none = one("[data-no-option]", this.root.parentElement ?? document);
    if (none) none.hidden = !searching || all("[data-group]:not([hidden])", this.root).length > 0;
  }
}

function brief(field: Field): string {
  const value = field.value;
  if (isRecord(value)) return str(value["name"]) || say(value);
  const chosen = field.choices.find((choice) => same(choice.value, value));
  return `${chosen ? chosen.title.split(/[,:]/)[0] : say(value)}${field.unit && value !== null ? `\u2009${field.unit}` : ""}`;
}

const described = (id: string): Record<string, string> => ({ id, "aria-describedby": `${id}-hint ${id}-error` });
const focused = (element: HTMLElement): boolean => element.contains(document.activeElement) && document.activeElement instanceof HTMLInputElement && document.activeElement.type !== "checkbox";

type Make = (id: string, field: Field, known: Known, changed: (value: unknown) => void) => Control;

const select: Make = (id, field, _known, changed) => {
  const element = h("select", { class: "input", ...described(id) });
  element.addEventListener("change", () => changed(field.choices[element.selectedIndex]?.value ?? null));
  element.append(...field.choices.map((choice) => h("option", {}, choice.title)));
  return { element, holds: () => false, write: (now) => { element.selectedIndex = now.choices.findIndex((choice) => same(choice.value, now.value)); } };
};

const flag: Make = (id, _field, _known, changed) => {
  const input = h("input", { type: "checkbox", ...described(id) });
  input.addEventListener("change", () => changed(input.checked));
  return { element: h("label", { class: "check" }, input, "Yes"), holds: () => false, write: (now) => { input.checked = now.value === true; } };
};

const number: Make = (id, field, _known, changed) => {
  const whole = /int/.test(field.type);
  const input = h("input", { class: "input", type: "number", inputmode: whole ? "numeric" : "decimal", step: whole ? 1 : "any", min: field.minimum, max: field.maximum, placeholder: field.default === null || field.default === undefined ? "not used" : null, ...described(id) });
  input.addEventListener("change", () => changed(input.value === "" ? null : Number(input.value)));
  return {
    element: field.unit ? h("span", { class: "with-unit" }, input, h("span", { class: "unit" }, field.unit)) : input,
    holds: () => focused(input), write: (now) => { input.value = num(now.value) === null ? "" : String(now.value); },
  };
};

const numbers: Make = (id, field, _known, changed) => {
  const input = h("input", { class: "input", type: "text", inputmode: "decimal", spellcheck: "false", autocomplete: "off", ...described(id) });
  const digits = (text: string): unknown[] => text.split(/[\s,;x\u00d7]+/).filter(Boolean).map((each) => (Number.isFinite(Number(each)) ? Number(each) : each));
  input.addEventListener("change", () => changed(input.value.trim() ? digits(input.value) : null));
  const join = /size/.test(field.key) && list(field.value).length === 2 ? " \u00d7 " : ", ";
  return {
    element: field.unit ? h("span", { class: "with-unit" }, input, h("span", { class: "unit" }, field.unit)) : input,
    holds: () => focused(input), write: (now) => { input.value = list<unknown>(now.value).map(String).join(join); },
  };
};

const text: Make = (id, _field, _known, changed) => {
  const input = h("input", { class: "input", type: "text", autocomplete: "off", ...described(id) });
  input.addEventListener("change", () => changed(input.value || null));
  return { element: input, holds: () => focused(input), write: (now) => { input.value = now.value === null || now.value === undefined ? "" : say(now.value); } };
};

const chips: Make = (id, field, _known, changed) => {
  let chosen: unknown[] = [];
  const element = h("div", { class: "chips", role: "group", "aria-labelledby": `${id}-label`, "aria-describedby": `${id}-hint ${id}-error` });
  const toggle = (choice: Choice): void => {
    const has = chosen.some((each) => same(each, choice.value));
    changed(field.choices.filter((each) => (same(each.value, choice.value) ? !has : chosen.some((one) => same(one, each.value)))).map((each) => each.value));
  };
  element.append(...field.choices.map((choice) => h("button", { type: "button", class: "chip tr-chip", "aria-pressed": "false", onclick: () => toggle(choice) }, sentence(choice.title.replace(":", " ")))));
  return {
    element, holds: () => false,
    write: (now) => {
      chosen = list<unknown>(now.value);
      [...element.children].forEach((button, index) => button.setAttribute("aria-pressed", String(chosen.some((each) => same(each, field.choices[index]?.value)))));
    },
  };
};

const layers: Make = (id, field, known, changed) => {
  const have = [...new Set([...field.choices.map((choice) => String(choice.value)), ...list<string>(field.value), ...list<string>(field.default)])];
  // How many items have a layer is worth saying where it is not the same for all.
  const counts = new Set(field.choices.map((choice) => /\((\d+) items?\)$/.exec(choice.title)?.[1] ?? ""));
  const titled = (name: string): string => { const title = field.choices.find((choice) => choice.value === name)?.title ?? name; return counts.size === 1 ? title.replace(/ \(\d+ items?\)$/, "") : title; };
  return chips(id, { ...field, choices: have.map((name) => ({ value: name, title: titled(name) })) }, known, changed);
};

const target: Make = (id, field, known, changed) => {
  const metric = h("select", { class: "input", "aria-label": "Metric of the target", id }, h("option", { value: "" }, "No target"), ...(field.choices.length ? field.choices : known.metrics).map((choice) => h("option", { value: String(choice.value) }, choice.title)));
  const value = h("input", { class: "input", type: "number", step: "any", "aria-label": "Value of the target", "aria-describedby": `${id}-hint ${id}-error` });
  const tell = (): void => changed(metric.value && value.value !== "" ? { metric: metric.value, value: Number(value.value) } : null);
  metric.addEventListener("change", () => { value.disabled = !metric.value; if (metric.value && value.value === "") value.value = metric.value.startsWith("error") ? "1" : "0.9"; tell(); });
  value.addEventListener("change", tell);
  return {
    element: h("div", { class: "tr-target", role: "group", "aria-labelledby": `${id}-label` }, metric, value),
    holds: () => focused(value),
    write: (now) => {
      const aim = isRecord(now.value) ? now.value : null;
      metric.value = str(aim?.["metric"]);
      value.value = aim ? String(aim["value"] ?? "") : "";
      value.disabled = !aim;
    },
  };
};

const recipe: Make = (id, field, known, changed) => {
  const element = h("div", { class: "stack tight" }), choose = h("select", { class: "input", ...described(id) }), steps = h("div", { class: "row" });
  const options: Choice[] = [];
  element.append(choose, steps);
  choose.addEventListener("change", () => changed(options[choose.selectedIndex]?.value ?? null));
  return {
    element, holds: () => false,
    write: (now) => {
      options.splice(0, options.length, { value: field.default ?? null, title: field.default ? `As proposed${isRecord(field.default) && field.default["name"] ? `: ${String(field.default["name"])}` : ""}` : "None", });
      if (field.default) options.push({ value: null, title: "None" });
      options.push(...(field.choices.length ? field.choices : known.recipes).filter((choice) => !options.some((each) => same(each.value, choice.value))));
      let at = options.findIndex((choice) => same(choice.value, now.value));
      if (at < 0) at = options.push({ value: now.value, title: isRecord(now.value) ? str(now.value["name"], "Your own") : say(now.value) }) - 1;
      choose.replaceChildren(...options.map((choice) => h("option", {}, choice.title)));
      choose.selectedIndex = at;
      const made = isRecord(now.value) ? list<Record<string, unknown>>(now.value["steps"]) : [];
      steps.replaceChildren(...made.map((step) => h("span", { class: "tag" }, sentence(str(step["op"])), typeof step["p"] === "number" && step["p"] < 1 && h("span", { class: "faint" }, `\u2009${Math.round(100 * step["p"])}\u2009%`))), h("a", { class: "small", href: "/augment/" }, "Edit recipes"));
    },
  };
};

const weights: Make = (id, _field, known, changed) => {
  const choose = h("select", { class: "input", ...described(id) }), options: Choice[] = [];
  let shown: Field | null = null;
  choose.addEventListener("change", () => changed(options[choose.selectedIndex]?.value ?? null));
  const write = (now: Field): void => {
    shown = now;
    options.splice(0, options.length, { value: null, title: "None: from nothing" }, ...now.choices.filter((choice) => choice.value !== null), ...known.weights.choices);
    const hash = (value: unknown): string => (isRecord(value) ? str(value["sha256"]) : "");
    let at = options.findIndex((choice) => hash(choice.value) === hash(now.value));
    if (at < 0) at = options.push({ value: now.value, title: isRecord(now.value) ? str(now.value["name"]) || hash(now.value).slice(0, 12) : say(now.value) }) - 1;
    choose.replaceChildren(...options.map((choice) => h("option", {}, choice.title)));
    choose.selectedIndex = at;
  };
  known.weights.attach(changed, () => { if (shown) write(shown); });
  return { element: h("div", { class: "stack tight" }, choose, known.weights.element), holds: () => false, write };
};

const CONTROLS: Record<Kind, Make> = { layers, recipe, target, weights, select, chips, flag, numbers, number, text };
