// The steps as rows: switched, ordered, opened to their parameters. Rows are made anew only when their order changes,
// so that a slider keeps the pointer and the focus while it moves.
import { all, from, h, icon, one } from "../../lib/dom";
import { type Model, brief, shown } from "./model";
import type { Parameter, Problem, Step, Value } from "./types";

export class Steps {
  private readonly open = new WeakSet<Step>();
  private rows: Step[] = [];
  private problems: Problem[] = [];

  constructor(private readonly root: HTMLElement, private readonly model: Model, private readonly say: (text: string, undo: boolean) => void) {
    for (const list of all("[data-steps]", root)) this.bind(list);
    for (const menu of all("[data-add]", root)) this.fillMenu(menu);
    model.onChange(() => this.show());
    this.show();
  }

  setProblems(problems: Problem[]): void {
    this.problems = problems;
    this.refresh();
  }

  private show(): void {
    const steps = this.model.recipe.steps;
    const same = steps.length === this.rows.length && steps.every((step, index) => step === this.rows[index]);
    if (!same) {
      this.rows = [...steps];
      for (const list of all("[data-steps]", this.root)) {
        const moves = list.dataset["steps"] === "move";
        list.replaceChildren(...steps.flatMap((step, index) => (this.model.moves(step) === moves ? [this.row(step, index)] : [])));
        const none = one(`[data-none="${list.dataset["steps"]}"]`, this.root);
        if (none) none.hidden = list.childElementCount > 0;
      }
    }
    this.refresh();
  }

  private row(step: Step, index: number): HTMLElement {
    const op = this.model.ops.get(step.op);
    if (!op) return h("li", {});
    const body = `au-step-${index}`, opened = this.open.has(step);
    const button = (act: string, word: string, name: string, key: string): HTMLElement =>
      h("button", { class: "button quiet icon-only", type: "button", "data-act": act, "aria-label": `${word} ${op.title}`, title: key ? `${word}  ${key}` : word }, icon(name));
    const fields = h("div", { class: "au-fields", id: body, hidden: !opened },
      h("p", { class: "small muted" }, op.description),
      number(index, { name: "p", title: "Probability", description: "", type: "number", default: op.p, minimum: 0, maximum: 1, step: 0.05, unit: "", choices: [] }, step["p"]),
      ...op.parameters.map((parameter) => field(index, parameter, step[parameter.name])));
    return h("li", { class: "au-step", "data-index": index },
      h("div", { class: "au-head" },
        h("label", { class: "au-switch" }, h("input", { type: "checkbox", "data-set": "on", "aria-label": `${op.title}: on` })),
        h("button", { class: "au-open", type: "button", "data-act": "open", "aria-expanded": String(opened), "aria-controls": body },
          h("span", { class: "au-word" }, op.title), h("span", { class: "small faint", "data-brief": "" })),
        h("span", { class: "figure small muted", "data-chance": "" }),
        h("span", { class: "au-acts" }, button("up", "Move up", "arrow-up", "Alt ↑"), button("down", "Move down", "arrow-down", "Alt ↓"), button("remove", "Remove", "x", ""))),
      h("div", { class: "au-wrong small", "data-wrong": "", role: "alert" }), fields);
  }

  /** Puts values and words into the rows there are. */
  private refresh(): void {
    const steps = this.model.recipe.steps;
    for (const row of all<HTMLElement>("[data-index]", this.root)) {
      const index = Number(row.dataset["index"]), step = steps[index], op = step && this.model.ops.get(step.op);
      if (!step || !op) continue;
      row.classList.toggle("off", !step.on);
      for (const input of all<HTMLInputElement | HTMLSelectElement>("[data-set]", row)) put(input, step[input.dataset["set"] ?? ""]);
      const words = one("[data-brief]", row), chance = one("[data-chance]", row), wrong = one("[data-wrong]", row);
      if (words) words.textContent = brief(step, op);
      if (chance) chance.textContent = step.on ? `${Math.round(step.p * 100)}\u2009%` : "off";
      const beside = (at: number): boolean => { const other = steps[at]; return other !== undefined && this.model.moves(other) === this.model.moves(step); };
      for (const [act, at] of [["up", index - 1], ["down", index + 1]] as const) {
        const button = one<HTMLButtonElement>(`[data-act="${act}"]`, row);
        if (button) button.setAttribute("aria-disabled", String(!beside(at)));
      }
      const problem = this.problems.find((each) => each.step === index && each.op === step.op && step.on);
      if (wrong) {
        const text = problem ? `Not possible with these labels: ${problem.reason} ${problem.hint}` : "";
        if (wrong.dataset["said"] !== text) {
          wrong.dataset["said"] = text;
          wrong.replaceChildren(...(problem ? [icon("circle-alert"), h("span", {}, text), h("button", { class: "button small", type: "button", "data-act": "off" }, "Switch off")] : []));
        }
      }
    }
  }

