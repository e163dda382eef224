// A chart: uPlot with the tokens' colours, a head that reads the lines out at the cursor, and its numbers as a table.
import uPlot from "uplot";
import { h, one } from "../../lib/dom";
import { short } from "./figures";
import { ink, onTheme } from "./ink";

export interface Line {
  key: string; title: string; colour: string; width?: number;
  /** draw a dot at each value: for what is measured seldom */
  dots?: boolean;
  /** keep the true values as a faint line under a smoothed one */
  smooth?: boolean;
  hidden?: boolean;
}
export interface Upright { step: number; kind: "resumed" | "extended" | "paused" | "best" | "shown"; text: string }
export interface Data {
  x: number[]; lines: Line[]; values: (number | null)[][];
  uprights?: Upright[];
  /** a level to reach, drawn across */
  target?: { value: number; text: string } | null;
  /** low and high of one line, drawn as a band */
  band?: { low: (number | null)[]; high: (number | null)[]; colour: string } | null;
  from?: number; to?: number;
}
export interface Options {
  title: string; height?: number; empty: string; log?: boolean; sync: string;
  /** floor and ceiling of the values, where the measure has them */
  low?: number; high?: number;
  read?: (value: number | null) => string;
}

const POINTS = 1600;
const LEFT = 46;
const groups = new Map<string, Set<Chart>>();
let zooming = false;

/** Keeps the least and the greatest of each bucket, so that no peak is lost. */
export function decimate(x: number[], values: (number | null)[][], points = POINTS): [number[], (number | null)[][]] {
  if (x.length <= points) return [x, values];
  const buckets = Math.floor(points / 2), size = x.length / buckets;
  const outX: number[] = [], out: (number | null)[][] = values.map(() => []);
  for (let bucket = 0; bucket < buckets; bucket++) {
    const from = Math.floor(bucket * size), to = Math.max(from + 1, Math.floor((bucket + 1) * size));
    outX.push(x[from] ?? 0, x[to - 1] ?? 0);
    values.forEach((column, index) => {
      let low: number | null = null, high: number | null = null, lowAt = from, highAt = from;
      for (let at = from; at < to; at++) {
        const value = column[at];
        if (typeof value !== "number") continue;
        if (low === null || value < low) { low = value; lowAt = at; }
        if (high === null || value > high) { high = value; highAt = at; }
      }
      out[index]?.push(...(lowAt <= highAt ? [low, high] : [high, low]));
    });
  }
  return [outX, out];
}

/** Exponential mean with a span that grows with the length: what the eye would draw. */
export function smoothed(values: (number | null)[]): (number | null)[] {
  const keep = 1 - 2 / (Math.min(60, Math.max(4, values.length / 12)) + 1);
  let mean: number | null = null;
  return values.map((value) => {
    if (value === null) return null;
    mean = mean === null ? value : keep * mean + (1 - keep) * value;
    return mean;
  });
}

export class Chart {
  private readonly plotAt: HTMLElement;
  private readonly keys: HTMLElement;
  private readonly at: HTMLElement;
  private readonly table: HTMLElement;
  private plot: uPlot | null = null;
  private shape = "";
  private data: Data = { x: [], lines: [], values: [] };
  private shownX: number[] = [];
  private readonly off = new Set<string>();
  private log: boolean;
  private zoom: [number, number] | null = null;

  constructor(readonly root: HTMLElement, private readonly options: Options) {
    this.log = options.log ?? false;
    this.keys = h("div", { class: "tr-keys" });
    this.at = h("output", { class: "tr-at figure faint" });
    this.plotAt = h("div", { class: "tr-plot", tabindex: 0, role: "group", "aria-roledescription": "chart" });
    this.table = h("div", { class: "table-wrap", tabindex: 0, role: "region", "aria-label": `${options.title}: the numbers` });
    const more = h("details", { class: "tr-numbers", ontoggle: () => this.fillTable() }, h("summary", {}, "Numbers"), this.table);
    const tools = h("span", { class: "tr-tools" });
    if (options.log !== undefined) tools.append(h("button", { type: "button", class: "chip", "aria-pressed": String(this.log), onclick: (event) => this.toggleLog(event) }, "log"));
    tools.append(h("button", { type: "button", class: "chip", hidden: true, "data-whole": true, onclick: () => this.zoomAll(null) }, "Whole run"));
    root.classList.add("tr-chart");
    root.replaceChildren(h("header", {}, h("h2", {}, options.title), this.at, tools), this.keys, this.plotAt, more);
    if (options.height) this.plotAt.style.minHeight = `${options.height}px`;
    new ResizeObserver(() => this.fit()).observe(this.plotAt);
    this.plotAt.addEventListener("keydown", (event) => this.arrow(event));
    onTheme(() => { this.shape = ""; this.render(); });
    const group = groups.get(options.sync) ?? new Set();
    groups.set(options.sync, group);
    group.add(this);
  }

