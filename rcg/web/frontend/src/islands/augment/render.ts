// Nothing to look at: a few cards are rendered, and the page goes on with them when they are there.
import { call } from "../../lib/api";
import { h, one } from "../../lib/dom";
import { listen } from "../../lib/live";
import { toastError } from "../../lib/toast";

interface Job { id: string; state: string; error: { detail: string; hint: string } | null }
interface Made { dataset: { id: string }; job: { id: string } }

export function render(root: HTMLElement, kind: string): void {
  const button = one<HTMLButtonElement>("[data-render]", root), place = one("[data-rendering]", root);
  if (!button || !place) return;
  button.disabled = true;
  const bar = h("progress", { class: "bar", max: 1, value: 0, "aria-label": "Rendering the cards" });
  const words = h("span", { class: "message" }, "Waiting for its turn");
  place.replaceChildren(h("div", { class: "progress" }, bar, h("div", { class: "says" }, words)));
  place.hidden = false;
  call<Made>("POST", "/api/datasets/render", { name: `Sample cards, ${kind.replaceAll("_", " ")}`, kind, cards: 8, seed: 1 })
    .then((made) => follow(made, bar, words))
    .catch((error: unknown) => { button.disabled = false; place.hidden = true; toastError(error); });
}

function follow(made: Made, bar: HTMLProgressElement, words: HTMLElement): void {
  const job = made.job.id, dataset = made.dataset.id;
  document.dispatchEvent(new CustomEvent("rcg:job-started"));
  const ended = (row: Pick<Job, "state" | "error">): void => {
    if (row.state === "done") {
      const url = new URL(location.href);
      url.searchParams.set("dataset", dataset);
      location.assign(url);
    } else if (["failed", "dead", "cancelled"].includes(row.state)) words.textContent = row.error ? `${row.error.detail} ${row.error.hint}` : `The rendering was ${row.state}.`;
  };
  const look = (): void => { void call<Job>("GET", `/api/jobs/${job}`).then(ended).catch(() => undefined); };
  listen((event) => {
    if (event.kind === "hello" || event.kind === "reset") look();
    if (event.data["job_id"] !== job) return;
    if (event.kind === "progress") { bar.value = Number(event.data["progress"] ?? 0); words.textContent = String(event.data["message"] ?? ""); }
    if (event.kind === "state") ended({ state: String(event.data["state"]), error: event.data["error"] as Job["error"] });
  });
  look();
}
