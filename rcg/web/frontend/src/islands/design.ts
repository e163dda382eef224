import { from, one } from "../lib/dom";
import { toast } from "../lib/toast";

export function mount(root: HTMLElement): void {
  root.addEventListener("click", (event) => {
    if (from(event, "[data-show-toast]")) toast("Took out light up", { word: "Undo", run: () => toast("Put back") });
    if (from(event, "[data-show-dialog]")) one<HTMLDialogElement>("#design-dialog", root)?.showModal();
    const choice = from(event, "[data-one-of] button");
    if (choice) for (const button of choice.parentElement?.children ?? []) button.setAttribute("aria-pressed", String(button === choice));
  });
  const range = one<HTMLInputElement>("input[type=range]", root), output = one("output", root);
  range?.addEventListener("input", () => { if (output) output.textContent = `${range.value}\u2009°`; });
}
