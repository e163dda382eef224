// The strip of readings: where the best stands against the target, how far, how long, how fast.
import { one } from "../../lib/dom";
import type { MetricInfo } from "./classes";
import { figure, metricTitle, percent, range, seconds, short, unit } from "./figures";
import type { Column, History } from "./history";
import { num } from "./rows";
import { svg } from "./shapes";

export interface Aim { metric: string; value: number }
const clock = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

export function lastOf(column: Column): number | null {
  for (let at = column.length - 1; at >= 0; at--) { const value = column[at]; if (typeof value === "number") return value; }
  return null;
}

/** The mean of the last values that are there. */
export function recent(column: Column, count: number): number | null {
  const values: number[] = [];
  for (let at = column.length - 1; at >= 0 && values.length < count; at--) { const value = column[at]; if (typeof value === "number") values.push(value); }
  return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
}

export class Readings {
  constructor(private readonly root: HTMLElement, private readonly metric: string | null, private readonly target: Aim | null, private readonly info: Record<string, MetricInfo>) {}

  draw(history: History, going: boolean): void {
    this.best(history);
    this.step(history);
    if (going) this.left(history);
    this.pace(history);
    this.loss(history);
  }

  value(metric: string, value: number | null): string {
    const known = this.info[metric];
    return known?.unit ? unit(value, known.unit, 2) : figure(value, 3);
  }

  private set(key: string, part: "value" | "note", text: string): void {
    const place = one(`[data-reading=${key}] [data-${part}]`, this.root);
    if (place && text) place.textContent = text;
  }

  private best(history: History): void {
    const name = this.metric;
    if (!name || !history.evals.length) return;
    const higher = this.info[name]?.higher ?? true, best = history.bestOf(name, higher), value = best?.metrics[name] ?? null;
    this.set("best", "value", this.value(name, value));
    const aim = this.target;
    const against = !aim ? "" : aim.metric === name ? ` \u00b7 target ${this.value(name, aim.value)}` : ` \u00b7 target ${metricTitle(aim.metric)} ${this.value(aim.metric, aim.value)}`;
    this.set("best", "note", `${best ? `best, at step ${best.step}` : "no evaluation yet"}${against}`);
    const scale = one("[data-reading=best] [data-scale]", this.root);
    if (!scale || this.info[name]?.unit) return;
    const band = best?.interval[name], drawing = svg("svg", { class: "tr-scale", viewBox: "0 0 100 12", preserveAspectRatio: "none", "aria-hidden": "true" },
      svg("rect", { class: "track", y: 4, width: 100, height: 4 }), svg("rect", { class: "value", y: 4, width: Math.max(0, 100 * (value ?? 0)), height: 4 }));
    if (band) drawing.append(svg("rect", { class: "band", x: 100 * band[0], y: 2, width: Math.max(0, 100 * (band[1] - band[0])), height: 8 }));
    if (aim?.metric === name) drawing.append(svg("path", { class: "aim", d: `M${100 * aim.value} 0V12` }));
    scale.replaceChildren(drawing);
  }

  private step(history: History): void {
    const at = history.steps.at(-1) ?? null, of = history.horizon;
    if (at !== null) this.set("step", "value", String(at));
    const place = one("[data-reading=step] [data-of]", this.root), bar = one<HTMLProgressElement>("[data-reading=step] [data-bar]", this.root);
    if (place && of) place.textContent = String(of);
    if (bar && of && at !== null) bar.value = at / of;
    const epoch = lastOf(history.column("epoch"));
    this.set("step", "note", epoch === null ? "" : `epoch ${figure(epoch, 1)}`);
  }

  private left(history: History): void {
    const eta = history.latest["eta"];
    if (!eta) return;
    const low = num(eta["seconds_p10"]), high = num(eta["seconds_p90"]), middle = num(eta["seconds_p50"]);
    this.set("left", "value", range(low, high));
    if (middle !== null) this.set("left", "note", `ends about ${clock.format(eta.t + 1000 * middle)}`);
  }

  private pace(history: History): void {
    const step = recent(history.column("step_s"), 30), images = recent(history.column("images_per_s"), 30), data = recent(history.column("data_s"), 30);
    if (step === null) return;
    this.set("pace", "value", `${seconds(step)} a step`);
    const waits = data === null || !step ? "" : ` \u00b7 ${percent(Math.min(1, data / step))} waiting for data`;
    this.set("pace", "note", `${short(images)} items/s${waits}`);
  }

  private loss(history: History): void {
    const column = history.column("loss"), now = recent(column, 10);
    if (now === null) return;
    this.set("loss", "value", short(now));
    const gradient = lastOf(history.column("grad_norm"));
    this.set("loss", "note", gradient === null ? "" : `gradient ${short(gradient)}`);
    const place = one("[data-reading=loss] [data-spark]", this.root);
    place?.replaceChildren(sparkline(column.slice(-200)));
  }
}

export function sparkline(values: Column, most?: number): SVGSVGElement {
  const known = values.filter((value): value is number => typeof value === "number");
  const low = most === undefined ? Math.min(...known) : 0, high = most ?? Math.max(...known);
  const points = known.map((value, index) => `${((100 * index) / Math.max(1, known.length - 1)).toFixed(1)} ${(26 - (24 * (value - low)) / (high - low || 1)).toFixed(1)}`);
  return svg("svg", { class: "sparkline", viewBox: "0 0 100 28", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("path", { d: points.length > 1 ? `M${points.join("L")}` : "" }));
}
