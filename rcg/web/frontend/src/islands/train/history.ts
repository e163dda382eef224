// What the rows of a run add up to: columns for charts, evaluations, samples, marks, log, and the latest of everything.
import { figure, metricTitle } from "./figures";
import { type Evaluation, type LogLine, type Mark, type Row, type Sample, evaluation, figures, isRecord, num, sample, str } from "./rows";

export const LOG_LINES = 2000;
export const GAUGE_POINTS = 120;
export type Column = (number | null)[];
const PARTS = ["steps", "evals", "samples", "log", "sys", "eta", "state"] as const;
type Part = (typeof PARTS)[number];

export class History {
  last = -1;
  attempt = 0;
  /** Training steps and what was measured at each, all columns as long as `steps`. */
  readonly steps: number[] = [];
  readonly columns = new Map<string, Column>();
  readonly evals: Evaluation[] = [];
  readonly samples = new Map<number, Sample[]>();
  readonly marks: Mark[] = [];
  readonly log: LogLine[] = [];
  readonly sys: Row[] = [];
  latest: Partial<Record<string, Row>> = {};
  horizon: number | null = null;
  /** What has changed since the last drawing; at first everything, so that what is empty says so. */
  readonly dirty = new Set<Part>(PARTS);

  clear(): void {
    this.last = -1;
    this.attempt = 0;
    this.steps.length = this.evals.length = this.marks.length = this.log.length = this.sys.length = 0;
    this.columns.clear();
    this.samples.clear();
    this.latest = {};
    this.horizon = null;
    for (const part of PARTS) this.dirty.add(part);
  }

  /** Takes a row; false for one that was there already. */
  take(row: Row): boolean {
    if (row.seq <= this.last) return false;
    this.last = row.seq;
    this.latest[row.kind] = row;
    const take = TAKERS[row.kind];
    if (take) take(this, row);
    return true;
  }

  /** The furthest step that anything is known of. */
  reached(): number {
    return Math.max(0, this.steps.at(-1) ?? 0, this.evals.at(-1)?.step ?? 0, ...this.samples.keys());
  }

  column(name: string): Column {
    return this.columns.get(name) ?? [];
  }

  /** Names of the parts of the loss, in the order in which they came. */
  lossParts(): string[] {
    return [...this.columns.keys()].filter((key) => key.startsWith("losses.")).map((key) => key.slice("losses.".length));
  }

  metricNames(): string[] {
    return [...new Set(this.evals.flatMap((each) => Object.keys(each.metrics)))];
  }

  /** The evaluation that the run itself calls the best; by the values where it calls none. */
  bestOf(metric: string, higher = true): Evaluation | null {
    let best: Evaluation | null = null;
    for (const each of this.evals) {
      const value = each.metrics[metric], so = best?.metrics[metric];
      if (typeof value === "number" && (typeof so !== "number" || (higher ? value > so : value < so))) best = each;
    }
    return this.evals.filter((each) => each.best).pop() ?? best;
  }

  addStep(row: Row): void {
    const at = num(row["step"]);
    if (at === null) return;
    this.steps.push(at);
    const values: Record<string, number | null> = {};
    for (const key of ["loss", "lr", "grad_norm", "data_s", "step_s", "images_per_s", "epoch"]) values[key] = num(row[key]);
    for (const [key, value] of Object.entries(figures(row["losses"]))) values[`losses.${key}`] = value;
    for (const key of Object.keys(values)) {
      if (!this.columns.has(key)) this.columns.set(key, new Array<number | null>(this.steps.length - 1).fill(null));
    }
    for (const [key, column] of this.columns) column.push(values[key] ?? null);
    this.dirty.add("steps");
  }

  addLine(row: Row, level: string, text: string, action = ""): void {
    this.log.push({ t: row.t, level, text, action });
    if (this.log.length > LOG_LINES) this.log.splice(0, this.log.length - LOG_LINES);
    this.dirty.add("log");
  }
}

const TAKERS: Record<string, (history: History, row: Row) => void> = {
  start(history, row) {
    history.horizon = num(row["steps"]) ?? history.horizon;
    const from = num(row["from_step"]) ?? 0;
    if (row.attempt > 1 && from > 0) history.marks.push({ step: from, kind: "resumed", text: `resumed at ${from}` });
    history.attempt = row.attempt;
    const items = isRecord(row["items"]) ? row["items"] : {};
    history.addLine(row, "info", `attempt ${row.attempt}: ${str(row["device"], "cpu")}, ${num(row["threads"]) ?? 1} thread${row["threads"] === 1 ? "" : "s"}, ${num(items["train"]) ?? 0} items to train on, ${num(items["val"]) ?? 0} held out`);
    history.dirty.add("state");
    history.dirty.add("steps");
  },
  step: (history, row) => history.addStep(row),
  eval(history, row) {
    const made = evaluation(row), [name, value] = Object.entries(made.metrics)[0] ?? [];
    history.evals.push(made);
    history.addLine(row, "info", `evaluated at step ${made.step}${name ? `: ${metricTitle(name)} ${figure(value)}` : ""}${made.best ? ", the best so far" : ""}`);
    history.dirty.add("evals");
  },
  sample(history, row) {
    const one = sample(row), at = history.samples.get(one.step) ?? [];
    if (!at.length) history.samples.set(one.step, at);
    at.push(one);
    at.sort((a, b) => a.index - b.index);
    history.dirty.add("samples");
  },
  sys(history, row) {
    history.sys.push(row);
    if (history.sys.length > GAUGE_POINTS) history.sys.shift();
    history.dirty.add("sys");
  },
  eta: (history) => { history.dirty.add("eta"); },
  checkpoint(history, row) {
    if (row["best"] !== true) history.addLine(row, "info", `checkpoint at step ${num(row["step"]) ?? 0}`);
  },
  log: (history, row) => history.addLine(row, str(row["level"], "info"), str(row["text"])),
  warning: (history, row) => history.addLine(row, "warning", str(row["text"]), str(row["action"])),
  extend(history, row) {
    const steps = num(row["steps"]);
    if (steps !== null) { history.horizon = steps; history.marks.push({ step: history.steps.at(-1) ?? 0, kind: "extended", text: `extended to ${steps}` }); }
    history.dirty.add("steps");
    history.dirty.add("state");
  },
  state(history, row) {
    const state = str(row["state"]), reason = str(row["reason"]);
    if (state === "paused") history.marks.push({ step: num(row["step"]) ?? history.steps.at(-1) ?? 0, kind: "paused", text: "paused" });
    history.addLine(row, "info", `${state}${reason ? `: ${reason}` : ""}`);
    history.dirty.add("state");
  },
  result: (history) => { history.dirty.add("state"); },
};
