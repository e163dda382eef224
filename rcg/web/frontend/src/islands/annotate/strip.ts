// The filmstrip: every item of the dataset, of which those in sight are asked for.
import { call } from "../../lib/api";
import { h } from "../../lib/dom";
import type { Item } from "./types";
import { Virtual } from "./virtual";

const CELL = 62, PAGE = 60;

export class Strip {
  private readonly items = new Map<number, Item>();
  private readonly asked = new Set<number>();
  private readonly virtual: Virtual;
  private current = -1;
  private total = 0;

  constructor(root: HTMLElement, private readonly dataset: string, open: (id: string) => void) {
    this.virtual = new Virtual(root, "x", CELL, (index) => this.cell(index));
    root.addEventListener("click", (event) => {
      const cell = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-item]") : null;
      if (!cell || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      open(cell.dataset["item"] ?? "");
    });
    root.addEventListener("wheel", (event) => { if (!event.deltaX) { root.scrollLeft += event.deltaY; event.preventDefault(); } }, { passive: false });
  }

  show(index: number, total: number): void {
    if (index === this.current && total === this.total) return;
    this.current = index;
    if (total !== this.total) { this.total = total; this.items.clear(); this.asked.clear(); this.virtual.show(total); } else this.virtual.again();
    this.virtual.reveal(index);
  }

  /** Notes what became of an item, so that its dot is true without asking. */
  mark(id: string, change: Partial<Item>): void {
    for (const [index, item] of this.items) if (item.id === id) { this.items.set(index, { ...item, ...change }); this.virtual.again(); }
  }

  forget(): void { this.items.clear(); this.asked.clear(); this.virtual.again(); }

  private cell(index: number): HTMLElement {
    const item = this.items.get(index);
    if (!item) { void this.ask(Math.floor(index / PAGE)); return h("span", { class: "an-cell skeleton" }); }
    const number = `${index + 1}`, word = item.label_state === "predicted" ? "has suggestions" : item.label_state;
    return h("a", { class: "an-cell", href: `/annotate/${this.dataset}/${item.id}`, "data-item": item.id, "data-label": item.label_state, title: `${item.name}, ${word}`, "aria-label": `Item ${number}, ${item.name}, ${word}`, "aria-current": index === this.current ? "true" : null, tabindex: index === this.current ? "0" : "-1", draggable: "false" },
      item.thumbnail ? h("img", { src: item.thumbnail, alt: "", draggable: "false" }) : number, h("span", { class: "dot" }));
  }

  private async ask(page: number): Promise<void> {
    if (this.asked.has(page)) return;
    this.asked.add(page);
    try {
      const found = await call<{ items: Item[] }>("GET", `/api/datasets/${this.dataset}/items?offset=${page * PAGE}&limit=${PAGE}`);
      found.items.forEach((item, i) => this.items.set(page * PAGE + i, item));
      this.virtual.again();
    } catch {
      setTimeout(() => { this.asked.delete(page); }, 5000);
    }
  }
}
