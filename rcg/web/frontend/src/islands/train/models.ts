// The list of models, and one model: use it or not, rename, pre-label a dataset with it, delete.
import { call, explain } from "../../lib/api";
import { all, from, one } from "../../lib/dom";
import { toast, toastError } from "../../lib/toast";
import { predict, use } from "./controls";

export function mount(root: HTMLElement): void {
  const id = root.dataset["model"] ?? "";
  root.addEventListener("click", (event) => {
    const button = from(event, "button[data-use]");
    if (button instanceof HTMLButtonElement) {
      button.disabled = true;
      use(button.dataset["use"] ?? "", button.dataset["to"] === "true").catch(toastError).finally(() => { button.disabled = false; });
    }
    if (from(event, "[data-ask-delete]")) one<HTMLDialogElement>("#tr-delete-model", root)?.showModal();
  });
  const dialog = one<HTMLDialogElement>("#tr-delete-model", root);
  dialog?.addEventListener("close", () => {
    const answer = dialog.returnValue;
    dialog.returnValue = "";
    if (answer === "delete") call("DELETE", `/api/models/${id}`).then(() => location.assign("/train/models")).catch(toastError);
  });
  const name = one<HTMLInputElement>("[data-rename]", root);
  if (name) rename(name, id);
  const form = one("[data-predict-form]", root), chosen = one<HTMLSelectElement>("[data-predict-dataset]", root), send = one<HTMLButtonElement>("[type=submit]", form ?? root);
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    const wrong = one("#predict-dataset-error", root);
    if (!chosen?.value || !send) return;
    send.disabled = true;
    predict(id, chosen.value).then(() => { if (wrong) wrong.textContent = ""; })
      .catch((error: unknown) => { if (wrong) wrong.textContent = `${explain(error).detail} ${explain(error).hint}`.trim(); })
      .finally(() => { send.disabled = false; });
  });
}

function rename(input: HTMLInputElement, id: string): void {
  let before = input.value;
  input.addEventListener("change", () => {
    if (!input.value.trim()) { input.value = before; return; }
    call("PATCH", `/api/models/${id}`, { name: input.value }).then(() => {
      const former = before;
      before = input.value;
      const crumb = all("[data-crumb]").pop();
      if (crumb) crumb.textContent = input.value;
      toast("Saved", { word: "Undo", run: () => { input.value = former; input.dispatchEvent(new Event("change")); } });
    }).catch((error: unknown) => { input.value = before; toastError(error); });
  });
  input.addEventListener("keydown", (event) => { if (event.key === "Enter") input.blur(); });
}
