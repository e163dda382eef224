// The list of datasets: the dialog that makes one, a rendered sample, folders of an older program.
import { ApiError, call, explain } from "../../lib/api";
import { all, from, h, icon, one } from "../../lib/dom";
import { fieldError, follow, type Job, jobOf, problem } from "./job";

interface Dataset { id: string; name: string }
interface Legacy { folder: string; name: string; kind: string | null; images: number; annotations: number; formats: string[]; imported_as: string | null; note: string }
const SAMPLE = { kind: "surface_damage", cards: 24, seed: 1 };

export function mount(root: HTMLElement): void {
  const dialog = one<HTMLDialogElement>("#create-dataset", root);
  if (dialog) creating(dialog);
  root.addEventListener("click", (event) => {
    if (from(event, "[data-create]")) open(dialog);
    const button = from(event, "[data-render-sample]");
    if (button instanceof HTMLButtonElement) void sample(button, one("[data-page-problem]", root));
  });
  const address = new URLSearchParams(location.search);
  if (address.has("new")) open(dialog);
  void legacy(root);
}

function open(dialog: HTMLDialogElement | null): void {
  if (!dialog || dialog.open) return;
  propose(dialog);
  dialog.showModal();
  const name = one<HTMLInputElement>("#new-name", dialog);
  one<HTMLInputElement>("[name=kind]:checked", dialog)?.focus();
  name?.select();
}

/** Until a name is typed, the field holds a free one like the kind. */
function propose(dialog: HTMLElement): void {
  const name = one<HTMLInputElement>("#new-name", dialog), kind = one<HTMLInputElement>("[name=kind]:checked", dialog);
  if (!name || !kind || (name.value && name.value !== name.dataset["proposed"])) return;
  name.value = kind.dataset["proposal"] ?? "";
  name.dataset["proposed"] = name.value;
}

function creating(dialog: HTMLDialogElement): void {
  const form = one<HTMLFormElement>("[data-create-form]", dialog), name = one<HTMLInputElement>("#new-name", dialog);
  if (!form || !name) return;
  for (const button of all("[data-close]", form)) button.addEventListener("click", () => dialog.close());
  for (const kind of all("[name=kind]", form)) kind.addEventListener("change", () => propose(dialog));
  dialog.addEventListener("close", () => {
    const url = new URL(location.href);
    url.searchParams.delete("new");
    history.replaceState(null, "", url);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!name.value.trim()) { fieldError(name, "It needs a name."); name.focus(); return; }
    const kind = one<HTMLInputElement>("[name=kind]:checked", form)?.value ?? "";
    const description = one<HTMLInputElement>("#new-description", form)?.value ?? "";
    const button = one<HTMLButtonElement>("[type=submit]", form);
    button?.setAttribute("aria-busy", "true");
    call<Dataset>("POST", "/api/datasets", { name: name.value, kind, description })
      .then((made) => location.assign(`/studio/datasets/${made.id}`))
      .catch((error: unknown) => { fieldError(name, `${explain(error).detail} ${explain(error).hint}`.trim()); name.focus(); button?.removeAttribute("aria-busy"); });
  });
}

async function sample(button: HTMLButtonElement, place: HTMLElement | null): Promise<void> {
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  try {
    for (let number = 1; ; number += 1) {
      const name = number === 1 ? "Sample: surface damage" : `Sample: surface damage ${number}`;
      try {
        const made = await call<{ dataset: Dataset }>("POST", "/api/datasets/render", { name, ...SAMPLE });
        location.assign(`/studio/datasets/${made.dataset.id}`);
        return;
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 409 || number > 50) throw error;
      }
    }
  } catch (error) {
    problem(place, error);
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }
}

async function legacy(root: HTMLElement): Promise<void> {
  const section = one("[data-legacy]", root), list = one("[data-legacy-list]", root);
  if (!section || !list) return;
  const answer = await call<Legacy[] | { folders: Legacy[] }>("GET", "/api/datasets/legacy").catch(() => []);
  const found = Array.isArray(answer) ? answer : answer.folders;
  list.replaceChildren(...found.map((folder) => legacyRow(folder)));
  section.hidden = !found.length;
}

function legacyRow(folder: Legacy): HTMLLIElement {
  const says = [folder.kind ?? "kind not said", `${folder.images} image${folder.images === 1 ? "" : "s"}`, `${folder.annotations} annotation file${folder.annotations === 1 ? "" : "s"}`, ...folder.formats].join(" · ");
  const place = h("div", { class: "job", hidden: true });
  const row = h("li", {}, h("div", {}, h("strong", {}, folder.name), h("div", { class: "small muted" }, says), folder.note && h("div", { class: "small faint" }, folder.note)));
  if (folder.imported_as) {
    row.append(h("a", { class: "button", href: `/studio/?q=${encodeURIComponent(folder.imported_as)}` }, icon("check"), `In ${folder.imported_as}`), place);
    return row;
  }
  const button = h("button", { class: "button", type: "button" }, icon("folder-input"), "Import");
  button.addEventListener("click", () => { void take(folder, button, place); });
  row.append(button, place);
  return row;
}

async function take(folder: Legacy, button: HTMLButtonElement, place: HTMLElement): Promise<void> {
  button.disabled = true;
  place.hidden = false;
  try {
    const answer = await call<{ dataset?: Dataset; job?: Job }>("POST", `/api/datasets/legacy/${encodeURIComponent(folder.folder)}/import`, {});
    const job = jobOf(answer);
    if (job) await follow(job, place);
    if (answer.dataset) location.assign(`/studio/datasets/${answer.dataset.id}${job ? `?imported=${job.id}` : ""}`);
    else location.reload();
  } catch (error) {
    problem(place, error);
    button.disabled = false;
  }
}
