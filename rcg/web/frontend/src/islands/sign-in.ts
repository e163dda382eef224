import { one } from "../lib/dom";

export function mount(form: HTMLElement): void {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const input = one<HTMLInputElement>("input", form);
    const error = one(".error", form);
    if (!input || !error) return;
    const text = input.value.trim();
    const secret = text.includes("#") ? text.slice(text.indexOf("#") + 1) : text;
    if (!/^[\w.~-]{16,}$/.test(secret.replace(/^(t|token)=/, ""))) {
      error.textContent = "This is no sign-in link: it ends in # and a long word. Copy all of what rcg link prints.";
      input.setAttribute("aria-invalid", "true");
      return;
    }
    location.assign(`/link?next=${encodeURIComponent(form.dataset["next"] || "/")}#${secret}`);
  });
}
