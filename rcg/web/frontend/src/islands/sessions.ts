import { call } from "../lib/api";
import { from } from "../lib/dom";
import { toast, toastError } from "../lib/toast";

export function mount(root: HTMLElement): void {
  root.addEventListener("click", (event) => {
    const button = from(event, "[data-revoke]");
    if (!button) return;
    const own = "current" in button.dataset;
    call(own ? "POST" : "DELETE", own ? "/api/auth/sign-out" : `/api/sessions/${button.dataset["revoke"]}`).then(() => {
      if (own) location.assign("/sign-in");
      button.closest("tr")?.remove();
      toast("Signed out. A sign-in link brings the device back.");
    }).catch(toastError);
  });
}
