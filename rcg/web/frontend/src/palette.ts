// Ctrl K: go to any card, dataset, run or page, run any action.
import { call } from "./lib/api";
import { h, icon } from "./lib/dom";
import { demo, nextTheme } from "./frame";

interface Entry { word: string; where: string; icon: string; run: () => void }
const go = (path: string) => (): void => location.assign(path);
const COMMANDS: Entry[] = [
  { word: "Dashboard", where: "page", icon: "house", run: go("/") },
  { word: "Rigs", where: "page", icon: "lightbulb", run: go("/capture/rigs") },
  { word: "Cards", where: "page", icon: "wallet-cards", run: go("/grade/") },
  { word: "Annotate", where: "page", icon: "pen-tool", run: go("/annotate/") },
  { word: "Datasets", where: "page", icon: "database", run: go("/studio/") },
  { word: "Augment", where: "page", icon: "blend", run: go("/augment/") },
  { word: "Train: runs", where: "page", icon: "chart-spline", run: go("/train/") },
  { word: "Models", where: "page", icon: "boxes", run: go("/train/models") },
  { word: "Jobs", where: "page", icon: "list-checks", run: go("/jobs") },
  { word: "Settings", where: "page", icon: "settings", run: go("/settings") },
  { word: "New rig", where: "command", icon: "plus", run: go("/capture/rigs/new") },
  { word: "New card", where: "command", icon: "plus", run: go("/grade/?new=1") },
  { word: "Create dataset", where: "command", icon: "plus", run: go("/studio/?new=1") },
  { word: "Define a kind of dataset", where: "command", icon: "plus", run: go("/studio/kinds/new") },
  { word: "Train a dataset", where: "command", icon: "play", run: go("/train/new") },
  { word: "Multi-modal training", where: "command", icon: "layers", run: go("/train/new?arch=photometric_fusion") },
  { word: "Render a sample card", where: "command", icon: "sparkles", run: () => void demo() },
  { word: "Change the theme", where: "command", icon: "sun-moon", run: nextTheme },
  { word: "API documentation", where: "page", icon: "terminal", run: go("/api/docs") },
  { word: "Parts of the pages", where: "page", icon: "layers", run: go("/design") },
];

interface Named { id: string; name: string; set_name?: string; kind_title?: string; state?: string }

/** What of a list is called like that; of an empty word the newest three. */
async function named(path: string, text: string, limit: number): Promise<Named[]> {
  const page = await call<{ items?: Named[] }>("GET", `${path}?limit=${text ? limit : 3}&q=${encodeURIComponent(text)}`).catch(() => ({ items: [] }));
  return page.items ?? [];
}

export function openPalette(): void {
  const input = h("input", { type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "palette-list", "aria-label": "Search cards, datasets, runs and commands", placeholder: "A card, a dataset, a run, a page, a command", autocomplete: "off", spellcheck: "false" });
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
    const [cards, datasets, runs] = await Promise.all([named("/api/cards", text, 8), named("/api/datasets", text, 6), named("/api/training", text, 6)]);
    if (mine !== asked) return;
    entries = [...entries,
      ...cards.map((card): Entry => ({ word: card.name, where: card.set_name || "card", icon: "image", run: go(`/grade/cards/${card.id}`) })),
      ...datasets.map((dataset): Entry => ({ word: dataset.name, where: dataset.kind_title ?? "dataset", icon: "database", run: go(`/studio/datasets/${dataset.id}`) })),
      ...runs.map((run): Entry => ({ word: run.name, where: run.state ? `run, ${run.state}` : "run", icon: "chart-spline", run: go(`/train/runs/${run.id}`) }))];
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
