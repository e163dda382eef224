// The editor: the recipe on one side, what it does to the user's own items on the other.
import { type ApiError, call, explain } from "../../lib/api";
import { all, from, notice, one, typing } from "../../lib/dom";
import { toast, toastError } from "../../lib/toast";
import { Items, type Place } from "./items";
import { Model } from "./model";
import { Previewer } from "./preview";
import { render } from "./render";
import { snippets } from "./snippets";
import { Stage } from "./stage";
import { Steps } from "./steps";
import type { Config, DatasetOf, Problem, Recipe, Saved } from "./types";

const REST_MS = 180;

export function mount(root: HTMLElement): void {
  const config = JSON.parse(root.dataset["config"] ?? "{}") as Config;
  new Editor(root, config);
}

class Editor {
  private saved: Saved | null;
  private readonly model: Model;
  private readonly steps: Steps;
  private readonly stage: Stage;
  private readonly previewer: Previewer;
  private readonly wish = new URLSearchParams(location.search);
  private items: Items | null = null;
  private place: Place | null = null;
  private seed: number;
  private count: number;
  private timer = 0;
  private judged = "";
  private fits = true;

  constructor(private readonly root: HTMLElement, private readonly config: Config) {
    this.saved = config.saved;
    const key = `rcg-augment-${config.saved?.id ?? `new-${this.wish.get("kind") ?? this.wish.get("copy") ?? ""}`}`;
    this.model = new Model(config.recipe, new Map(config.ops.map((op) => [op.name, op])), key, config.saved !== null);
    this.seed = Number(this.wish.get("seed") ?? 1) || 1;
    this.count = Number(this.wish.get("count") ?? 8) || 8;
    this.steps = new Steps(root, this.model, (text, undo) => toast(text, undo ? { word: "Undo", run: () => this.model.undo() } : undefined));
    this.stage = new Stage(root, () => this.ask(), this.wish);
    this.previewer = new Previewer((preview) => this.stage.show(preview), (state, error) => this.tell(state, error));
    this.bind();
    this.model.onChange(() => { this.words(); this.later(); });
    if (this.model.restore()) toast("Changes from before were not saved yet; they are here again", { word: "Discard", run: () => { this.model.undo(); this.model.forgetDraft(); } }, 10);
    this.words();
    const first = config.datasets.find((each) => each.id === config.dataset) ?? config.datasets[0];
    if (first) void this.openDataset(first, this.wish.get("item"));
  }

  private bind(): void {
    const { root, model } = this;
    const on = (selector: string, run: (element: HTMLElement) => void): void => {
      for (const element of all(selector, root)) element.addEventListener("click", () => run(element));
    };
    on("[data-undo]", () => model.undo());
    on("[data-redo]", () => model.redo());
    on("[data-save]", () => void this.save());
    on("[data-save-as]", () => this.askName());
    on("[data-dice]", () => this.roll());
    on("[data-item]", (button) => void this.step(Number(button.dataset["item"])));
    on("[data-count]", (button) => { this.count = Number(button.dataset["count"]); this.remember(); this.ask(); });
    on("[data-delete]", () => this.askDelete());
    on("[data-render]", () => render(root, this.config.kind));
    const name = one<HTMLInputElement>("#au-name", root);
    name?.addEventListener("change", () => { if (name.value.trim()) model.change((recipe) => { recipe.name = name.value.trim(); }); else this.words(); });
    name?.addEventListener("keydown", (event) => { if (event.key === "Enter") name.blur(); });
    const visible = one<HTMLInputElement>("[data-visible]", root);
    visible?.addEventListener("input", () => model.change((recipe) => { recipe.min_visible = Number(visible.value) / 100; }, true));
    one<HTMLSelectElement>("#au-dataset", root)?.addEventListener("change", (event) => {
      const chosen = this.config.datasets.find((each) => each.id === (event.target as HTMLSelectElement).value);
      if (chosen) void this.openDataset(chosen, null);
    });
    one<HTMLInputElement>("[data-default]", root)?.addEventListener("change", (event) => void this.makeDefault(event.target as HTMLInputElement));
    this.bindDialogs();
    document.addEventListener("keydown", (event) => this.key(event));
  }