  draw(data: Data): void {
    this.data = data;
    this.render();
  }

  private render(): void {
    const { lines, values, x } = this.data;
    const shape = JSON.stringify([lines.map((line) => [line.key, line.colour, line.dots, line.smooth]), this.log, Boolean(this.data.band)]);
    this.root.classList.toggle("is-empty", !x.length);
    if (!x.length) {
      this.plot?.destroy();
      this.plot = null;
      this.shape = "";
      this.plotAt.replaceChildren(h("p", { class: "faint small" }, this.options.empty));
      this.keys.replaceChildren();
      this.plotAt.setAttribute("aria-label", `${this.options.title}: ${this.options.empty}`);
      return;
    }
    const columns: (number | null)[][] = [];
    lines.forEach((line, index) => {
      const column = values[index] ?? [];
      if (line.smooth) columns.push(column, smoothed(column)); else columns.push(column);
    });
    const band = this.data.band;
    if (band) columns.push(band.low, band.high);
    const [drawX, drawn] = decimate(x, columns);
    this.shownX = drawX;
    if (shape !== this.shape || !this.plot) {
      this.plot?.destroy();
      this.plotAt.replaceChildren();
      this.plot = new uPlot(this.config(), [drawX, ...drawn], this.plotAt);
      this.shape = shape;
      this.drawKeys();
    } else {
      this.plot.setData([drawX, ...drawn], true);
    }
    this.readOut();
    this.describe();
    if (one<HTMLDetailsElement>("details", this.root)?.open) this.fillTable();
  }

  private config(): uPlot.Options {
    const series: uPlot.Series[] = [{}];
    for (const line of this.data.lines) {
      const show = !this.off.has(line.key), stroke = (alpha = 1) => () => ink(line.colour, alpha);
      if (line.smooth) series.push({ show, stroke: stroke(0.28), width: 1, points: { show: false } });
      series.push({
        show, stroke: stroke(), width: line.width ?? 1.5, spanGaps: true,
        points: line.dots ? { show: true, size: 5, fill: stroke(), width: 0 } : { show: false },
      });
    }
    const bands: uPlot.Band[] = [];
    if (this.data.band) {
      const { colour } = this.data.band, first = series.length;
      series.push({ stroke: "transparent", points: { show: false }, spanGaps: true }, { stroke: "transparent", points: { show: false }, spanGaps: true });
      bands.push({ series: [first + 1, first], fill: () => ink(colour, 0.14) });
    }
    const axis = { stroke: () => ink("text-3"), font: "11px Inter, system-ui, sans-serif", ticks: { show: false }, grid: { stroke: () => ink("line"), width: 1 } };
    const { low, high, sync } = this.options;
    return {
      width: Math.max(120, this.plotAt.clientWidth), height: Math.max(60, this.plotAt.clientHeight), pxAlign: 1, series, bands, legend: { show: false },
      padding: [8, 10, 0, 0],
      axes: [
        { ...axis, size: 22, gap: 4, space: 64, values: (_plot, splits) => splits.map((value) => (Number.isInteger(value) ? String(value) : "")) },
        { ...axis, size: LEFT, gap: 6, space: 30, values: (_plot, splits) => splits.map((value) => (value === null ? "" : short(value))) },
      ],
      scales: {
        x: { time: false, range: () => this.extent() },
        y: this.log
          ? { distr: 3 }
          : { range: (_plot, least, most) => this.span(least, most, low, high) },
      },
      cursor: {
        y: false, sync: { key: sync, scales: ["x", null] }, drag: { x: true, y: false, dist: 6 }, focus: { prox: 24 },
        points: { size: 6, width: 0 },
      },
      focus: { alpha: 0.55 },
      hooks: {
        setCursor: [() => this.readOut()],
        setSelect: [(plot) => { if (plot.select.width > 2) this.zoomAll([plot.posToVal(plot.select.left, "x"), plot.posToVal(plot.select.left + plot.select.width, "x")]); }],
        drawAxes: [(plot) => this.drawUnder(plot)],
        draw: [(plot) => this.drawOver(plot)],
      },
    };
  }

