// What is round every page: theme, rail, jobs ring and drawer, health, keys, and the buttons that start or stop jobs.
import { call } from "./lib/api";
import { all, from, h, one, typing } from "./lib/dom";
import { type LiveEvent, listen } from "./lib/live";
import { timeLeft } from "./lib/time";
import { toast, toastError } from "./lib/toast";
import { showHealth } from "./health";
import { openPalette } from "./palette";

interface Job { id: string; title: string; state: string; progress: number; result: { grade_id?: string } | null; error: { detail: string } | null }
const THEMES = ["auto", "light", "dark"] as const;
let refresh: (name: string) => void = () => undefined;
let follow = "";  // the demo that this page started

export function start(trigger: (name: string) => void): void {
  refresh = trigger;
  theme();
  document.addEventListener("click", clicks);
  document.addEventListener("keydown", keys);
  document.addEventListener("rcg:job-started", () => changed());
  document.addEventListener("rcg:grade-rendered", (event) => void demo((event as CustomEvent<[number, number]>).detail));
  listen(events);
  void ring();
  setInterval(() => void ring(), 20_000);
  showHealth();
}

export function setTheme(name: string): void {
  if (name === "auto") localStorage.removeItem("rcg-theme"); else localStorage.setItem("rcg-theme", name);
  if (name === "auto") delete document.documentElement.dataset["theme"]; else document.documentElement.dataset["theme"] = name;
  theme();
}

export function nextTheme(): void {
  const now = document.documentElement.dataset["theme"] ?? "auto";
  setTheme(THEMES[(THEMES.indexOf(now as (typeof THEMES)[number]) + 1) % THEMES.length] ?? "auto");
}

function theme(): void {
  const now = document.documentElement.dataset["theme"] ?? "auto";
  const button = one("[data-theme-toggle]");
  const sprite = document.body.dataset["icons"] ?? "";
  one("use", button ?? document)?.setAttribute("href", `${sprite}#${now === "light" ? "sun" : now === "dark" ? "moon" : "sun-moon"}`);
  const word = now === "auto" ? "Theme: as the system" : `Theme: ${now}`;
  button?.setAttribute("aria-label", word);
  button?.setAttribute("title", word);
}

function fold(): void {
  const root = document.documentElement;
  if (root.dataset["rail"] === "folded") { delete root.dataset["rail"]; localStorage.removeItem("rcg-rail"); }
  else { root.dataset["rail"] = "folded"; localStorage.setItem("rcg-rail", "folded"); }
}

/** Has a made-up card graded and opens its report; `item`: seed and number of a card of a rendered dataset. */
export async function demo(item?: [number, number]): Promise<void> {
  try {
    const job = await call<Job>("POST", "/api/demo", item ? { item } : {});
    follow = job.id;
    for (const button of all<HTMLButtonElement>("[data-demo]")) { button.disabled = true; button.setAttribute("aria-busy", "true"); }
    const card = item ? "Photographing that card under eight lights" : "Rendering a sample card";
    toast(`${card}; its report opens when it is graded.`, { word: "Show", run: openJobs });
    changed();
  } catch (error) {
    toastError(error);
  }
}

async function openJobs(): Promise<void> {
  const drawer = one<HTMLDialogElement>("#drawer-jobs");
  if (!drawer || drawer.open) return;
  drawer.showModal();
  const answer = await fetch("/jobs/drawer", { headers: { accept: "text/html", "hx-request": "true" } });
  const body = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("#drawer-jobs-body");
  if (body) {
    one("#drawer-jobs-body")?.replaceWith(document.adoptNode(body));
    document.dispatchEvent(new CustomEvent("rcg:mount"));
  }
}

function clicks(event: Event): void {
  if (from(event, "[data-theme-toggle]")) nextTheme();
  if (from(event, "[data-fold]")) fold();
  if (from(event, "[data-palette]")) openPalette();
  if (from(event, "[data-drawer=jobs]")) void openJobs();
  if (from(event, "[data-demo]")) void demo();
  if (from(event, "[data-print]")) print();
  const cancel = from(event, "[data-cancel]");
  if (cancel) act(cancel, "cancel", "Cancelling");
  const retry = from(event, "[data-retry]");
  if (retry) act(retry, "retry", "Queued again");
  const dialog = event.target instanceof HTMLDialogElement ? event.target : null;
  if (dialog?.classList.contains("drawer") || dialog?.classList.contains("palette")) dialog.close();  // a click beside it
}

