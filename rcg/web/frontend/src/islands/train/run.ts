// The page of one run: head and result come from the server, everything that moves is drawn here from the run's rows.
import htmx from "htmx.org/dist/htmx.esm.js";
import { call, explain } from "../../lib/api";
import { h, notice, one } from "../../lib/dom";
import { listen } from "../../lib/live";
import { Chart, type Line, type Upright } from "./chart";
import { type MetricInfo, classTitle, drawClasses } from "./classes";
import { controls } from "./controls";
import { drawDiff } from "./diff";
import { figure, metricTitle, sentence, short, unit } from "./figures";
import type { History } from "./history";
import { LINES } from "./ink";
import { Pairs } from "./pairs";
import { type Classes, colours } from "./palette";
import { type Aim, Readings } from "./readings";
import { str } from "./rows";
import { Samples } from "./samples";
import { type Follower, follow } from "./stream";
import { Gauges, Log } from "./system";

interface About { id: string; metric: string | null; target: Aim | null; measures: Record<string, MetricInfo>; classes: Classes }
const EVERY_MS = 250;
const GOING = ["running", "pausing", "stopping"];

export function mount(root: HTMLElement): void {
  const about = JSON.parse(root.dataset["about"] ?? "{}") as About;
  const colourOf = colours(about.classes), titleOf = classTitle(about.classes);
  const place = (selector: string): HTMLElement => one(selector, root) ?? h("div");
  const readings = new Readings(root, about.metric, about.target, about.measures);
  const gauges = new Gauges(place("[data-gauges]")), log = new Log(place("[data-run-log]"), one<HTMLInputElement>("[data-follow]", root));
  const shared = { sync: `run-${about.id}` };
  const loss = new Chart(place("[data-chart=loss]"), { ...shared, title: "Loss", height: 220, empty: "The loss is drawn from the first step on.", log: false });
  const metrics = new Chart(place("[data-chart=metrics]"), { ...shared, title: "Metrics", height: 220, empty: "Drawn from the first evaluation on.", ...(unitOf(about) ? {} : { low: 0, high: 1 }), read: (value) => (unitOf(about) ? unit(value, unitOf(about), 2) : figure(value, 3)) });
  const rate = new Chart(place("[data-chart=rate]"), { ...shared, title: "Learning rate", height: 120, empty: "Drawn from the first step on." });
  let shown: number | null = null, drawn = 0, timer = 0, state = one("[data-run-state]", root)?.dataset["runState"] ?? "";
  const samples = new Samples(place("[data-samples-panel]"), about.id, colourOf, (step) => { if (step === shown) return; shown = step; history.dirty.add("evals"); draw(); });

  const chooser = one<HTMLSelectElement>("[data-classes-metric]", root);
  chooser?.addEventListener("change", () => { history.dirty.add("evals"); draw(); });

  const draw = (): void => {
    if (document.hidden || !history.dirty.size) return;
    const dirty = new Set(history.dirty);
    history.dirty.clear();
    const marks: Upright[] = history.marks.filter((mark) => mark.kind !== "paused");
    if (shown !== null) marks.push({ step: shown, kind: "shown", text: "" });
    const to = history.steps.at(-1) ?? 0;
    if (dirty.has("steps") || dirty.has("evals")) {
      loss.draw({ x: history.steps, ...lossLines(history), uprights: marks, to });
      rate.draw({ x: history.steps, lines: [{ key: "lr", title: "learning rate", colour: "class-8" }], values: [history.column("lr")], uprights: marks, to });
      drawMetrics(metrics, history, about, marks, to);
    }
    if (dirty.has("evals")) classes();
    if (dirty.has("samples")) samples.draw(history);
    if (dirty.has("sys")) gauges.draw(history);
    if (dirty.has("log")) log.draw(history);
    readings.draw(history, GOING.includes(state));
    drawRelief();
  };
  // The same training without relief, or with it: what each finds, side by side.
  const beside = one("[data-pairs]", root), pairs = beside ? new Pairs(beside, about.metric, about.measures, colourOf, titleOf) : null;
  let other: Follower | null = null, relief: { with: string; without: string } | null = null;
  const noteRelief = (): void => {
    const head = one("#run-head", root), on = head?.dataset["reliefWith"], off = head?.dataset["reliefWithout"];
    if (!on || !off || relief) return;
    relief = { with: on, without: off };
    other = follow(on === about.id ? off : on, () => { history.dirty.add("state"); soon(); }, () => undefined);
  };
  const drawRelief = (): void => {
    if (!relief || !other || !pairs) return;
    const mine = { id: about.id, history }, theirs = { id: about.id === relief.with ? relief.without : relief.with, history: other.history };
    const [on, off] = about.id === relief.with ? [mine, theirs] : [theirs, mine];
    pairs.draw([{ ...on, word: "With relief" }, { ...off, word: "Colour alone" }]);
    // The card that "Use this model" is tried on: the one that the reader has before them.
    root.dataset["card"] = pairs.name || ([...history.samples.values()].at(-1)?.[0]?.name ?? "");
  };
  const classes = (): void => {
    const evaluation = (shown === null ? history.evals.at(-1) : history.evals.find((each) => each.step === shown)) ?? null;
    const names = [...new Set(Object.values(evaluation?.perClass ?? {}).flatMap((figures) => Object.keys(figures)))].filter((name) => !/_(low|high)$/.test(name));
    if (chooser && names.join() !== [...chooser.options].map((option) => option.value).join()) {
      const chosen = chooser.value || (about.metric ?? "");
      chooser.replaceChildren(...names.map((name) => h("option", { value: name, selected: name === chosen }, about.measures[name]?.title ?? metricTitle(name))));
      chooser.hidden = names.length < 2;
    }
    const metric = chooser?.value || about.metric || "";
    drawClasses(place("[data-classes]"), evaluation, metric, about.measures[metric], colourOf, titleOf);
    const at = one("[data-classes-at]", root);
    if (at) at.textContent = evaluation ? `step ${evaluation.step}` : "";
  };
  // At most four drawings a second; a hidden tab draws nothing and catches up when it is looked at.
  const soon = (): void => {
    if (timer || document.hidden) return;
    timer = window.setTimeout(() => { timer = 0; drawn = performance.now(); requestAnimationFrame(draw); }, Math.max(0, EVERY_MS - (performance.now() - drawn)));
  };
  const problem = one("[data-history-problem]", root);
  const { history } = follow(about.id, () => { problem?.replaceChildren(); noteState(); soon(); }, (error) => {
    const known = explain(error);
    problem?.replaceChildren(notice("bad", known.detail, known.hint || "Reload the page to try again."));
  });
  const refresh = (): void => htmx.trigger(document.body, "rcg:run");
  const noteState = (): void => {
    const row = history.latest["state"], said = str(row?.["state"]);
    if (said && row && row.seq > seen) { seen = row.seq; if (said !== state) refresh(); }
  };
  let seen = -1;
  document.addEventListener("visibilitychange", () => draw());
  document.addEventListener("rcg:models", refresh);
  document.body.addEventListener("htmx:afterSettle", () => {
    const now = one("#run-head", root)?.dataset["runState"] ?? state;
    if (now !== state) { state = now; history.dirty.add("state"); soon(); }
    noteRelief();
  });
  // The job's own changes: its turn has come, it died, it was cancelled. While it waits, others' changes move it up.
  listen((event) => { if (event.kind === "state" || event.kind === "hello" || event.kind === "reset") refresh(); });
  noteRelief();
  controls(root, about.id, refresh);
  call<Record<string, unknown>>("GET", `/api/training/${about.id}`).then((run) => drawDiff(place("[data-diff]"), run["defaults_diff"]))
    .catch((error: unknown) => place("[data-diff]").replaceChildren(h("p", { class: "small faint" }, explain(error).detail)));
}

