// The same held-out item as two runs see it, side by side, and what each finds per class.
import { h, one } from "../../lib/dom";
import { type MetricInfo, bar } from "./classes";
import { figure, metricTitle, unit, words } from "./figures";
import type { History } from "./history";
import type { Evaluation, Sample } from "./rows";
import { type ColourOf, type Rectangle, bounds, overlay } from "./shapes";

export interface Side { id: string; word: string; history: History }
const LEAST = 0.5;
const OVERLAP = 0.5;

/** How many of an item's true things are found: by a prediction of their class whose box overlaps theirs by half. */
export function found(sample: Sample, least = LEAST): number {
  const sure = sample.predicted.filter((each) => (each.score ?? 1) >= least);
  return sample.truth.filter((each) => sure.some((one) => one.label === each.label && overlap(bounds(one.shape), bounds(each.shape)) >= OVERLAP)).length;
}

function overlap(a: Rectangle, b: Rectangle): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]), height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const area = (box: Rectangle): number => (box[2] - box[0]) * (box[3] - box[1]);
  return (width * height) / (area(a) + area(b) - width * height);
}

export class Pairs {
  private item = "";
  /** The name of the item shown; empty while there is none. */
  name = "";

  constructor(private readonly root: HTMLElement, private readonly metric: string | null, private readonly info: Record<string, MetricInfo>, private readonly colourOf: ColourOf, private readonly titleOf: (label: string) => string) {}

  draw(sides: Side[]): void {
    const evaluations = sides.map((side) => best(side.history, this.metric, this.info)), samples = sides.map((side, index) => shown(side.history, evaluations[index] ?? null));
    const both = [...(samples[0]?.values() ?? [])].filter((each) => samples[1]?.has(each.item));
    this.root.hidden = !both.length && evaluations.some((each) => each === null);
    if (this.root.hidden) return;
    this.pictures(sides, samples, both, evaluations);
    this.classes(sides, evaluations);
  }

  private pictures(sides: Side[], samples: Map<string, Sample>[], both: Sample[], evaluations: (Evaluation | null)[]): void {
    const place = one("[data-pair]", this.root), chips = one("[data-pair-items]", this.root);
    if (!place || !chips || !both.length) return;
    const gain = (sample: Sample): number => found(sample) - found(samples[1]?.get(sample.item) ?? sample);
    // The item that tells the two apart most is the one to begin with.
    if (!both.some((each) => each.item === this.item)) this.item = both.reduce((most, each) => (Math.abs(gain(each)) > Math.abs(gain(most)) ? each : most)).item;
    this.name = both.find((each) => each.item === this.item)?.name ?? "";
    place.replaceChildren(...sides.map((side, index) => {
      const sample = samples[index]?.get(this.item);
      if (!sample) return h("figure", {});
      const image = h("img", { src: `/api/training/${side.id}/samples/${sample.step}/${encodeURIComponent(sample.file)}`, alt: `${sample.name} as seen ${side.word}`, width: sample.width || 1, height: sample.height || 1 });
      const picture = h("div", { class: "tr-picture" }, image);
      picture.append(overlay(sample.width, sample.height, sample.truth, sample.predicted, this.colourOf, { truth: true, predicted: true, least: LEAST }, true));
      return h("figure", {}, h("figcaption", { class: "row between" }, h("strong", {}, side.word), h("span", { class: "small muted figure" }, `${found(sample)} of ${sample.truth.length} found, step ${evaluations[index]?.step ?? sample.step}`)), picture);
    }));
    const says = one("[data-pair-says]", this.root), more = both.reduce((sum, each) => sum + gain(each), 0), [a, b] = [sides[0]?.word ?? "", sides[1]?.word ?? ""];
    if (says) says.textContent = `On these ${both.length} held-out items ${more === 0 ? "both find as many" : `\u201c${more > 0 ? a : b}\u201d finds ${Math.abs(more)} more than \u201c${more > 0 ? b : a}\u201d`}; scores from ${LEAST}.`;
    chips.replaceChildren(...both.map((each) => h("button", { type: "button", class: "chip", "aria-pressed": String(each.item === this.item), onclick: () => { this.item = each.item; this.draw(sides); } }, each.name || each.item)));
  }

  private classes(sides: Side[], evaluations: (Evaluation | null)[]): void {
    const place = one("[data-pair-classes]", this.root), metric = this.metric ?? "", symbol = this.info[metric]?.unit ?? "";
    if (!place) return;
    const names = [...new Set(evaluations.flatMap((each) => Object.keys(each?.perClass ?? {})))];
    const most = symbol ? Math.max(...evaluations.flatMap((each) => names.map((name) => each?.perClass[name]?.[metric] ?? 0))) || 1 : 1;
    const say = (value: number | null): string => (symbol ? unit(value, symbol) : figure(value));
    const rows = (label: string, read: (each: Evaluation | null) => number | null, colour: (index: number) => string): HTMLElement =>
      h("tbody", {}, ...sides.map((side, index) => { const value = read(evaluations[index] ?? null); return h("tr", {}, index === 0 ? h("th", { scope: "rowgroup", rowspan: sides.length }, label) : null, h("td", { class: "small muted" }, side.word), h("td", { class: "tr-bar-cell" }, bar(value === null ? null : value / most, null, null, colour(index))), h("td", { class: "figure strong" }, say(value))); }));
    place.replaceChildren(h("table", { class: "table compact tr-pair-table" }, h("caption", { class: "visually-hidden" }, `${this.info[metric]?.title ?? metricTitle(metric)} of both`),
      rows("All", (each) => each?.metrics[metric] ?? null, (index) => (index ? "text-3" : "accent")),
      ...names.map((name) => rows(this.titleOf(name) || words(name), (each) => each?.perClass[name]?.[metric] ?? null, () => this.colourOf(name)))));
  }
}

function best(history: History, metric: string | null, info: Record<string, MetricInfo>): Evaluation | null {
  return (metric ? history.bestOf(metric, info[metric]?.higher ?? true) : null) ?? history.evals.at(-1) ?? null;
}

/** Samples of the best evaluation, else of the newest that has any, by item. */
function shown(history: History, evaluation: Evaluation | null): Map<string, Sample> {
  const samples = (evaluation ? history.samples.get(evaluation.step) : undefined) ?? history.samples.get(Math.max(...history.samples.keys())) ?? [];
  return new Map(samples.map((each) => [each.item, each]));
}
