// Two runs' curves over each other, live where one still trains.
import { explain } from "../../lib/api";
import { all, h, notice, one } from "../../lib/dom";
import { Chart, type Line } from "./chart";
import { type MetricInfo, classTitle } from "./classes";
import { figure, unit } from "./figures";
import { type Column, History } from "./history";
import { Pairs } from "./pairs";
import { type Classes, colours } from "./palette";
import { type Follower, follow } from "./stream";

interface About { runs: { id: string; name: string }[]; metric: string | null; measures: Record<string, MetricInfo>; classes: Classes }
const INKS = ["class-1", "class-2"];

export function mount(root: HTMLElement): void {
  const about = JSON.parse(root.dataset["about"] ?? "{}") as About;
  const place = (name: string): HTMLElement => one(`[data-chart=${name}]`, root) ?? h("div");
  const info = about.metric ? about.measures[about.metric] : undefined;
  const metric = new Chart(place("metric"), { sync: "compare", title: info?.title ?? "Metric", height: 260, empty: "Drawn from the first evaluation on.", read: (value) => (info?.unit ? unit(value, info.unit) : figure(value)), ...(info?.unit ? {} : { low: 0, high: 1 }) });
  const loss = new Chart(place("loss"), { sync: "compare", title: "Loss", height: 260, log: false, empty: "Drawn from the first step on." });
  const beside = one("[data-pairs]", root), pairs = beside ? new Pairs(beside, about.metric, about.measures, colours(about.classes), classTitle(about.classes)) : null;
  const problem = one("[data-problem]", root);
  let timer = 0;
  const followers: Follower[] = [];
  const draw = (): void => {
    timer = 0;
    if (document.hidden) return;
    const lines = (dots: boolean): Line[] => about.runs.map((run, index) => ({ key: run.id, title: run.name, colour: INKS[index] ?? "text-1", width: 2, dots, smooth: !dots }));
    const to = Math.max(1, ...followers.map(({ history }) => history.steps.at(-1) ?? 0));
    const evals = join(followers.map(({ history }) => [history.evals.map((each) => each.step), history.evals.map((each) => each.metrics[about.metric ?? ""] ?? null)]));
    metric.draw({ x: evals[0], values: evals[1], lines: lines(true), to });
    const steps = join(followers.map(({ history }) => [history.steps, history.column("loss")]));
    loss.draw({ x: steps[0], values: steps[1], lines: lines(false), to });
    pairs?.draw(about.runs.map((run, index) => ({ id: run.id, word: run.name, history: followers[index]?.history ?? new History() })));
  };
  const soon = (): void => { if (!timer) timer = window.setTimeout(() => requestAnimationFrame(draw), 250); };
  for (const run of about.runs) {
    followers.push(follow(run.id, soon, (error) => problem?.replaceChildren(notice("bad", `${run.name}: ${explain(error).detail}`, explain(error).hint))));
  }
  document.addEventListener("visibilitychange", draw);
  for (const select of all<HTMLSelectElement>("[data-compare] select", root)) select.addEventListener("change", () => select.form?.requestSubmit());
}

/** Lays columns over one axis; where a run has no value at another's step there is null. */
export function join(runs: [number[], Column][]): [number[], Column[]] {
  const x = [...new Set(runs.flatMap(([steps]) => steps))].sort((a, b) => a - b);
  return [x, runs.map(([steps, values]) => { const at = new Map(steps.map((step, index) => [step, values[index] ?? null])); return x.map((step) => at.get(step) ?? null); })];
}