const unitOf = (about: About): string => about.measures[about.metric ?? ""]?.unit ?? "";

function lossLines(history: History): { lines: Line[]; values: (number | null)[][] } {
  const parts = history.lossParts();
  return {
    lines: [{ key: "loss", title: "total", colour: "text-1", width: 2, smooth: true }, ...parts.map((part, index): Line => ({ key: part, title: lossTitle(part), colour: LINES[index % LINES.length] ?? "class-1", smooth: true, width: 1.25 }))],
    values: [history.column("loss"), ...parts.map((part) => history.column(`losses.${part}`))],
  };
}

const lossTitle = (part: string): string => sentence(part.replace(/^loss_/, "")).toLowerCase().replace("rpn", "RPN").replace("reg", "regression");

function drawMetrics(chart: Chart, history: History, about: About, marks: Upright[], to: number): void {
  const wanted = about.measures[about.metric ?? ""]?.unit ?? "";
  // One scale holds one kind of figure: shares, or lengths.
  const names = history.metricNames().filter((name) => (about.measures[name]?.unit ?? "") === wanted);
  names.sort((a, b) => Number(b === about.metric) - Number(a === about.metric));
  const best = about.metric ? history.bestOf(about.metric, about.measures[about.metric]?.higher ?? true) : null;
  const of = (pick: 0 | 1): (number | null)[] => history.evals.map((each) => each.interval[about.metric ?? ""]?.[pick] ?? null);
  const hasBand = about.metric !== null && history.evals.some((each) => about.metric !== null && each.interval[about.metric]);
  chart.draw({
    x: history.evals.map((each) => each.step),
    lines: names.slice(0, 6).map((name, index): Line => ({ key: name, title: about.measures[name]?.title ?? metricTitle(name), colour: name === about.metric ? "accent" : LINES[(index + 1) % LINES.length] ?? "class-2", dots: true, width: name === about.metric ? 2 : 1.25 })),
    values: names.slice(0, 6).map((name) => history.evals.map((each) => each.metrics[name] ?? null)),
    band: hasBand ? { low: of(0), high: of(1), colour: "accent" } : null,
    target: about.target && (about.measures[about.target.metric]?.unit ?? "") === wanted ? { value: about.target.value, text: `target ${short(about.target.value)}` } : null,
    uprights: best ? [...marks, { step: best.step, kind: "best", text: "best" }] : marks,
    to,
  });
}