function act(button: HTMLElement, what: "cancel" | "retry", words: string): void {
  button.setAttribute("disabled", "");
  call<Job>("POST", `/api/jobs/${button.dataset[what]}/${what}`).then(() => { toast(words); changed(); }).catch((error: unknown) => {
    button.removeAttribute("disabled");
    toastError(error);
  });
}

function keys(event: KeyboardEvent): void {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); openPalette(); return; }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event) || one("dialog[open]")) return;
  if (event.key === "?") help();
  if (event.key === "[") fold();
  if (event.key === "j") void openJobs();
  if (event.key === "/") { const search = one("[data-search]"); if (search) { event.preventDefault(); search.focus(); } else { event.preventDefault(); openPalette(); } }
}

function help(): void {
  const rows: [string, string][] = [["Ctrl K", "search and commands"], ["/", "search"], ["j", "jobs"], ["[", "fold the navigation"], ["?", "this help"]];
  if (one("[data-viewer]")) rows.push(["1 … 9", "layer"], ["l", "next light"], ["+ − 0", "closer, further, fit"], ["arrows", "move"], ["s f e", "stations, findings, edges"], ["n p", "next, previous finding"], ["x", "other side"], ["R", "hold: light from the pointer; the wheel raises it"]);
  if (one("[data-grid]")) rows.push(["arrows Home End", "move in the grid"], ["Space", "select"], ["Shift arrows", "select up to here"], ["Ctrl A", "select all"], ["Enter", "annotate"], ["Del", "delete the selection"]);
  const dialog = h("dialog", { class: "help", "aria-label": "Keyboard" }, h("form", { method: "dialog" }, h("h2", {}, "Keyboard"),
    h("dl", { class: "plain-dl" }, ...rows.flatMap(([key, word]) => [h("dt", {}, ...key.split(" ").map((each) => h("kbd", {}, each))), h("dd", {}, word)])),
    h("div", { class: "buttons" }, h("button", { class: "button" }, "Close"))));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

let pending = 0;
function changed(): void {
  clearTimeout(pending);
  pending = window.setTimeout(() => { refresh("rcg:jobs"); void ring(); }, 120);
}

function events(event: LiveEvent): void {
  const id = String(event.data["job_id"] ?? "");
  if (event.kind === "progress") progress(id, Number(event.data["progress"] ?? 0), String(event.data["message"] ?? ""));
  if (event.kind === "reset" || event.kind === "hello") changed();
  if (event.kind !== "state") return;
  changed();
  if (["done", "failed", "dead", "cancelled"].includes(String(event.data["state"]))) { refresh("rcg:cards"); void ended(id); }
}

async function ended(id: string): Promise<void> {
  if (id !== follow) return;
  const job = await call<Job>("GET", `/api/jobs/${id}`).catch(() => null);
  if (!job) return;
  follow = "";
  for (const button of all<HTMLButtonElement>("[data-demo]")) { button.disabled = false; button.removeAttribute("aria-busy"); }
  if (job.state === "done" && job.result?.grade_id) location.assign(`/grade/reports/${job.result.grade_id}`);
  else if (job.error) toast(job.error.detail, { word: "Look", run: () => location.assign(`/jobs?job=${id}`) }, 12);
}

function progress(id: string, fraction: number, message: string): void {
  for (const row of all(`[data-job="${CSS.escape(id)}"]`)) {
    const bar = one<HTMLProgressElement>("progress", row), says = one(".message", row), eta = one(".eta", row);
    if (bar) bar.value = fraction;
    if (says && message) says.textContent = message;
    if (eta) eta.textContent = timeLeft(fraction, Number(row.dataset["started"]));
  }
  const mine = running.get(id);
  if (mine !== undefined) { running.set(id, fraction); draw(); }
}

const running = new Map<string, number>();
async function ring(): Promise<void> {
  if (document.hidden) return;
  const page = await call<{ items: Job[] }>("GET", "/api/jobs?state=queued&state=running&limit=50").catch(() => null);
  if (!page) return;
  running.clear();
  for (const job of page.items) running.set(job.id, job.progress);
  draw();
}

function draw(): void {
  const values = [...running.values()];
  const share = values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : 0;
  one(".jobs-button .value")?.setAttribute("stroke-dashoffset", String(100 - 100 * share));
  const count = one("[data-job-count]"), button = one(".jobs-button");
  if (count) count.textContent = values.length ? String(values.length) : "";
  button?.setAttribute("aria-label", values.length ? `Jobs: ${values.length} active, ${Math.round(100 * share)} percent` : "Jobs: none active");
}
