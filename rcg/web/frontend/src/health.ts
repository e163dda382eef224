// How the server is, in plain words: the dot in the top bar, its list, and the dashboard's panel.
import { all, h, one } from "./lib/dom";

interface Part { ok: boolean; detail?: string; hint?: string; path?: string }
interface Health { status: string; step?: string; areas: Record<string, Part>; parts: Record<string, Part> }

const NAMES: Record<string, string> = { shell: "Dashboard", capture: "Capture", grade: "Cards", annotate: "Annotate", studio: "Datasets", augment: "Augment", train: "Train", api: "API", static: "Files", database: "Database", valkey: "Valkey", workers: "Workers", disk: "Disk", certificate: "Certificate" };

async function ask(): Promise<Health | null> {
  try {
    const answer = await fetch("/health/ready", { headers: { accept: "application/json" } });
    return (await answer.json()) as Health;
  } catch {
    return null;
  }
}

function row(name: string, part: Part): HTMLElement {
  const why = [part.ok ? "" : part.detail ?? "", part.ok ? "" : part.hint ?? ""].filter(Boolean).join(" ");
  return h("li", {}, h("span", { class: `dot ${part.ok ? "good" : "bad"}` }), h("span", {}, NAMES[name] ?? name),
    h("span", { class: "small faint truncate" }, part.ok ? "" : "not well"), part.ok ? (part.detail ? h("span", { class: "why clamp", title: part.detail }, part.detail) : null) : h("span", { class: "why" }, why));
}

async function show(): Promise<void> {
  if (document.hidden) return;
  const health = await ask();
  const status = health?.status ?? "unreachable";
  const word = { ready: "Ready", degraded: "Degraded", starting: "Starting" }[status] ?? "No answer";
  const kind = status === "ready" ? "good" : status === "unreachable" ? "bad" : "warn";
  for (const dot of all("[data-health-dot]")) dot.className = `dot ${kind}`;
  one("[data-health]")?.setAttribute("aria-label", `This server: ${word.toLowerCase()}`);
  const title = one("[data-health-title]");
  if (title) title.textContent = health ? `This server: ${word.toLowerCase()}` : "The server does not answer";
  for (const place of all("[data-health-word]")) place.replaceChildren(h("span", { class: `badge ${kind}` }, word));
  for (const list of all("[data-health-list]")) {
    if (!health) { list.replaceChildren(h("li", {}, h("span", { class: "dot bad" }), h("span", {}, "RCG does not answer. See whether it still runs on its computer: rcg serve."))); continue; }
    const rows = [...Object.entries(health.parts), ...Object.entries(health.areas)];
    rows.sort((a, b) => Number(a[1].ok) - Number(b[1].ok));
    list.replaceChildren(...rows.map(([name, part]) => row(name, part)));
  }
}

export function showHealth(): void {
  void show();
  setInterval(() => void show(), 10_000);
  document.addEventListener("visibilitychange", () => void show());
}
