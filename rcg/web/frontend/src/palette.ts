// Ctrl K: go to any card or page, run any action.
import { call } from "./lib/api";
import { h, icon } from "./lib/dom";
import { demo, nextTheme } from "./frame";

interface Entry { word: string; where: string; icon: string; run: () => void }
const go = (path: string) => (): void => location.assign(path);
const COMMANDS: Entry[] = [
  { word: "Dashboard", where: "page", icon: "house", run: go("/") },
  { word: "Cards", where: "page", icon: "wallet-cards", run: go("/grade/") },
  { word: "Jobs", where: "page", icon: "list-checks", run: go("/jobs") },
  { word: "Settings", where: "page", icon: "settings", run: go("/settings") },
  { word: "New card", where: "command", icon: "plus", run: go("/grade/?new=1") },
  { word: "Render a sample card", where: "command", icon: "sparkles", run: () => void demo() },
  { word: "Change the theme", where: "command", icon: "sun-moon", run: nextTheme },
  { word: "API documentation", where: "page", icon: "terminal", run: go("/api/docs") },
  { word: "Parts of the pages", where: "page", icon: "layers", run: go("/design") },
];

export function openPalette(): void {
  const input = h("input", { type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "palette-list", "aria-label": "Search cards and commands", placeholder: "A card, a page, a command", autocomplete: "off", spellcheck: "false" });
  const list = h("ul", { role: "listbox", id: "palette-list", "aria-label": "Results" });
  const dialog = h("dialog", { class: "palette", "aria-label": "Search and commands" }, h("div", { class: "search" }, icon("search"), input, h("kbd", {}, "Esc")), list);
  let entries: Entry[] = [], at = 0, asked = 0, timer = 0;

  const draw = (): void => {
    list.replaceChildren(...entries.map((entry, index) => h("li", { role: "option", id: `palette-${index}`, "aria-selected": String(index === at), onclick: () => run(index) }, icon(entry.icon), h("span", { class: "truncate" }, entry.word), h("span", { class: "where" }, entry.where))));
    if (!entries.length) list.replaceChildren(h("li", { role: "option", "aria-selected": "false", "aria-disabled": "true" }, "Nothing of that name"));
    input.setAttribute("aria-activedescendant", `palette-${at}`);
    list.children[at]?.scrollIntoView({ block: "nearest" });
  };
  const run = (index: number): void => { dialog.close(); entries[index]?.run(); };
  // Commands answer at once, so that Enter never runs what an earlier word had found; cards come below as they are found.
  const filter = (): void => {
    const words = input.value.trim().toLowerCase().split(/\s+/);
    entries = COMMANDS.filter((entry) => words.every((word) => entry.word.toLowerCase().includes(word)));
    at = 0;
    asked += 1;
    draw();
  };
  const search = async (): Promise<void> => {
    const text = input.value.trim(), mine = asked;
    const found = await call<{ items: { id: string; name: string; set_name: string }[] }>("GET", `/api/cards?limit=${text ? 12 : 4}&q=${encodeURIComponent(text)}`).catch(() => ({ items: [] }));
    if (mine !== asked) return;
    entries = [...entries, ...found.items.map((card): Entry => ({ word: card.name, where: card.set_name || "card", icon: "image", run: go(`/grade/cards/${card.id}`) }))];
    draw();
  };

  input.addEventListener("input", () => { filter(); clearTimeout(timer); timer = window.setTimeout(() => void search(), 90); });
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); at = (at + (event.key === "ArrowDown" ? 1 : -1) + entries.length) % Math.max(1, entries.length); draw(); }
    if (event.key === "Enter") { event.preventDefault(); run(at); }
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  input.focus();
  filter();
  void search();
}
