// The list of runs, moving with their rows.
import htmx from "htmx.org/dist/htmx.esm.js";
import { one } from "../../lib/dom";
import { listen } from "../../lib/live";
import { figure, range, unit } from "./figures";
import { type Row, figures, isRecord, num, str } from "./rows";

export function mount(root: HTMLElement): void {
  const measures = JSON.parse(root.dataset["measures"] ?? "{}") as Record<string, { unit: string }>;
  let pending = 0;
  const refresh = (): void => {
    clearTimeout(pending);
    pending = window.setTimeout(() => { const list = one("#runs-list", root); if (list) htmx.trigger(list, "rcg:runs"); }, 150);
  };
  listen((event) => {
    if (event.kind === "reset") refresh();
    if (event.kind !== "run" || !isRecord(event.data["row"])) return;
    const row = event.data["row"] as Row, line = one(`[data-run="${CSS.escape(str(event.data["run_id"]))}"]`, root);
    if (row.kind === "state" || (!line && row.kind === "start")) { refresh(); return; }
    if (!line || document.hidden) return;
    const put = (selector: string, text: string): void => { const place = one(selector, line); if (place) place.textContent = text; };
    if (row.kind === "step") {
      const at = num(row["step"]), of = Number(one("[data-steps]", line)?.textContent), bar = one<HTMLProgressElement>("progress", line);
      put("[data-step]", String(at));
      if (bar && at !== null && of) bar.value = at / of;
    }
    if (row.kind === "extend") put("[data-steps]", String(num(row["steps"])));
    if (row.kind === "eta") put("[data-eta]", `${range(num(row["seconds_p10"]), num(row["seconds_p90"]))} left`);
    if (row.kind === "eval" && row["best"] === true) {
      const metric = line.dataset["metric"] ?? "", value = figures(row["metrics"])[metric];
      const symbol = measures[metric]?.unit ?? "";
      if (value !== undefined) put("[data-best]", symbol ? unit(value, symbol) : figure(value));
    }
  });
}
