// A pairing's secret comes in the fragment, which no server log sees, or as six digits that a person types.
import { call, explain } from "../lib/api";
import { one } from "../lib/dom";

export function mount(root: HTMLElement): void {
  const secret = location.hash.slice(1), field = one<HTMLInputElement>("[name=code]", root);
  history.replaceState(null, "", location.pathname + location.search);
  const redeem = (what: string): void => {
    call("POST", "/api/auth/redeem", { secret: what }).then(() => location.replace(root.dataset["next"] || "/capture/")).catch((error: unknown) => {
      const known = explain(error), place = one("#code-error", root);
      if (place) place.textContent = `${known.detail} ${known.hint}`;
      field?.focus();
    });
  };
  one("form", root)?.addEventListener("submit", (event) => {
    event.preventDefault();
    const digits = (field?.value ?? "").replace(/\D/g, "");
    if (digits.length === 6) redeem(digits);
    else { const place = one("#code-error", root); if (place) place.textContent = "The code has six digits."; }
  });
  if (secret) redeem(secret);
}