  private bind(list: HTMLElement): void {
    const indexOf = (event: Event): number => Number(from(event, "[data-index]")?.dataset["index"] ?? -1);
    list.addEventListener("click", (event) => {
      const act = from(event, "[data-act]"), index = indexOf(event), step = this.model.recipe.steps[index];
      if (!act || !step || act.getAttribute("aria-disabled") === "true") return;
      const what = act.dataset["act"];
      if (what === "open") this.toggle(act, step);
      if (what === "up") this.shift(index, -1, what);
      if (what === "down") this.shift(index, 1, what);
      if (what === "off") this.model.set(index, "on", false);
      if (what === "remove") {
        const title = this.model.ops.get(step.op)?.title ?? step.op;
        this.model.remove(index);
        (one(`[data-steps] [data-index="${Math.min(index, this.model.recipe.steps.length - 1)}"] [data-act="open"]`, this.root) ?? one("[popovertarget]", this.root))?.focus();
        this.say(`${title} removed`, true);
      }
    });
    const take = (event: Event, gentle: boolean): void => {
      const input = from(event, "[data-set]"), index = indexOf(event);
      if (!(input instanceof HTMLInputElement || input instanceof HTMLSelectElement)) return;
      const value = read(input);
      if (value !== null) this.model.set(index, input.dataset["set"] ?? "", value, gentle);
      else if (!gentle) this.refresh();
    };
    list.addEventListener("input", (event) => take(event, true));
    list.addEventListener("change", (event) => take(event, false));
    list.addEventListener("keydown", (event) => {
      if (!event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
      event.preventDefault();
      this.shift(indexOf(event), event.key === "ArrowUp" ? -1 : 1, "open");
    });
  }

  private shift(index: number, by: -1 | 1, focus: string): void {
    const now = this.model.shift(index, by);
    one(`[data-index="${now}"] [data-act="${focus}"]`, this.root)?.focus();
  }

  private toggle(button: HTMLElement, step: Step): void {
    const opened = !this.open.has(step);
    if (opened) this.open.add(step); else this.open.delete(step);
    button.setAttribute("aria-expanded", String(opened));
    const body = button.closest("[data-index]")?.querySelector<HTMLElement>(".au-fields");
    if (body) body.hidden = !opened;
  }

  private fillMenu(menu: HTMLElement): void {
    const moves = menu.dataset["add"] === "move";
    for (const op of this.model.ops.values()) {
      if (op.moves === moves) menu.append(h("button", { type: "button", "data-op": op.name }, h("strong", {}, op.title), h("span", { class: "small muted" }, op.description)));
    }
    menu.addEventListener("click", (event) => {
      const op = this.model.ops.get(from(event, "[data-op]")?.dataset["op"] ?? "");
      if (!op) return;
      menu.hidePopover();
      const index = this.model.add(op);
      const row = one(`[data-index="${index}"]`, this.root), title = row && one("[data-act=open]", row);
      title?.click();
      title?.focus();
      row?.scrollIntoView({ block: "nearest" });
    });
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
      event.preventDefault();
      const buttons = all<HTMLButtonElement>("[data-op]", menu), at = buttons.indexOf(document.activeElement as HTMLButtonElement);
      buttons[(at + (event.key === "ArrowDown" ? 1 : -1) + buttons.length) % buttons.length]?.focus();
    });
    menu.addEventListener("toggle", (event) => {
      if ((event as ToggleEvent).newState !== "open") return;
      const button = one(`[popovertarget="${menu.id}"]`, this.root)?.getBoundingClientRect();
      if (button) {
        const high = Math.min(menu.offsetHeight, innerHeight - 24), low = button.bottom + 4;
        menu.style.top = `${Math.max(12, Math.min(low, innerHeight - high - 12))}px`;
        menu.style.left = `${Math.max(12, Math.min(button.right - menu.offsetWidth, innerWidth - menu.offsetWidth - 12))}px`;
      }
      one<HTMLButtonElement>("[data-op]", menu)?.focus();
    });
  }
}

function field(index: number, parameter: Parameter, value: Value | undefined): HTMLElement {
  if (parameter.type === "number") return number(index, parameter, value);
  const id = `au-${index}-${parameter.name}`;
  if (parameter.type === "flag") {
    return h("label", { class: "check" }, h("input", { type: "checkbox", "data-set": parameter.name, id }), h("span", {}, parameter.title));
  }
  return h("div", { class: "field" }, h("label", { for: id }, parameter.title),
    h("select", { class: "input", id, "data-set": parameter.name, "aria-describedby": `${id}-hint` }, ...parameter.choices.map((choice) => h("option", { value: choice }, choice))),
    h("span", { class: "hint", id: `${id}-hint` }, parameter.description));
}

/** A slider with its number, both for the same value. */
function number(index: number, parameter: Parameter, value: Value | undefined): HTMLElement {
  const id = `au-${index}-${parameter.name}`, percent = parameter.name === "p";
  const limits = percent ? { min: 0, max: 100, step: 5 } : { min: parameter.minimum, max: parameter.maximum, step: parameter.step };
  const shared = { "data-set": parameter.name, "data-percent": percent, ...limits };
  void value;
  return h("div", { class: "field" }, h("label", { for: id }, parameter.title),
    h("span", { class: "au-slider" }, h("input", { type: "range", id, ...shared, title: parameter.description || null }),
      h("span", { class: "with-unit" }, h("input", { class: "input", type: "number", ...shared, "aria-label": `${parameter.title}, number` }), h("span", { class: "unit" }, percent ? "%" : parameter.unit))));
}

function read(input: HTMLInputElement | HTMLSelectElement): Value | null {
  if (input instanceof HTMLSelectElement) return input.value;
  if (input.type === "checkbox") return input.checked;
  if (input.value.trim() === "" || !input.checkValidity() && input.type === "number" && (input.validity.rangeOverflow || input.validity.rangeUnderflow || input.validity.badInput)) return null;
  const value = Number(input.value);
  return "percent" in input.dataset ? value / 100 : value;
}

function put(input: HTMLInputElement | HTMLSelectElement, value: Value | undefined): void {
  if (value === undefined) return;
  if (input instanceof HTMLInputElement && input.type === "checkbox") { input.checked = value === true; return; }
  if (input === document.activeElement && input instanceof HTMLInputElement && input.type === "number") return;
  const text = typeof value === "number" ? shown("percent" in input.dataset ? value * 100 : value) : String(value);
  if (input.value !== text) input.value = text;
}