  private bindDialogs(): void {
    const naming = one<HTMLDialogElement>("#au-save-as", this.root), deleting = one<HTMLDialogElement>("#au-delete", this.root);
    const name = one<HTMLInputElement>("#au-save-name", this.root);
    naming?.addEventListener("click", (event) => { if (from(event, "[data-close]")) naming.close(); });
    one("form", naming ?? undefined)?.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.create(name?.value.trim() ?? "").then((done) => { if (done) naming?.close(); });
    });
    deleting?.addEventListener("close", () => {
      if (deleting.returnValue === "delete" && this.saved) {
        call("DELETE", `/api/recipes/${this.saved.id}`).then(() => { this.model.forgetDraft(); location.assign("/augment/"); }).catch(toastError);
      }
      deleting.returnValue = "";
    });
  }

  private key(event: KeyboardEvent): void {
    const command = event.ctrlKey || event.metaKey, low = event.key.toLowerCase();
    if (document.querySelector("dialog[open]")) return;
    if (command && low === "s") { event.preventDefault(); void this.save(); return; }
    const field = event.target instanceof HTMLInputElement && (event.target.type === "text" || event.target.type === "number");
    if (command && !field && (low === "z" || low === "y")) {
      event.preventDefault();
      if (low === "y" || event.shiftKey) this.model.redo(); else this.model.undo();
      return;
    }
    if (command || event.altKey || typing(event)) return;
    if (event.key === "n") this.roll();
    if (event.key === ",") void this.step(-1);
    if (event.key === ".") void this.step(1);
  }

  // --- what is looked at -----------------------------------------------------------------------

  private get dataset(): DatasetOf | null { return this.items?.dataset ?? null; }

  private async openDataset(dataset: DatasetOf, item: string | null): Promise<void> {
    this.items = new Items(dataset);
    this.place = null;
    await this.go(this.items.find(item));
  }

  private async step(by: number): Promise<void> {
    if (this.items && this.place) await this.go(this.items.at(this.place.index + by));
  }

  private async go(to: Promise<Place | null>): Promise<void> {
    const items = this.items;
    try {
      const place = await to;
      if (items !== this.items || !items) return;
      if (!place) { this.tell("refused", explain(new Error(`The dataset ${items.dataset.name} has no item that can be shown.`))); return; }
      this.place = place;
      this.stage.setItem(items.dataset, place.item.layers);
      const name = one("[data-item-name]", this.root);
      if (name) { name.textContent = `${place.item.name}  (${place.index + 1} of ${place.total})`; name.title = place.item.name; }
      this.remember();
      this.words();
      this.ask();
    } catch (error) { this.tell("refused", explain(error)); }
  }

  private roll(): void {
    this.seed = (this.seed * 48271) % 2147483647;
    this.remember();
    this.ask();
  }

  private later(): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.ask(), REST_MS);
  }

  private ask(): void {
    clearTimeout(this.timer);
    if (!this.place) return;
    for (const button of all("[data-count]", this.root)) button.setAttribute("aria-pressed", String(Number(button.dataset["count"]) === this.count));
    void this.judge().then((fits) => {
      if (!fits || !this.place) return;
      const recipe = JSON.parse(this.model.text()) as Recipe;
      const layers = this.place.item.layers.map((layer) => layer.name);
      this.previewer.want({ item: this.place.item.id, recipe, seed: this.seed, count: this.count }, this.stage.layer, layers);
    });
  }

  /** Whether the dataset's labels can follow the recipe; the rows of the steps say why not. */
  private async judge(): Promise<boolean> {
    const dataset = this.dataset?.id ?? "", asked = `${dataset} ${this.model.text()}`;
    if (this.judged === asked) return this.fits;
    try {
      const found = await call<{ problems: Problem[] }>("POST", "/api/recipes/check", { recipe: this.model.recipe, dataset });
      this.judged = asked;
      this.fits = !found.problems.length;
      this.steps.setProblems(found.problems);
      if (!this.fits) {
        this.tell("refused");
        one("[data-trouble]", this.root)?.replaceChildren(notice("warn", "Not drawn: the labels of this dataset cannot follow the recipe.", "The step says why."));
      }
    } catch (error) {
      this.tell("refused", explain(error));
      return false;
    }
    return this.fits && asked === `${this.dataset?.id ?? ""} ${this.model.text()}`;
  }

  private tell(state: "idle" | "drawing" | "waiting" | "refused", error?: ApiError): void {
    const busy = one<HTMLProgressElement>("[data-busy]", this.root), trouble = one("[data-trouble]", this.root);
    if (busy) busy.hidden = state !== "drawing" && state !== "waiting";
    if (!trouble) return;
    if (state === "waiting") trouble.replaceChildren(notice("", "Waits for its turn.", "Other jobs are being computed; the draws come by themselves."));
    else if (state !== "refused" || !error) trouble.replaceChildren();
    else trouble.replaceChildren(notice("bad", error.detail, error.hint));
  }

  private remember(): void {
    const url = new URL(location.href), set = (key: string, value: string): void => url.searchParams.set(key, value);
    if (this.dataset) set("dataset", this.dataset.id);
    if (this.place) set("item", this.place.item.id);
    set("seed", String(this.seed));
    set("count", String(this.count));
    history.replaceState(null, "", url);
  }

  // --- keeping ---------------------------------------------------------------------------------

  private words(): void {
    const { model, saved, root } = this;
    const says = one("[data-saved]", root);
    if (says) says.textContent = saved ? (model.dirty ? "Changed, not saved" : "Saved") : "Not saved yet";
    const button = (key: string, on: boolean): void => { const found = one<HTMLButtonElement>(key, root); if (found) found.disabled = !on; };
    button("[data-undo]", model.canUndo);
    button("[data-redo]", model.canRedo);
    button("[data-save]", !saved || model.dirty);
    const name = one<HTMLInputElement>("#au-name", root), visible = one<HTMLInputElement>("[data-visible]", root);
    if (name && document.activeElement !== name) name.value = model.recipe.name;
    if (visible) {
      visible.value = String(Math.round(model.recipe.min_visible * 100));
      const figure = one("output", visible.parentElement ?? undefined);
      if (figure) figure.textContent = `${visible.value}\u2009%`;
    }
    const box = one<HTMLInputElement>("[data-default]", root), hint = one("[data-default-hint]", root), of = one("[data-default-name]", root);
    if (box && hint && of) {
      of.textContent = this.dataset?.name ?? "";
      box.disabled = !saved || !this.dataset;
      box.checked = saved?.datasets.some((each) => each.id === this.dataset?.id) ?? false;
      hint.textContent = !saved ? "Save the recipe first." : box.checked ? "New versions of this dataset are trained with it." : "Versions take it when nothing else is said.";
    }
    snippets(root, this.config.curl, model.recipe, saved, this.dataset);
  }

  private async save(): Promise<void> {
    const { saved, model } = this;
    if (!saved) { await this.create(model.recipe.name); return; }
    if (!model.dirty) return;
    try {
      this.saved = await call<Saved>("PUT", `/api/recipes/${saved.id}`, { recipe: model.recipe, updated_at: saved.updated_at });
      model.wasSaved();
      toast("Saved. Versions that were made with it keep their copy.");
    } catch (error) {
      const known = explain(error);
      if (known.status === 409) toast(`${known.detail} ${known.hint}`, { word: "Save as", run: () => this.askName() }, 12);
      else toastError(error);
    }
  }

  private async create(name: string): Promise<boolean> {
    const recipe = { ...this.model.recipe, name };
    try {
      const made = await call<Saved>("POST", "/api/recipes", { recipe });
      this.model.forgetDraft();
      location.assign(`/augment/${made.id}${location.search.replace(/([?&])(kind|copy)=[^&]*&?/g, "$1")}`);
      return true;
    } catch (error) {
      const known = explain(error);
      this.askName(known.status === 409 ? name : undefined);
      const place = one("#au-save-name-error", this.root);
      if (place) place.textContent = `${known.detail} ${known.hint}`;
      return false;
    }
  }

  private askName(taken?: string): void {
    const dialog = one<HTMLDialogElement>("#au-save-as", this.root), name = one<HTMLInputElement>("#au-save-name", this.root), place = one("#au-save-name-error", this.root);
    if (!dialog || !name || !place) return;
    if (!dialog.open) {
      place.textContent = "";
      name.value = taken ?? (this.saved ? `${this.model.recipe.name} (copy)` : this.model.recipe.name);
      dialog.showModal();
    }
    name.select();
  }

  private askDelete(): void {
    const dialog = one<HTMLDialogElement>("#au-delete", this.root), going = one("[data-going]", dialog ?? undefined);
    const users = this.saved?.datasets.map((each) => each.name).join(", ");
    if (going) going.textContent = `${users ? `It is the default of ${users}, which will have none. ` : ""}Versions that were made with it keep their copy. This cannot be undone.`;
    dialog?.showModal();
  }

  private async makeDefault(box: HTMLInputElement): Promise<void> {
    const { saved, dataset } = this;
    if (!saved || !dataset) return;
    try {
      const now = await call<Saved>(box.checked ? "PUT" : "DELETE", `/api/recipes/${saved.id}/datasets/${dataset.id}`);
      this.saved = { ...saved, datasets: now.datasets };
      toast(box.checked ? `New versions of ${dataset.name} take this recipe` : `${dataset.name} has no recipe of its own any more`,
        { word: "Open the dataset", run: () => location.assign(`/studio/datasets/${dataset.id}`) });
    } catch (error) { toastError(error); }
    this.words();
  }
}

