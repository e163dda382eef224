// Gauges of a run (what it takes of this computer) and its log.
import { h } from "../../lib/dom";
import { bytes } from "../../lib/time";
import { percent, unit } from "./figures";
import type { History } from "./history";
import { type Row, isRecord, list, num, str } from "./rows";
import { sparkline } from "./readings";

interface Gauge { word: string; figure: string; share: number | null; detail: string; trace: (number | null)[] }
const MB = 1_000_000;
const clock = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

export class Gauges {
  constructor(private readonly root: HTMLElement) {}

  draw(history: History): void {
    const row = history.sys.at(-1);
    if (!row) return;
    const trace = (read: (each: Row) => number | null): (number | null)[] => history.sys.map(read);
    const cpu = num(row["cpu"]), own = num(row["process_cpu"]), ram = num(row["ram_mb"]), total = num(row["ram_total_mb"]), mine = num(row["process_mb"]);
    const gauges: Gauge[] = [
      { word: "Processor", figure: cpu === null ? "-" : percent(cpu / 100), share: cpu === null ? null : cpu / 100, detail: own === null ? "" : `this run ${unit(own / 100, own / 100 === 1 ? "core" : "cores", 1)}`, trace: trace((each) => num(each["cpu"])) },
      { word: "Memory", figure: ram === null ? "-" : bytes(ram * MB), share: ram !== null && total ? ram / total : null, detail: [total && `of ${bytes(total * MB)}`, mine !== null && `this run ${bytes(mine * MB)}`].filter(Boolean).join(", "), trace: trace((each) => num(each["ram_mb"])) },
    ];
    list<unknown>(row["gpu"]).forEach((value, index) => {
      const gpu = isRecord(value) ? value : {}, load = num(gpu["load"]), used = num(gpu["memory_mb"]), all = num(gpu["memory_total_mb"]), heat = num(gpu["temperature"]);
      const detail = [used !== null && `${bytes(used * MB)}${all ? ` of ${bytes(all * MB)}` : ""}`, heat !== null && unit(heat, "\u00b0C", 0)].filter(Boolean).join(", ");
      gauges.push({ word: str(gpu["name"], `Graphics ${index + 1}`), figure: load === null ? "-" : percent(load / 100), share: load === null ? null : load / 100, detail, trace: trace((each) => { const one = list<unknown>(each["gpu"])[index]; return isRecord(one) ? num(one["load"]) : null; }) });
    });
    this.root.replaceChildren(...gauges.map((gauge) => h("div", { class: "gauge" }, h("span", { class: "what truncate" }, gauge.word), h("span", { class: "figure" }, gauge.figure), trend(gauge.trace), h("progress", { class: `bar${(gauge.share ?? 0) > 0.95 ? " warn" : ""}`, max: 1, value: gauge.share ?? 0, "aria-label": gauge.word, hidden: gauge.share === null }), gauge.detail && h("span", { class: "detail small faint" }, gauge.detail))));
  }
}

function trend(values: (number | null)[]): HTMLElement {
  const box = h("div", { class: "tr-trend" });
  if (values.length > 2) box.append(sparkline(values));
  return box;
}

export class Log {
  private shown = 0;
  private first = "";

  constructor(private readonly root: HTMLElement, private readonly follow: HTMLInputElement | null) {}

  draw(history: History): void {
    const lines = history.log, first = lines[0] ? `${lines[0].t}${lines[0].text}` : "";
    if (!lines.length) return;
    // Lines are only added; a history that was read anew, or that dropped its oldest lines, is shown anew.
    if (first !== this.first || lines.length < this.shown) { this.root.replaceChildren(); this.shown = 0; this.first = first; }
    for (const line of lines.slice(this.shown)) {
      this.root.append(h("li", { class: line.level }, h("time", {}, clock.format(line.t)), h("span", { class: "text" }, line.text, line.action && h("span", { class: "faint" }, ` ${line.action}`))));
    }
    this.shown = lines.length;
    if (this.follow?.checked ?? true) this.root.scrollTop = this.root.scrollHeight;
  }
}