  private extent(): [number, number] {
    if (this.zoom) return this.zoom;
    const from = this.data.from ?? 0, to = Math.max(this.data.to ?? 0, this.data.x.at(-1) ?? 0, from + 1);
    return [from, to];
  }

  private span(least: number | null, most: number | null, low?: number, high?: number): [number, number] {
    const target = this.data.target?.value;
    let [from, to] = [least ?? 0, most ?? 1];
    if (target !== undefined) { from = Math.min(from, target); to = Math.max(to, target); }
    const room = (to - from || Math.abs(to) || 1) * 0.06;
    from = low !== undefined && from - 3 * room < low ? low : from - room;
    return [from, high !== undefined && to + room > high ? high + room / 2 : to + room];
  }

  private drawUnder(plot: uPlot): void {
    const { ctx, bbox } = plot, ratio = uPlot.pxRatio;
    ctx.save();
    ctx.lineWidth = ratio;
    ctx.font = `${11 * ratio}px Inter, system-ui, sans-serif`;
    ctx.textAlign = "left";
    ctx.textBaseline = "alphabetic";
    for (const mark of this.data.uprights ?? []) {
      const x = Math.round(plot.valToPos(mark.step, "x", true));
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.strokeStyle = ink(mark.kind === "shown" ? "accent" : mark.kind === "best" ? "good" : "text-3", mark.kind === "shown" ? 0.8 : 0.6);
      ctx.setLineDash(mark.kind === "shown" ? [] : [3 * ratio, 3 * ratio]);
      ctx.beginPath();
      ctx.moveTo(x + 0.5, bbox.top);
      ctx.lineTo(x + 0.5, bbox.top + bbox.height);
      ctx.stroke();
      if (mark.kind === "resumed" || mark.kind === "extended") {
        ctx.fillStyle = ink("text-3");
        ctx.fillText(mark.text, Math.min(x + 4 * ratio, bbox.left + bbox.width - ctx.measureText(mark.text).width), bbox.top + 10 * ratio);
      }
    }
    ctx.restore();
  }

