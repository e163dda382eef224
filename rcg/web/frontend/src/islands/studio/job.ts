// A job where it was asked for: its progress in place, its end in words, and what comes after it.
import { ApiError, call, explain } from "../../lib/api";
import { h, icon, notice } from "../../lib/dom";
import { listen } from "../../lib/live";

export interface Job {
  id: string; title: string; state: string; progress: number; message: string; started_at: number | null;
  subject?: string | null; result: Record<string, unknown> | null; error: { detail: string; hint: string } | null;
}
const ENDED = new Set(["done", "failed", "dead", "cancelled"]);

/** The job of an answer: some routes answer with it, others with it in a field. */
export function jobOf(answer: unknown): Job | null {
  const body = (answer ?? {}) as Record<string, unknown>;
  if (body["job"] && typeof body["job"] === "object") return body["job"] as Job;
  return typeof body["id"] === "string" && typeof body["state"] === "string" ? (body as unknown as Job) : null;
}

/** Tells when a job has ended. Events may have come before we listened, so its row is read once, too. */
export function ended(id: string): Promise<Job> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      call<Job>("GET", `/api/jobs/${id}`).then((job) => { if (ENDED.has(job.state)) { stop(); resolve(job); } })
        .catch((error: unknown) => { stop(); reject(explain(error)); });
    };
    const stop = listen((event) => {
      const mine = event.data["job_id"] === id && event.kind === "state" && ENDED.has(String(event.data["state"]));
      if (mine || event.kind === "hello" || event.kind === "reset") look();
    });
    look();
  });
}

/** Shows a job's progress in `place` until it ends; resolves when it is done, rejects with its own words otherwise. */
export async function follow(job: Job, place: HTMLElement): Promise<Job> {
  document.dispatchEvent(new CustomEvent("rcg:job-started"));
  place.replaceChildren(h("div", { class: "progress", "data-job": job.id, "data-started": job.started_at ?? Date.now(), role: "status" },
    h("progress", { class: "bar", max: 1, value: job.progress, "aria-label": job.title }),
    h("div", { class: "says" }, h("span", { class: "message truncate" }, job.message || "waiting for its turn"),
      h("span", { class: "row together" }, h("span", { class: "eta nowrap" }), h("button", { class: "button quiet small", type: "button", "data-cancel": job.id }, "Cancel")))));
  const end = await ended(job.id);
  place.replaceChildren();
  if (end.state === "done") return end;
  const what = end.state === "cancelled" ? "Cancelled; what was done before that is kept." : end.error?.detail ?? "It failed without saying why.";
  throw new ApiError(0, end.state, what, end.error?.hint ?? "", { job_id: end.id });
}

export function problem(place: HTMLElement | null, error: unknown): void {
  const known = explain(error);
  if (!place) return;
  place.replaceChildren(known.code === "cancelled" ? notice("", known.detail) : notice("bad", known.detail, known.hint));
  const id = (known.data as { job_id?: string } | null)?.job_id;
  if (id && known.code !== "cancelled") place.firstElementChild?.append(h("a", { class: "button small", href: `/jobs?job=${id}` }, "Log", icon("arrow-right")));
}

/** Marks a field as wrong, in its own place; the words go when it is changed. */
export function fieldError(input: HTMLElement, text: string): void {
  const place = document.getElementById(`${input.id}-error`);
  if (!place) return;
  place.textContent = text;
  if (!text) { input.removeAttribute("aria-invalid"); return; }
  input.setAttribute("aria-invalid", "true");
  input.addEventListener("input", () => fieldError(input, ""), { once: true });
}
