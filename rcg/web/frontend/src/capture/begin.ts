// The form that begins a session: of an existing card if its name is one, else of a new one.
import { call, explain } from "../lib/api";
import { h, notice, one } from "../lib/dom";
import type { Session } from "./types";

interface Card { id: string; name: string }

export function beginForm(form: HTMLFormElement, begun: (session: Session) => void): void {
  const place = one("[data-begin-problem]", form);
  const name = one<HTMLInputElement>("[name=name]", form);
  let known: Card[] = [];
  const lookUp = async (): Promise<void> => {
    const page = await call<{ items: Card[] }>("GET", `/api/cards?limit=8&q=${encodeURIComponent(name?.value.trim() ?? "")}`).catch(() => null);
    if (!page) return;
    known = page.items;
    one("datalist", form)?.replaceChildren(...known.map((card) => h("option", { value: card.name })));
  };
  name?.addEventListener("input", () => void lookUp());
  name?.addEventListener("focus", () => void lookUp(), { once: true });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const data = new FormData(form), text = (key: string): string => String(data.get(key) ?? "").trim();
    const here = text("card_id") || known.find((card) => card.name === text("name"))?.id;
    const card = here ? { card_id: here } : text("name") ? { card: { name: text("name") } } : {};
    place?.replaceChildren();
    call<Session>("POST", "/api/capture/sessions", { ...card, rig: text("rig") || null, sides: text("sides").split(","), ambient: data.has("ambient") }).then(begun).catch((error: unknown) => {
      const known = explain(error), busy = (known.data as { session?: string } | null)?.session;
      const box = notice("bad", known.detail, busy ? "" : known.hint);
      if (busy) box.lastElementChild?.append(h("div", { class: "row" },
        h("button", { class: "button small", type: "button", onclick: () => void call<Session>("GET", `/api/capture/sessions/${busy}`).then(begun) }, "Go on with it"),
        h("button", { class: "button small", type: "button", onclick: () => void call("POST", `/api/capture/sessions/${busy}/cancel`).then(() => form.requestSubmit()) }, "Cancel it")));
      place?.replaceChildren(box);
    });
  });
}
