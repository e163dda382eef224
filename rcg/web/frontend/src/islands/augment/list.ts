// The list of recipes: only deleting needs a script.
import { call } from "../../lib/api";
import { from, one } from "../../lib/dom";
import { toastError } from "../../lib/toast";

export function mount(root: HTMLElement): void {
  const dialog = one<HTMLDialogElement>("#au-delete", root);
  let id = "";
  root.addEventListener("click", (event) => {
    const button = from(event, "[data-delete]");
    if (!button || !dialog) return;
    id = button.dataset["delete"] ?? "";
    const title = one("#au-delete-title", dialog), going = one("[data-going]", dialog), users = button.dataset["users"];
    if (title) title.textContent = `Delete “${button.dataset["name"]}”?`;
    if (going) going.textContent = `${users ? `It is the default of ${users}, which will have none. ` : ""}Versions that were made with it keep their copy. This cannot be undone.`;
    dialog.showModal();
  });
  dialog?.addEventListener("close", () => {
    if (dialog.returnValue === "delete") call("DELETE", `/api/recipes/${id}`).then(() => location.reload()).catch(toastError);
    dialog.returnValue = "";
  });
}
