import { call } from "../lib/api";
import { h, icon, one } from "../lib/dom";
import { toast, toastError } from "../lib/toast";

interface Link { path: string; expires_at: number | null }

export function mount(root: HTMLElement): void {
  const made = one("[data-made]", root);
  one("[data-make]", root)?.addEventListener("click", () => {
    call<Link>("POST", "/api/links", {}).then(async (link) => {
      if (!made) return;
      const url = (one<HTMLSelectElement>("[data-address]", root)?.value || location.origin) + link.path;
      const answer = await fetch("/settings/qr", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ url }) });
      const picture = answer.ok ? new DOMParser().parseFromString(await answer.text(), "image/svg+xml").documentElement : null;
      if (picture) { picture.setAttribute("class", "qr"); picture.setAttribute("role", "img"); picture.setAttribute("aria-label", "The link as a QR code"); }
      const until = link.expires_at ? `Works once, until ${new Date(link.expires_at).toLocaleTimeString([], { timeStyle: "short" })}.` : "Works once.";
      made.hidden = false;
      made.replaceChildren(...(picture ? [document.adoptNode(picture)] : []), h("code", { class: "wrap" }, url),
        h("div", { class: "row" }, h("button", { class: "button small", type: "button", onclick: () => void navigator.clipboard.writeText(url).then(() => toast("Copied")) }, icon("copy"), "Copy"), h("span", { class: "small faint" }, until)));
    }).catch(toastError);
  });
}
