// Bars per class, of the evaluation that is shown.
import { h } from "../../lib/dom";
import { figure, metricTitle, sentence } from "./figures";
import type { Evaluation } from "./rows";
import { type ColourOf, svg } from "./shapes";

export interface MetricInfo { title: string; unit: string; higher: boolean }

/** Metrics are shares of 1 except those with a unit, whose bars are as long as their share of the longest. */
export function drawClasses(place: HTMLElement, evaluation: Evaluation | null, metric: string, info: MetricInfo | undefined, colourOf: ColourOf, titleOf: (label: string) => string): void {
  const rows = Object.entries(evaluation?.perClass ?? {});
  if (!evaluation || !rows.length) {
    place.replaceChildren(h("p", { class: "faint small" }, "The first evaluation shows how well each class is found."));
    return;
  }
  const key = rows.some(([, values]) => metric in values) ? metric : Object.keys(rows[0]?.[1] ?? {})[0] ?? metric;
  const values = rows.map(([, figures]) => figures[key] ?? null);
  const most = info?.unit ? Math.max(...values.map((value) => value ?? 0)) || 1 : 1;
  const lines = rows.map(([name, figures]) => {
    const value = figures[key] ?? null, low = figures[`${key}_low`] ?? evaluation.interval[`${name}/${key}`]?.[0] ?? null, high = figures[`${key}_high`] ?? evaluation.interval[`${name}/${key}`]?.[1] ?? null;
    return h("li", { class: "tr-class" }, h("span", { class: "truncate", title: titleOf(name) }, titleOf(name)), bar(value === null ? null : value / most, low, high, colourOf(name)), h("span", { class: "figure" }, figure(value, info?.unit ? 2 : 3)));
  });
  place.replaceChildren(h("ul", { class: "tr-classes", "aria-label": `${info?.title ?? metricTitle(key)} per class at step ${evaluation.step}` }, ...lines));
}

export function bar(share: number | null, low: number | null, high: number | null, colour: string): SVGSVGElement {
  const drawing = svg("svg", { class: "tr-bar", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("rect", { class: "track", width: 100, height: 8 }));
  if (share !== null) {
    const value = svg("rect", { class: "value", width: Math.max(0, Math.min(100, 100 * share)), height: 8 });
    value.style.setProperty("--ink", `var(--${colour})`);
    drawing.append(value);
  }
  if (low !== null && high !== null) drawing.append(svg("path", { class: "whisker", d: `M${100 * low} 4H${100 * high}` }));
  return drawing;
}

export const classTitle = (titles: Record<string, { title: string; colour: number }>) => (label: string): string => titles[label]?.title || sentence(label);
