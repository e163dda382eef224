import htmx from "htmx.org/dist/htmx.esm.js";
import { all, notice } from "./lib/dom";
import * as live from "./lib/live";
import { retell } from "./lib/time";
import * as frame from "./frame";

/** May return a promise: until it is kept, the island's buttons do not work yet. */
type Mount = (root: HTMLElement) => void | Promise<void>;
const ISLANDS: Record<string, () => Promise<{ mount: Mount }>> = {
  "snippet": () => import("./islands/snippet"),
  "drop": () => import("./islands/drop"),
  "sign-in": () => import("./islands/sign-in"),
  "link": () => import("./islands/link"),
  "jobs": () => import("./islands/jobs"),
  "card": () => import("./islands/card"),
  "new-card": () => import("./islands/new-card"),
  "gauges": () => import("./islands/gauges"),
  "report": () => import("./islands/report"),
  "sessions": () => import("./islands/sessions"),
  "tokens": () => import("./islands/tokens"),
  "sign-in-link": () => import("./islands/sign-in-link"),
  "server-log": () => import("./islands/server-log"),
  "mat": () => import("./islands/mat"),
  "design": () => import("./islands/design"),
  "datasets": () => import("./islands/studio/datasets"),
  "dataset": () => import("./islands/studio/dataset"),
  "kind-form": () => import("./islands/studio/kind-form"),
  "annotator": () => import("./islands/annotate/annotator"),
  "augment": () => import("./islands/augment/augment"),
  "train-new": () => import("./islands/train/new"),
  "train-run": () => import("./islands/train/run"),
  "train-runs": () => import("./islands/train/runs"),
  "train-compare": () => import("./islands/train/compare"),
  "pair": () => import("./islands/pair"),
  "desk": () => import("./islands/capture/desk"),
  "models": () => import("./islands/train/models"),
  "rig": () => import("./islands/capture/rig"),
  "rig-calibration": () => import("./islands/capture/calibration"),
  "light-page": () => import("./islands/capture/light-page"),
  "first-model": () => import("./islands/train/first-model"),
};
const mounted = new WeakSet<HTMLElement>();

/** Says that an element's buttons work, for the presses that came before (theme.ts). */
function told(element: HTMLElement, how = ""): void {
  element.dataset["mounted"] = how;
  element.dispatchEvent(new CustomEvent("rcg:mounted", { bubbles: true }));
}

function mountAll(root: ParentNode): void {
  for (const element of all("[data-island]", root)) {
    const load = ISLANDS[element.dataset["island"] ?? ""];
    if (!load || mounted.has(element)) continue;
    mounted.add(element);
    load().then((island) => island.mount(element)).then(() => told(element), (error: unknown) => {
      console.error(error);
      element.prepend(notice("bad", "This part of the page did not load.", "Reload the page; if it stays so, see whether the server still runs."));
      told(element, "failed");
    });
  }
  retell(root);
}

document.addEventListener("htmx:load", (event) => mountAll(event.target instanceof HTMLElement ? event.target : document));
document.addEventListener("rcg:mount", () => { htmx.process(document.body); mountAll(document); });
mountAll(document);
if (!("bare" in document.body.dataset)) {
  live.start();
  frame.start((name) => htmx.trigger(document.body, name));
  setInterval(() => retell(), 30_000);
}
told(document.documentElement);
