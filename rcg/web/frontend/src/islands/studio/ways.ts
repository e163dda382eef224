// Two further ways to fill a dataset: captures of one's cards, and rendered cards.
import { call } from "../../lib/api";
import { all, h, icon, one } from "../../lib/dom";
import { toast } from "../../lib/toast";
import { fieldError, jobOf, problem } from "./job";

interface Card { id: string; name: string; set_name: string; captures: { side: string; frames: unknown[] }[]; grades: { thumbnail_url: string | null }[] }

export function rendering(dialog: HTMLDialogElement, dataset: string, started: () => void): () => void {
  const form = one<HTMLFormElement>("[data-render-form]", dialog), cards = one<HTMLInputElement>("#render-cards", dialog), seed = one<HTMLInputElement>("#render-seed", dialog);
  if (!form || !cards || !seed) return () => undefined;
  one("[data-close]", form)?.addEventListener("click", () => dialog.close());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    for (const [input, says] of [[cards, "A whole number from 1 to 100000."], [seed, "A whole number from 0 to 2147483647."]] as const) {
      if (!input.value || !input.checkValidity()) { fieldError(input, says); input.focus(); return; }
    }
    call("POST", `/api/datasets/${dataset}/render`, { cards: cards.valueAsNumber, seed: seed.valueAsNumber })
      .then(() => { dialog.close(); toast("Rendering; the cards appear here when they are done."); started(); })
      .catch((error: unknown) => problem(one("[data-render-problem]", dialog), error));
  });
  return () => { one("[data-render-problem]", dialog)?.replaceChildren(); dialog.showModal(); cards.select(); };
}

export function capturing(dialog: HTMLDialogElement, dataset: string, started: () => void): () => void {
  const form = one<HTMLFormElement>("[data-captures-form]", dialog), list = one("[data-cards]", dialog), search = one<HTMLInputElement>("#captures-q", dialog), every = one<HTMLInputElement>("[data-all-cards]", dialog), wrong = one("[data-captures-problem]", dialog);
  const submit = one<HTMLButtonElement>("[type=submit]", dialog);
  if (!form || !list || !search || !every || !submit) return () => undefined;
  const chosen = new Map<string, string>();
  let timer = 0, asked = 0;
  const say = (): void => {
    submit.disabled = !every.checked && !chosen.size;
    submit.textContent = every.checked ? "Add all cards" : chosen.size ? `Add ${chosen.size} card${chosen.size === 1 ? "" : "s"}` : "Add";
    for (const box of all<HTMLInputElement>("input", list)) box.disabled = every.checked;
  };
  const load = async (): Promise<void> => {
    const mine = (asked += 1);
    try {
      const page = await call<{ items: Card[]; total: number }>("GET", `/api/cards?limit=100&q=${encodeURIComponent(search.value.trim())}`);
      if (mine !== asked) return;
      const usable = page.items.filter((card) => card.captures.some((capture) => capture.frames.length));
      list.replaceChildren(...usable.map((card) => row(card)));
      if (!usable.length) list.append(h("li", { class: "muted pad" }, h("p", {}, search.value ? "No card with photographs matches." : "No card has photographs yet. ", search.value ? null : h("a", { href: "/grade/" }, "Add a card"))));
      if (page.total > page.items.length) list.append(h("li", { class: "small faint pad" }, `${page.items.length} of ${page.total} shown; search for the others.`));
      say();
    } catch (error) {
      if (mine === asked) problem(wrong, error);
    }
  };
  const row = (card: Card): HTMLElement => {
    const sides = card.captures.filter((capture) => capture.frames.length).map((capture) => capture.side), small = card.grades[0]?.thumbnail_url;
    const box = h("input", { type: "checkbox", value: card.id });
    box.checked = chosen.has(card.id);
    box.addEventListener("change", () => { if (box.checked) chosen.set(card.id, card.name); else chosen.delete(card.id); say(); });
    return h("li", {}, h("label", {}, box, small ? h("img", { src: small, alt: "", loading: "lazy" }) : h("span", { class: "no-picture" }, icon("image")), h("span", { class: "truncate" }, card.name, h("span", { class: "small faint" }, ` ${[...new Set(sides)].join(", ")}${card.set_name ? ` · ${card.set_name}` : ""}`))));
  };
  search.addEventListener("input", () => { clearTimeout(timer); timer = window.setTimeout(() => void load(), 150); });
  every.addEventListener("change", say);
  one("[data-close]", form)?.addEventListener("click", () => dialog.close());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit.disabled = true;
    call("POST", `/api/datasets/${dataset}/captures`, every.checked ? { all: true } : { card_ids: [...chosen.keys()] })
      .then((answer) => { void jobOf(answer); dialog.close(); chosen.clear(); every.checked = false; toast("Measuring; the sides appear here when they are done."); started(); })
      .catch((error: unknown) => problem(wrong, error)).finally(say);
  });
  return () => { wrong?.replaceChildren(); dialog.showModal(); void load(); };
}
