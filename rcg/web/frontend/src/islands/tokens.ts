import { call, explain } from "../lib/api";
import { all, from, h, icon, one } from "../lib/dom";
import { toast, toastError } from "../lib/toast";

interface NewToken { id: string; name: string; token: string; scopes: string[] }

export function mount(root: HTMLElement): void {
  const form = one<HTMLFormElement>("[data-create]", root), made = one("[data-made]", root);
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    const name = one<HTMLInputElement>("[name=name]", form);
    const wrong = one("#token-name-error", form);
    const scopes = all<HTMLInputElement>("[name=scope]:checked", form).map((box) => box.value);
    if (wrong) wrong.textContent = scopes.length ? "" : "A token that may do nothing is of no use: tick at least one.";
    if (!scopes.length || !name) return;
    call<NewToken>("POST", "/api/tokens", { name: name.value, scopes }).then((token) => {
      if (made) {
        made.hidden = false;
        made.replaceChildren(h("div", { class: "notice good" }, icon("key-round"), h("div", {}, h("div", { class: "what" }, "Copy it now: it is not shown again."), h("code", { class: "wrap" }, token.token)),
          h("button", { class: "button small", type: "button", onclick: () => void navigator.clipboard.writeText(token.token).then(() => toast("Copied")) }, icon("copy"), "Copy")));
      }
      const body = one("tbody", root);
      if (!one("[data-id]", root)) body?.replaceChildren();
      body?.prepend(h("tr", { "data-id": token.id }, h("td", {}, token.name), h("td", {}, h("span", { class: "row" }, ...token.scopes.map((scope) => h("span", { class: "tag" }, scope)))), h("td", { class: "faint" }, "never"),
        h("td", { class: "actions" }, h("button", { class: "button small", type: "button", "data-revoke": token.id, "data-name": token.name }, "Revoke"))));
      name.value = "";
    }).catch((error: unknown) => { if (wrong) wrong.textContent = `${explain(error).detail} ${explain(error).hint}`; });
  });
  root.addEventListener("click", (event) => {
    const button = from(event, "[data-revoke]");
    if (!button) return;
    call("DELETE", `/api/tokens/${button.dataset["revoke"]}`).then(() => {
      button.closest("tr")?.remove();
      toast(`Revoked ${button.dataset["name"] ?? "the token"}; what used it is refused from now on.`);
    }).catch(toastError);
  });
}
