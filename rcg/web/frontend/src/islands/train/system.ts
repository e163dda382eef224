// Gauges of a run (what it takes of this computer) and its log.
import { call } from "../../lib/api";
import { h } from "../../lib/dom";
import { bytes } from "../../lib/time";
import { percent } from "./figures";
import type { History } from "./history";
import { type Row, isRecord, list, num, str } from "./rows";
import { sparkline } from "./readings";

interface Gauge { word: string; figure: string; share: number | null; detail: string; trace: (number | null)[] }
interface Totals { memory: { total_bytes: number }; cpu: { cores: number } }
const MB = 1_000_000;
const clock = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

export class Gauges {
  private totals: Totals | null = null;

  constructor(private readonly root: HTMLElement) {
    void call<Totals>("GET", "/api/system").then((totals) => { this.totals = totals; }).catch(() => undefined);
  }

  draw(history: History): void {
    const row = history.sys.at(-1);
    if (!row) return;
    const trace = (read: (each: Row) => number | null): (number | null)[] => history.sys.map(read);
    const cores = this.totals?.cpu.cores, total = this.totals?.memory.total_bytes ?? null;
    const ram = num(row["ram_mb"]), own = num(row["process_mb"]);
    const gauges: Gauge[] = [
      { word: "Processor", figure: percent(num(row["cpu"]) === null ? null : (num(row["cpu"]) ?? 0) / 100), share: (num(row["cpu"]) ?? 0) / 100, detail: cores ? `${cores} cores` : "", trace: trace((each) => num(each["cpu"])) },
      { word: "Memory", figure: ram === null ? "-" : bytes(ram * MB), share: ram !== null && total ? (ram * MB) / total : null, detail: `${total ? `of ${bytes(total)}` : ""}${own === null ? "" : `${total ? ", " : ""}this run ${bytes(own * MB)}`}`, trace: trace((each) => num(each["ram_mb"])) },
    ];
    list<unknown>(row["gpu"]).forEach((value, index) => {
      const gpu = isRecord(value) ? value : {};
      const busy = num(gpu["busy"]) ?? num(gpu["busy_percent"]) ?? num(gpu["utilisation"]), used = num(gpu["used_mb"]) ?? num(gpu["memory_mb"]), all = num(gpu["total_mb"]) ?? num(gpu["memory_total_mb"]);
      gauges.push({ word: str(gpu["name"], `Graphics ${index + 1}`), figure: busy === null ? "-" : percent(busy / 100), share: busy === null ? null : busy / 100, detail: used === null ? "" : `${bytes(used * MB)}${all ? ` of ${bytes(all * MB)}` : ""}`, trace: trace((each) => { const one = list<unknown>(each["gpu"])[index]; return isRecord(one) ? num(one["busy"]) ?? num(one["busy_percent"]) : null; }) });
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
