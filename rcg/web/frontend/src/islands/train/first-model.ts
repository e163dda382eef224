// Build my first model: cards are rendered, a dataset made, a run begun, and its page opens by itself.
import { call, explain } from "../../lib/api";
import { h, notice, one } from "../../lib/dom";
import { listen } from "../../lib/live";
import { timeLeft } from "../../lib/time";
import { isRecord, num, str } from "./rows";

interface Job { id: string; state: string; progress: number; message: string; started_at: number | null; result: Record<string, unknown> | null; error: { detail: string; hint: string } | null }
interface First { dataset_id: string; job_id: string; run_id: string | null }

export function mount(root: HTMLElement): void {
  const button = one<HTMLButtonElement>("[data-build]", root), going = one("[data-going]", root), problem = one("[data-problem]", root);
  let job = "", began = 0;

  const show = (share: number, message: string): void => {
    if (going) going.hidden = false;
    const bar = one<HTMLProgressElement>("progress", root), says = one("[data-message]", root), eta = one("[data-eta]", root);
    if (bar) bar.value = share;
    if (says && message) says.textContent = message;
    if (eta) eta.textContent = timeLeft(share, began);
  };
  const over = (): void => {
    job = "";
    if (button) { button.disabled = false; button.removeAttribute("aria-busy"); }
    if (going) going.hidden = true;
  };
  const failed = (detail: string, hint: string): void => {
    over();
    problem?.replaceChildren(notice("bad", detail, hint));
  };
  const open = (run: string): void => { over(); location.assign(`/train/runs/${run}`); };

  const look = async (): Promise<void> => {
    const now = await call<Job>("GET", `/api/jobs/${job}`).catch(() => null);
    if (!now || now.id !== job) return;
    began = now.started_at ?? 0;
    if (now.state === "queued" || now.state === "running") { show(now.progress, now.message || (now.state === "queued" ? "waiting for its turn" : "rendering cards")); return; }
    if (now.state !== "done") { failed(now.error?.detail ?? `The rendering was ${now.state}.`, now.error?.hint ?? "Try again; what was rendered stays."); return; }
    const run = str(now.result?.["run_id"]) || str(isRecord(now.result?.["run"]) ? now.result["run"]["id"] : "");
    // The run is launched when the cards are there; asking again names it.
    if (run) open(run); else await begin();
  };
  const begin = async (): Promise<void> => {
    const first = await call<First>("POST", "/api/training/first-model", {});
    if (first.run_id) { open(first.run_id); return; }
    job = first.job_id;
    show(0, "queued");
    document.dispatchEvent(new CustomEvent("rcg:job-started"));
    await look();
  };

  button?.addEventListener("click", () => {
    if (job) return;
    button.disabled = true;
    button.setAttribute("aria-busy", "true");
    problem?.replaceChildren(h("span", {}));
    begin().catch((error: unknown) => failed(explain(error).detail, explain(error).hint));
  });
  listen((event) => {
    if (!job) return;
    if (event.kind === "hello" || event.kind === "reset") { void look(); return; }
    if (event.data["job_id"] !== job) return;
    if (event.kind === "progress") show(num(event.data["progress"]) ?? 0, str(event.data["message"]));
    if (event.kind === "state") look().catch((error: unknown) => failed(explain(error).detail, explain(error).hint));
  });
}
