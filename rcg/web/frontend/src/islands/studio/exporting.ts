// Exports: a job that writes an archive, what the format could not hold, and the download.
import { call } from "../../lib/api";
import { all, h, icon, notice, one } from "../../lib/dom";
import { bytes } from "../../lib/time";
import { follow, type Job, jobOf, problem } from "./job";

export interface Loss { what: string; count: number; example?: string | null }

export function exporting(dialog: HTMLDialogElement, dataset: string): (version: string) => void {
  const form = one<HTMLFormElement>("[data-export-form]", dialog), place = one("[data-export-progress]", dialog), report = one("[data-export-report]", dialog);
  const version = one<HTMLSelectElement>("#export-version", dialog);
  if (!form || !place || !version) return () => undefined;
  one("[data-close]", form)?.addEventListener("click", () => dialog.close());
  form.addEventListener("change", () => one("[type=submit]", form)?.classList.add("primary"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const format = one<HTMLInputElement>("[name=format]:checked", form)?.value ?? "coco_json";
    const images = one<HTMLInputElement>("#export-images", form)?.checked ?? true;
    const button = one<HTMLButtonElement>("[type=submit]", form);
    if (button) button.disabled = true;
    report?.replaceChildren();
    call<unknown>("POST", `/api/datasets/${dataset}/export`, { format, version: version.value ? Number(version.value) : null, images })
      .then(async (answer) => {
        const job = jobOf(answer);
        if (!job) return;
        done(report, dataset, await follow(job, place));
        button?.classList.remove("primary");  // the download is what comes next
      })
      .catch((error: unknown) => problem(report, error))
      .finally(() => { if (button) button.disabled = false; });
  });
  return (number) => {
    if (number && !all<HTMLOptionElement>("option", version).some((option) => option.value === number)) version.append(h("option", { value: number }, `Version ${number}`));
    version.value = number;
    dialog.showModal();
  };
}

function done(report: HTMLElement | null, dataset: string, job: Job): void {
  const result = job.result ?? {}, name = String(result["file_name"] ?? "export.zip"), size = Number(result["bytes"] ?? 0);
  const link = h("a", { class: "button primary", href: `/api/datasets/${dataset}/exports/${job.id}`, download: name }, icon("file-down"), `Download ${name}${size ? `, ${bytes(size)}` : ""}`);
  report?.replaceChildren(h("div", { class: "stack tight" }, notice("good", "The export is ready."), losses(result["loss"], "Everything is in it."), h("div", {}, link)));
  link.focus();
}

/** What a format could not hold, as a table; a sentence when there is nothing. */
export function losses(loss: unknown, nothing: string): HTMLElement {
  const body = loss as { entries?: Loss[]; items?: Loss[] } | Loss[] | null;
  const rows = Array.isArray(body) ? body : body?.entries ?? body?.items ?? [];
  if (!rows.length) return h("p", { class: "small muted" }, nothing);
  return h("details", { open: true }, h("summary", {}, `${rows.length} thing${rows.length === 1 ? "" : "s"} to know`),
    h("div", { class: "table-wrap", tabindex: 0, role: "region", "aria-label": "What to know" }, h("table", { class: "table compact" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "What"), h("th", { scope: "col", class: "figure" }, "How often"), h("th", { scope: "col" }, "For example"))),
      h("tbody", {}, ...rows.map((row) => h("tr", {}, h("td", {}, row.what), h("td", { class: "figure" }, String(row.count)), h("td", { class: "mono wrap muted" }, String(row.example ?? ""))))))));
}
