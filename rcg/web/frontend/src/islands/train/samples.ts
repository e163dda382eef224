// Sample predictions: what the network sees in the same held-out items at every evaluation, with a scrubber over time.
import { all, h, icon, one } from "../../lib/dom";
import { figure, sentence, words } from "./figures";
import type { History } from "./history";
import type { Sample } from "./rows";
import { type ColourOf, type Drawn, overlay } from "./shapes";

export class Samples {
  /** The step that is shown; null: the newest. */
  private chosen: number | null = null;
  private at = -1;
  private open: number | null = null;
  private readonly show: Drawn = { truth: true, predicted: true, least: 0.5 };
  private readonly slider: HTMLInputElement | null;
  private readonly grid: HTMLElement | null;
  private history: History | null = null;

  constructor(private readonly root: HTMLElement, private readonly run: string, private readonly colourOf: ColourOf, private readonly moved: (step: number | null) => void) {
    this.slider = one<HTMLInputElement>("[data-scrub]", root);
    this.grid = one("[data-samples]", root);
    this.slider?.addEventListener("input", () => this.scrub(Number(this.slider?.value)));
    for (const button of all("[data-scrub-by]", root)) button.addEventListener("click", () => this.scrub(this.index() + Number(button.dataset["scrubBy"])));
    one("[data-newest]", root)?.addEventListener("click", () => { this.chosen = null; this.redraw(); });
    for (const button of all("[data-show-shapes]", root)) {
      button.addEventListener("click", () => {
        const key = button.dataset["showShapes"] === "truth" ? "truth" : "predicted";
        this.show[key] = !this.show[key];
        for (const each of all(`[data-show-shapes="${key}"]`)) each.setAttribute("aria-pressed", String(this.show[key]));
        this.redraw();
      });
    }
    const least = one<HTMLInputElement>("[data-least]", root), says = one("[data-least-says]", root);
    least?.addEventListener("input", () => { this.show.least = Number(least.value); if (says) says.textContent = figure(this.show.least, 2); this.redraw(); });
    this.grid?.addEventListener("click", (event) => {
      const tile = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-sample]") : null;
      if (tile) this.enlarge(Number(tile.dataset["sample"]));
    });
    const dialog = one<HTMLDialogElement>("#tr-sample");
    dialog?.addEventListener("close", () => { this.open = null; });
    dialog?.addEventListener("keydown", (event) => {
      if (this.open === null || (event.target instanceof HTMLInputElement && event.target.type === "range")) return;
      const tiles = this.shown().length, turn = { ArrowRight: 1, ArrowLeft: -1 }[event.key], time = { ArrowUp: 1, ArrowDown: -1 }[event.key];
      if (turn) { event.preventDefault(); this.enlarge((this.open + turn + tiles) % tiles); }
      if (time) { event.preventDefault(); this.scrub(this.index() + time); }
    });
  }

  draw(history: History): void {
    this.history = history;
    this.redraw();
  }

  private steps(): number[] {
    return [...(this.history?.samples.keys() ?? [])].sort((a, b) => a - b);
  }

  private index(): number {
    const steps = this.steps();
    return this.chosen === null ? steps.length - 1 : steps.indexOf(this.chosen);
  }

  private shown(): Sample[] {
    return this.history?.samples.get(this.at) ?? [];
  }

  private scrub(to: number): void {
    const steps = this.steps(), index = Math.max(0, Math.min(steps.length - 1, to));
    this.chosen = index === steps.length - 1 ? null : steps[index] ?? null;
    this.redraw();
  }

  private redraw(): void {
    const steps = this.steps();
    this.root.classList.toggle("is-empty", !steps.length);
    if (!steps.length || !this.grid) return;
    const index = Math.max(0, this.index());
    this.at = steps[index] ?? 0;
    if (this.slider) {
      this.slider.max = String(steps.length - 1);
      this.slider.value = String(index);
      this.slider.setAttribute("aria-valuetext", `step ${this.at}`);
    }
    const says = one("[data-scrub-says]", this.root), newest = one("[data-newest]", this.root);
    if (says) says.textContent = `step ${this.at}`;
    if (newest) newest.hidden = this.chosen === null;
    for (const button of all<HTMLButtonElement>("[data-scrub-by]", this.root)) button.disabled = Number(button.dataset["scrubBy"]) < 0 ? index === 0 : index === steps.length - 1;
    const samples = this.shown();
    samples.forEach((sample, place) => this.tile(sample, place));
    for (const extra of [...this.grid.children].slice(samples.length)) extra.remove();
    if (this.open !== null) this.enlarge(this.open);
    this.moved(this.chosen);
  }

  /** Tiles are kept and their pictures changed in place, so that scrubbing does not flicker. */
  private tile(sample: Sample, place: number): void {
    let item = this.grid?.children[place] as HTMLElement | undefined;
    if (!item) {
      item = h("li", {}, h("button", { type: "button", class: "tr-sample", "data-sample": place }, h("span", { class: "tr-picture" }, h("img", { alt: "", decoding: "async" })), h("span", { class: "tr-says small" })));
      this.grid?.append(item);
    }
    const image = one<HTMLImageElement>("img", item), picture = one(".tr-picture", item), says = one(".tr-says", item), url = this.url(sample);
    if (image && image.getAttribute("src") !== url) {
      image.width = sample.width || 1;
      image.height = sample.height || 1;
      image.src = url;
    }
    one("svg", item)?.remove();
    picture?.append(overlay(sample.width, sample.height, sample.truth, sample.predicted, this.colourOf, this.show, false));
    if (says) says.replaceChildren(h("span", { class: "truncate" }, sample.name || sample.item), h("span", { class: "faint figure nowrap" }, counts(sample, this.show.least)));
  }

  private url(sample: Sample): string {
    return `/api/training/${this.run}/samples/${sample.step}/${encodeURIComponent(sample.file)}`;
  }

  private enlarge(place: number): void {
    const dialog = one<HTMLDialogElement>("#tr-sample"), sample = this.shown()[place];
    if (!dialog || !sample) return;
    this.open = place;
    const picture = one("[data-picture]", dialog), found = one("[data-found]", dialog), title = one("h2", dialog);
    if (title) title.textContent = `${sample.name || sample.item}, step ${sample.step}`;
    picture?.replaceChildren(h("img", { src: this.url(sample), alt: `${sample.name || sample.item} with ${counts(sample, this.show.least)}`, width: sample.width || 1, height: sample.height || 1 }),
      overlay(sample.width, sample.height, sample.truth, sample.predicted, this.colourOf, this.show, true));
    const kept = sample.predicted.filter((each) => (each.score ?? 1) >= this.show.least).sort((a, b) => (b.score ?? 0) - (a.score ?? 0));
    found?.replaceChildren(...kept.map((each) => {
      const swatch = h("span", { class: "tr-swatch", "aria-hidden": "true" });
      swatch.style.setProperty("--ink", `var(--${this.colourOf(each.label)})`);
      return h("li", {}, swatch, h("span", {}, sentence(each.label)), h("span", { class: "figure" }, each.score === null || each.score === undefined ? "-" : each.score.toFixed(2)));
    }));
    if (!kept.length) found?.replaceChildren(h("li", { class: "faint" }, icon("minus"), "nothing found at this score"));
    const truth = one("[data-truth-says]", dialog);
    if (truth) truth.textContent = sample.truth.length ? [...tally(sample)].map(([label, count]) => `${count} ${words(label)}`).join(", ") : "nothing to find";
    if (!dialog.open) dialog.showModal();
  }
}

function tally(sample: Sample): Map<string, number> {
  const counted = new Map<string, number>();
  for (const each of sample.truth) counted.set(each.label, (counted.get(each.label) ?? 0) + 1);
  return counted;
}

function counts(sample: Sample, least: number): string {
  if (sample.predicted.concat(sample.truth).some((each) => each.shape.type === "points")) return "points";
  const found = sample.predicted.filter((each) => (each.score ?? 1) >= least).length;
  return `${found} found, ${sample.truth.length} true`;
}
