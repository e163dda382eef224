// The drawer of one job: opened from the table, kept in the address, its log read once and then followed.
import htmx from "htmx.org/dist/htmx.esm.js";
import { call } from "../lib/api";
import { from, h, one } from "../lib/dom";
import { listen } from "../lib/live";
import { retell } from "../lib/time";
import { toastError } from "../lib/toast";

interface Line { at: number; level: string; text: string }
const clock = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

export function mount(root: HTMLElement): void {
  const dialog = one<HTMLDialogElement>("#drawer-job");
  let shown = "";
  const load = async (id: string): Promise<void> => {
    const response = await fetch(`/jobs/${encodeURIComponent(id)}/drawer`, { headers: { accept: "text/html", "hx-request": "true" } });
    const text = await response.text();
    const body = new DOMParser().parseFromString(text, "text/html").querySelector<HTMLElement>("#drawer-job-body");
    if (!response.ok || !body) throw new Error(`There is no job ${id}.`);
    one("#drawer-job-body")?.replaceWith(document.adoptNode(body));
    const title = one("#drawer-job-title");
    if (title) title.textContent = body.dataset["title"] ?? "Job";
    htmx.process(body);
    retell(body);
    const lines = await call<Line[]>("GET", `/api/jobs/${id}/log`).catch(() => []);
    if (lines.length) one("[data-log]", body)?.replaceChildren(...lines.map(line));
  };
  const open = (id: string): void => {
    shown = id;
    load(id).then(() => { if (dialog && !dialog.open) dialog.showModal(); }).catch(toastError);
    const url = new URL(location.href);
    url.searchParams.set("job", id);
    history.replaceState(null, "", url);
  };
  root.addEventListener("click", (event) => {
    const link = from(event, "[data-open-job]");
    if (!link || (event instanceof MouseEvent && (event.ctrlKey || event.metaKey))) return;
    event.preventDefault();
    open(link.dataset["openJob"] ?? "");
  });
  dialog?.addEventListener("close", () => {
    shown = "";
    const url = new URL(location.href);
    url.searchParams.delete("job");
    history.replaceState(null, "", url);
  });
  listen((event) => {
    if (!shown || event.data["job_id"] !== shown) return;
    if (event.kind === "state") void load(shown).catch(toastError);
    if (event.kind === "log") {
      const log = one(`[data-log="${shown}"]`);
      if (!log) return;
      if (one(".faint", log)) log.replaceChildren();
      log.append(line({ at: Number(event.data["at"] ?? Date.now()), level: String(event.data["level"] ?? "info"), text: String(event.data["text"] ?? "") }));
      log.scrollTop = log.scrollHeight;
    }
  });
  if (root.dataset["open"]) open(root.dataset["open"]);
}

function line(each: Line): HTMLElement {
  return h("li", { class: each.level }, h("time", {}, clock.format(each.at)), h("span", { class: "text" }, each.text));
}