  private drawOver(plot: uPlot): void {
    const target = this.data.target, { ctx, bbox } = plot, ratio = uPlot.pxRatio;
    if (!target) return;
    const y = Math.round(plot.valToPos(target.value, "y", true)) + 0.5;
    if (y < bbox.top - 1 || y > bbox.top + bbox.height + 1) return;
    ctx.save();
    ctx.lineWidth = ratio;
    ctx.strokeStyle = ctx.fillStyle = ink("good");
    ctx.setLineDash([6 * ratio, 4 * ratio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.font = `500 ${11 * ratio}px Inter, system-ui, sans-serif`;
    ctx.textAlign = "left";
    ctx.textBaseline = "alphabetic";
    // At the left, where a metric that grows has not been.
    ctx.fillText(target.text, bbox.left + 6 * ratio, y + (y - bbox.top > 18 * ratio ? -5 : 14) * ratio);
    ctx.restore();
  }

  private drawKeys(): void {
    this.keys.replaceChildren(...this.data.lines.map((line) => {
      const swatch = h("span", { class: "tr-swatch", "aria-hidden": "true" });
      swatch.style.setProperty("--ink", `var(--${line.colour})`);
      return h("button", { type: "button", class: "tr-key", "aria-pressed": String(!this.off.has(line.key)), "data-key": line.key, onclick: () => this.toggle(line.key) }, swatch, h("span", {}, line.title), h("output", { class: "figure" }, "-"));
    }));
  }

  private toggle(key: string): void {
    if (this.off.has(key)) this.off.delete(key); else this.off.add(key);
    let index = 1;
    for (const line of this.data.lines) {
      const show = !this.off.has(line.key);
      for (let each = 0; each < (line.smooth ? 2 : 1); each++) { this.plot?.setSeries(index, { show }); index += 1; }
    }
    for (const button of this.keys.children) button.setAttribute("aria-pressed", String(!this.off.has((button as HTMLElement).dataset["key"] ?? "")));
  }

  private toggleLog(event: Event): void {
    this.log = !this.log;
    (event.currentTarget as HTMLElement).setAttribute("aria-pressed", String(this.log));
    this.render();
  }

  private zoomAll(to: [number, number] | null): void {
    if (zooming) return;
    zooming = true;
    for (const chart of groups.get(this.options.sync) ?? []) {
      chart.zoom = to;
      const whole = one("[data-whole]", chart.root);
      if (whole) whole.hidden = to === null;
      chart.plot?.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      chart.render();
    }
    zooming = false;
  }

  private readOut(): void {
    const idx = this.plot?.cursor.idx, read = this.options.read ?? short;
    const step = typeof idx === "number" ? this.shownX[idx] : this.data.x.at(-1);
    if (step === undefined) return;
    // What is said is the true value at the nearest step that has one, never the smoothed line.
    const at = nearest(this.data.x, step);
    this.at.textContent = typeof idx === "number" ? `step ${this.data.x[at] ?? step}` : "";
    this.data.lines.forEach((line, index) => {
      const place = one(`[data-key="${CSS.escape(line.key)}"] output`, this.keys);
      if (place) place.textContent = read(valueAt(this.data.values[index] ?? [], at));
    });
  }

  private arrow(event: KeyboardEvent): void {
    const move = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (move === undefined || !this.plot || !this.shownX.length) return;
    event.preventDefault();
    const now = this.plot.cursor.idx ?? this.shownX.length - (move > 0 ? 2 : 0);
    const next = Math.max(0, Math.min(this.shownX.length - 1, now + move * (event.shiftKey ? 10 : 1)));
    this.plot.setCursor({ left: this.plot.valToPos(this.shownX[next] ?? 0, "x"), top: this.plot.over.clientHeight / 2 });
    this.plotAt.setAttribute("aria-label", `${this.options.title}, step ${this.shownX[next]}: ${this.data.lines.map((line, index) => `${line.title} ${(this.options.read ?? short)(valueAt(this.data.values[index] ?? [], nearest(this.data.x, this.shownX[next] ?? 0)))}`).join(", ")}`);
  }

  private describe(): void {
    const last = this.data.x.at(-1);
    const says = this.data.lines.map((line, index) => `${line.title} ${(this.options.read ?? short)(valueAt(this.data.values[index] ?? [], this.data.x.length - 1))}`);
    this.plotAt.setAttribute("aria-label", `${this.options.title} up to step ${last}: ${says.join(", ")}. Arrow keys read it out.`);
  }

  private fillTable(): void {
    if (!one<HTMLDetailsElement>("details", this.root)?.open) return;
    const { x, lines, values } = this.data, read = this.options.read ?? short;
    const every = Math.max(1, Math.ceil(x.length / 60));
    const rows = x.map((_step, index) => index).filter((index) => index % every === 0 || index === x.length - 1);
    this.table.replaceChildren(h("table", { class: "table compact" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col", class: "figure" }, "Step"), ...lines.map((line) => h("th", { scope: "col", class: "figure" }, line.title)))),
      h("tbody", {}, ...rows.map((index) => h("tr", {}, h("td", { class: "figure" }, String(x[index])), ...lines.map((_line, column) => h("td", { class: "figure" }, read(values[column]?.[index] ?? null))))))));
  }

  private fit(): void {
    if (!this.plot || !this.plotAt.clientWidth) return;
    this.plot.setSize({ width: this.plotAt.clientWidth, height: this.plotAt.clientHeight });
  }
}

function nearest(x: number[], step: number): number {
  let low = 0, high = x.length - 1;
  while (low < high) { const middle = (low + high) >> 1; if ((x[middle] ?? 0) < step) low = middle + 1; else high = middle; }
  return low > 0 && Math.abs((x[low - 1] ?? 0) - step) <= Math.abs((x[low] ?? 0) - step) ? low - 1 : low;
}

function valueAt(values: (number | null)[], at: number): number | null {
  for (let index = at; index >= 0; index--) { const value = values[index]; if (typeof value === "number") return value; }
  return null;
}
