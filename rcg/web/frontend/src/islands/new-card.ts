import { call, explain } from "../lib/api";
import { one } from "../lib/dom";

export function mount(form: HTMLElement): void {
  const dialog = form.closest("dialog");
  one("[data-close]", form)?.addEventListener("click", () => dialog?.close());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const name = one<HTMLInputElement>("[name=name]", form)?.value.trim() ?? "";
    const set = one<HTMLInputElement>("[name=set_name]", form)?.value.trim() ?? "";
    call<{ id: string }>("POST", "/api/cards", { name, set_name: set })
      .then((card) => location.assign(`/grade/cards/${card.id}`))
      .catch((error: unknown) => {
        const place = one("#new-name-error", form);
        if (place) place.textContent = `${explain(error).detail} ${explain(error).hint}`;
      });
  });
  document.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("[data-new-card]")) dialog?.showModal();
  });
  if (new URLSearchParams(location.search).has("new")) dialog?.showModal();
}
