// Pre-flight: three dry steps as a job; what they measured and which mistakes they found.
import { call, explain } from "../../lib/api";
import { h, icon, notice } from "../../lib/dom";
import { listen } from "../../lib/live";
import { bytes } from "../../lib/time";
import { range, seconds } from "./figures";
import { type Choices, body } from "./plan";
import { isRecord, list, num, str } from "./rows";

interface Job { id: string; state: string; progress: number; message: string; result: Record<string, unknown> | null; error: { detail: string; hint: string } | null }
const OVER = ["done", "failed", "dead", "cancelled"];

export class Preflight {
  private job = "";

  constructor(private readonly place: HTMLElement, private readonly button: HTMLButtonElement) {
    listen((event) => {
      if (!this.job) return;
      if (event.kind === "hello" || event.kind === "reset") { void this.look(); return; }
      if (event.data["job_id"] !== this.job) return;
      if (event.kind === "progress") this.going(num(event.data["progress"]) ?? 0, str(event.data["message"]));
      if (event.kind === "state") void this.look();
    });
  }

  async start(choices: Choices): Promise<void> {
    this.busy(true);
    this.going(0, "queued");
    try {
      const answer = await call<Job & { job?: Job; job_id?: string }>("POST", "/api/training/preflight", body(choices));
      this.job = answer.job_id ?? answer.job?.id ?? answer.id;
      document.dispatchEvent(new CustomEvent("rcg:job-started"));
      await this.look();
    } catch (error) {
      this.failed(explain(error).detail, explain(error).hint);
      throw error;
    }
  }

  /** The options have changed since: what is shown is of others. */
  stale(): void {
    if (!this.job && this.place.children.length) this.place.classList.add("is-stale");
  }

  private async look(): Promise<void> {
    const job = await call<Job>("GET", `/api/jobs/${this.job}`).catch(() => null);
    if (!job || job.id !== this.job) return;
    if (!OVER.includes(job.state)) { this.going(job.progress, job.message || (job.state === "queued" ? "waiting for its turn" : "starting")); return; }
    this.job = "";
    this.busy(false);
    if (job.state === "done") this.done(job.result ?? {});
    else this.failed(job.error?.detail ?? `The pre-flight was ${job.state}.`, job.error?.hint ?? "");
  }

  private busy(on: boolean): void {
    this.button.disabled = on;
    this.button.setAttribute("aria-busy", String(on));
  }

  private going(share: number, message: string): void {
    this.place.classList.remove("is-stale");
    this.place.replaceChildren(h("div", { class: "progress" }, h("progress", { class: "bar", max: 1, value: share, "aria-label": "Pre-flight" }), h("div", { class: "says" }, h("span", {}, message || "three dry steps"))));
  }

  private failed(detail: string, hint: string): void {
    this.job = "";
    this.busy(false);
    this.place.replaceChildren(notice("bad", detail, hint));
  }

  private done(result: Record<string, unknown>): void {
    const problems = list<unknown>(result["problems"]).map((each) => (isRecord(each) ? each : { title: String(each) }));
    const time = pair(result["seconds"] ?? result["duration"] ?? result["expected_seconds"]) ?? [num(result["seconds_low"]), num(result["seconds_high"])];
    const memory = num(result["memory_bytes"]) ?? (num(result["memory_mb"]) === null ? null : (num(result["memory_mb"]) ?? 0) * 1e6);
    const figures: [string, string][] = [
      ["Takes", range(time[0], time[1])], ["A step", seconds(num(result["seconds_per_step"]) ?? num(result["step_s"]))], ["Memory", memory === null ? "-" : bytes(memory)], ["On", str(result["device"], "-")],
    ];
    this.place.replaceChildren(
      h("dl", { class: "tr-flight" }, ...figures.map(([word, value]) => h("div", {}, h("dt", {}, word), h("dd", { class: "figure" }, value)))),
      ...problems.map((each) => notice(str(each["severity"]) === "error" ? "bad" : "warn", str(each["text"]) || str(each["title"]) || str(each["detail"]), str(each["action"]) || str(each["hint"]))),
      str(result["began"]) && h("p", { class: "small muted", "data-began": true }, str(result["began"])),
      problems.length ? "" : h("p", { class: "small good row" }, icon("circle-check"), "Nothing stands in the way."));
  }
}

function pair(value: unknown): [number | null, number | null] | null {
  if (Array.isArray(value)) return [num(value[0]), num(value.at(-1))];
  if (isRecord(value)) return [num(value["low"]) ?? num(value["p10"]), num(value["high"]) ?? num(value["p90"])];
  return null;
}
