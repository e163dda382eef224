// Importing annotations, with or without their images: from files of this computer, or a folder of the server's.
import { call, send } from "../../lib/api";
import { all, from, h, notice, one } from "../../lib/dom";
import { bytes } from "../../lib/time";
import type { Chosen } from "../../upload";
import { losses } from "./exporting";
import { fieldError, follow, type Job, jobOf, problem } from "./job";

const ARCHIVE = /\.(zip|tar|tgz|tar\.(gz|bz2|xz))$/i;

interface Importing { open: (chosen: Chosen[]) => void; report: (job: Job) => void }

export function importing(dialog: HTMLDialogElement, dataset: string, changed: () => void): Importing {
  const form = one<HTMLFormElement>("[data-import-form]", dialog), input = one<HTMLInputElement>("#import-files", dialog), says = one("[data-import-says]", dialog);
  const folder = one<HTMLInputElement>("#import-folder", dialog), place = one("[data-import-progress]", dialog), report = one("[data-import-report]", dialog), go = one<HTMLButtonElement>("[data-import-go]", dialog);
  if (!form || !input || !says || !folder || !place || !go) return { open: () => undefined, report: () => undefined };
  let chosen: Chosen[] = [];
  const choose = (files: Chosen[]): void => {
    chosen = files;
    report?.replaceChildren();
    const size = files.reduce((sum, each) => sum + each.file.size, 0), first = files[0];
    says.textContent = !first ? "" : files.length === 1 ? `${first.path}, ${bytes(size)}` : `${files.length} files, ${bytes(size)}`;
    if (first) { folder.value = ""; fieldError(folder, ""); }
  };
  input.addEventListener("change", () => choose([...(input.files ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name }))));
  one("[data-close]", form)?.addEventListener("click", () => dialog.close());
  one("[data-formats]", form)?.addEventListener("click", (event) => {
    const button = from(event, "button");
    if (button) for (const each of all("[data-formats] button", form)) each.setAttribute("aria-pressed", String(each === button));
  });

  const start = async (): Promise<void> => {
    const format = one<HTMLButtonElement>("[data-formats] [aria-pressed=true]", form)?.value ?? "auto", name = folder.value.trim();
    if (!chosen.length && !name) { fieldError(folder, "Choose files, or name a folder."); folder.focus(); return; }
    go.disabled = true;
    report?.replaceChildren();
    try {
      const job = jobOf(name ? await call("POST", `/api/datasets/${dataset}/import`, { folder: name, annotation_format: format }) : await upload(chosen, format));
      if (!job) return;
      const end = await follow(job, place);
      input.value = "";
      choose([]);
      done(end);
      changed();
    } catch (error) {
      place.replaceChildren();
      problem(report, error);
    } finally {
      go.disabled = false;
    }
  };
  const upload = (files: Chosen[], format: string): Promise<unknown> => {
    const body = new FormData();
    body.append("annotation_format", format);
    for (const each of files) body.append(files.length === 1 && ARCHIVE.test(each.path) ? "archive" : "files", each.file, each.path);
    const bar = h("progress", { class: "bar", max: 1, value: 0, "aria-label": "Upload" });
    place.replaceChildren(h("div", { class: "progress" }, bar, h("div", { class: "says" }, h("span", {}, "Sending"))));
    return send("POST", `/api/datasets/${dataset}/import`, body, (share) => { bar.value = share; });
  };
  const done = (job: Job): void => {
    const result = job.result ?? {}, figure = (key: string): number => Number(result[key] ?? 0);
    const parts = [`${figure("items")} new item${figure("items") === 1 ? "" : "s"}`, `${figure("annotations")} annotation${figure("annotations") === 1 ? "" : "s"}`];
    if (figure("known_items")) parts.push(`${figure("known_items")} there already`);
    const fresh = Array.isArray(result["new_classes"]) ? (result["new_classes"] as string[]) : [];
    if (fresh.length) parts.push(`new class${fresh.length === 1 ? "" : "es"}: ${fresh.join(", ")}`);
    const missing = Array.isArray(result["missing_names"]) ? (result["missing_names"] as string[]).slice(0, 3).join(", ") : "";
    const left = figure("without_item") ? notice("warn", `Labels of ${figure("without_item")} image${figure("without_item") === 1 ? "" : "s"} that are not here were left out: ${missing}.`, "Add these images, then import the labels again: nothing comes twice.") : null;
    report?.replaceChildren(h("div", { class: "stack tight" }, notice("good", `Imported: ${parts.join(", ")}.`, result["format"] ? `Read as ${String(result["format"])}.` : ""), left, losses(result["loss"], "Nothing was lost on the way.")));
  };
  form.addEventListener("submit", (event) => { event.preventDefault(); void start(); });
  return {
    open: (files) => { choose(files); if (!dialog.open) dialog.showModal(); go.focus(); },
    report: (job) => { if (!dialog.open) dialog.showModal(); done(job); },
  };
}
