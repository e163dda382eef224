// The annotator's page. OpenSeadragon and Konva come with the rest only when this page is open.
import { notice, one } from "../../lib/dom";
import { explain } from "../../lib/api";

export function mount(root: HTMLElement): Promise<void> {
  return import("./app").then(async ({ Annotator }) => {
    await new Annotator(root, JSON.parse(root.dataset["config"] ?? "{}") as never).start();
  }).catch((error: unknown) => {
    const box = one("[data-message]", root), known = explain(error);
    if (box) { box.hidden = false; box.replaceChildren(notice("bad", "The annotator could not start.", "Reload the page.", `${known.detail} ${known.hint}`)); }
  });
}
