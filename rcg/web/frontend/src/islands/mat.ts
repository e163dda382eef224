// The printed mat: keeps the measured length of its bar.
import { call, explain } from "../lib/api";
import { one } from "../lib/dom";
import { toastError } from "../lib/toast";

export function mount(root: HTMLElement): void {
  const form = one<HTMLFormElement>("[data-bar]", root), input = one<HTMLInputElement>("#mat-bar", root), error = one("#mat-bar-error", root);
  if (!form || !input || !error) return;
  const say = (text: string): void => {
    error.textContent = text;
    if (text) input.setAttribute("aria-invalid", "true"); else input.removeAttribute("aria-invalid");
  };
  input.addEventListener("input", () => say(""));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    call("PUT", "/api/mat/print", { bar_mm: input.valueAsNumber }).then(() => location.reload()).catch((problem: unknown) => {
      const { detail, hint } = explain(problem);
      say(`${detail} ${hint}`.trim());
    });
  });
  one("[data-forget]", root)?.addEventListener("click", () => {
    call("DELETE", "/api/mat/print").then(() => location.reload()).catch(toastError);
  });
}
