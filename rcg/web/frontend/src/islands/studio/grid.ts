// The items of a dataset, a hundred thousand or ten: only the rows in view exist, pages are fetched as they come into it.
import { call } from "../../lib/api";
import { h, icon } from "../../lib/dom";

export interface Item {
  id: string; name: string; state: string; problem: string; label_state: string; annotations: number;
  classes: Record<string, number>; thumbnail: string | null; split: string | null;
}
interface ItemPage { items: Item[]; total: number }
const PAGE = 100, GAP = 8, FOOT = 46, SPARE = 2;

export class Grid {
  readonly selected = new Set<string>();
  total = 0;
  private query: Record<string, string> = {};
  private pages = new Map<number, Item[]>();
  private stale = new Set<number>();
  private asked = new Set<number>();
  private rows = new Map<number, HTMLElement>();
  private generation = 0;
  private known = false;  // whether the total was heard: until then the page's own plain list stands
  private columns = 1;
  private width = 0;
  private active = 0;
  private anchor = 0;
  private frame = 0;

  constructor(private readonly root: HTMLElement, private readonly dataset: string, private readonly colours: Map<string, number>,
    private readonly tell: { selection: () => void; total: (total: number) => void; problem: (error: unknown) => void; remove: () => void }) {
    root.setAttribute("aria-busy", "true");
    root.addEventListener("keydown", (event) => this.key(event));
    root.addEventListener("click", (event) => this.click(event));
    root.addEventListener("focusin", (event) => { const cell = this.cellOf(event.target); if (cell) this.activate(Number(cell.dataset["index"]), false); });
    addEventListener("scroll", () => this.later(), { passive: true });
    new ResizeObserver(() => this.measure()).observe(root);
    new ResizeObserver(() => this.later()).observe(document.body);  // what is above it grew or went
  }

  /** Shows what a query finds, from its beginning. */
  show(query: Record<string, string>): void {
    this.query = query;
    this.generation += 1;
    this.pages.clear(); this.stale.clear(); this.asked.clear(); this.selected.clear();
    this.active = this.anchor = 0;
    this.tell.selection();
    this.fetch(0);
  }

  /** Takes what is in view anew; what was there stays until then. */
  refresh(): void {
    this.generation += 1;
    this.asked.clear();
    for (const page of this.pages.keys()) this.stale.add(page);
    this.fetch(Math.floor(this.first() / PAGE));
    this.draw();
  }

  item(index: number): Item | undefined { return this.pages.get(Math.floor(index / PAGE))?.[index % PAGE]; }

  /** The ids of everything the query finds. */
  async allIds(progress: (share: number) => void): Promise<string[]> {
    const ids: string[] = [];
    for (let offset = 0; offset < this.total; offset += 200) {
      const page = await this.load(offset, 200);
      ids.push(...page.items.map((item) => item.id));
      progress(ids.length / this.total);
      if (!page.items.length) break;
    }
    return ids;
  }

  async selectAll(progress: (share: number) => void): Promise<void> {
    for (const id of await this.allIds(progress)) this.selected.add(id);
    this.marks();
  }

  clear(): void { this.selected.clear(); this.marks(); }

  private load(offset: number, limit: number): Promise<ItemPage> {
    const search = new URLSearchParams({ ...this.query, offset: String(offset), limit: String(limit) });
    return call<ItemPage>("GET", `/api/datasets/${this.dataset}/items?${search}`);
  }

  private fetch(page: number): void {
    if (this.asked.has(page)) return;
    this.asked.add(page);
    const mine = this.generation;
    this.load(page * PAGE, PAGE).then((found) => {
      if (mine !== this.generation) return;
      this.pages.set(page, found.items);
      this.stale.delete(page);
      if (found.total !== this.total || !this.known || !this.width) { this.known = true; this.total = found.total; this.layout(); }
      this.tell.total(found.total);
      this.redraw(page);
      this.draw();
    }).catch((error: unknown) => { if (mine === this.generation) { this.asked.delete(page); this.tell.problem(error); } });
  }

  private measure(): void {
    if (Math.abs(this.root.clientWidth - this.width) < 1) return;
    this.width = this.root.clientWidth;
    if (!this.known) return;
    this.layout();
    this.draw();
  }

  private layout(): void {
    this.root.hidden = !this.total;
    this.width = this.root.clientWidth;
    const least = this.width < 480 ? 100 : 136;
    this.columns = Math.max(2, Math.floor((this.width + GAP) / (least + GAP)));
    for (const row of this.rows.values()) row.remove();
    this.rows.clear();
    this.root.setAttribute("aria-busy", "true");
    const count = Math.ceil(this.total / this.columns);
    this.root.style.height = count ? `${count * this.pitch() - GAP}px` : "0";
  }

  private tile(): number { return (this.width - GAP * (this.columns - 1)) / this.columns; }
  private pitch(): number { return Math.round(this.tile() * 1.3) + FOOT + GAP; }
  private first(): number { return Math.max(0, Math.floor(-this.root.getBoundingClientRect().top / this.pitch())) * this.columns; }

  private later(): void {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => { this.frame = 0; this.draw(); });
  }

  /** Makes the rows that are in view, drops the others; the row that has the focus stays. */
  private draw(): void {
    if (!this.total || !this.width || this.root.closest("[hidden]")) return;
    const top = this.root.getBoundingClientRect().top, pitch = this.pitch(), last = Math.ceil(this.total / this.columns) - 1;
    const from = Math.max(0, Math.floor(-top / pitch) - SPARE), to = Math.min(last, Math.floor((innerHeight - top) / pitch) + SPARE);
    const kept = this.root.contains(document.activeElement) ? Math.floor(this.active / this.columns) : -1;
    for (const [index, row] of this.rows) if ((index < from || index > to) && index !== kept) { row.remove(); this.rows.delete(index); }
    for (let index = from; index <= to; index += 1) if (!this.rows.has(index)) this.add(index);
    if (this.root.getAttribute("aria-busy") === "true") this.become();
    for (let page = Math.floor((from * this.columns) / PAGE); page <= Math.floor((to * this.columns + this.columns - 1) / PAGE); page += 1) {
      if (page * PAGE < this.total && (!this.pages.has(page) || this.stale.has(page))) this.fetch(page);
    }
  }

  /** Says what it is once a layout has rows: a grid may hold nothing else, so that the plain list goes first. */
  private become(): void {
    this.root.querySelector(":scope > .st-plain")?.remove();
    this.root.setAttribute("role", "grid");
    this.root.setAttribute("aria-label", "Items");
    this.root.setAttribute("aria-multiselectable", "true");
    this.root.setAttribute("aria-rowcount", String(Math.ceil(this.total / this.columns)));
    this.root.setAttribute("aria-colcount", String(this.columns));
    this.root.setAttribute("aria-busy", "false");
  }

  private add(index: number): void {
    const row = h("div", { role: "row", class: "st-line-of-cells", "aria-rowindex": index + 1 });
    row.style.transform = `translateY(${index * this.pitch()}px)`;
    row.style.height = `${this.pitch() - GAP}px`;
    row.style.gridTemplateColumns = `repeat(${this.columns}, minmax(0, 1fr))`;
    for (let column = 0; column < this.columns; column += 1) {
      const at = index * this.columns + column;
      if (at < this.total) row.append(this.cell(at, column));
    }
    const after = [...this.rows.keys()].filter((other) => other > index).sort((a, b) => a - b)[0];
    this.root.insertBefore(row, after === undefined ? null : this.rows.get(after) ?? null);
    this.rows.set(index, row);
  }

  private cell(at: number, column: number): HTMLElement {
    const item = this.item(at);
    const cell = h("div", { role: "gridcell", class: `st-cell ${item ? item.state : "coming"}`, "data-index": at, "aria-colindex": column + 1, "aria-selected": String(item ? this.selected.has(item.id) : false) });
    if (!item) { cell.append(h("div", { class: "skeleton" })); return cell; }
    const picture = h("span", { class: "st-pic" });
    if (item.thumbnail) picture.append(h("img", { src: item.thumbnail, alt: "", decoding: "async", draggable: "false" }));
    else picture.append(icon(item.state === "broken" ? "triangle-alert" : "image"));
    const [name, says] = standing(item);
    const dots = Object.keys(item.classes).slice(0, 6).map((each) => h("span", { class: `st-dot st-c${this.colours.get(each) ?? 1}`, title: each }));
    cell.append(
      h("a", { class: "st-thumb", href: `/annotate/${this.dataset}/${item.id}`, tabindex: at === this.active ? "0" : "-1", title: item.problem ? `${item.name}: ${item.problem}` : item.name, draggable: "false" }, picture,
        h("span", { class: "st-name truncate" }, item.name),
        h("span", { class: `st-meta ${item.state === "broken" ? "bad" : item.label_state}` }, icon(name), h("span", { class: "truncate" }, says), ...dots)),
      h("label", { class: "st-pick" }, h("input", { type: "checkbox", tabindex: "-1", "aria-label": `Select ${item.name}` })));
    const box = cell.querySelector<HTMLInputElement>("input");
    if (box) box.checked = this.selected.has(item.id);
    return cell;
  }

  /** Draws the cells of a page again, in place. */
  private redraw(page: number): void {
    const focused = this.cellOf(document.activeElement)?.dataset["index"];
    for (const row of this.rows.values()) {
      for (const old of [...row.children] as HTMLElement[]) {
        const at = Number(old.dataset["index"]);
        if (Math.floor(at / PAGE) === page) old.replaceWith(this.cell(at, at % this.columns));
      }
    }
    if (focused !== undefined) this.link(Number(focused))?.focus({ preventScroll: true });
  }

  private marks(): void {
    for (const row of this.rows.values()) for (const cell of [...row.children] as HTMLElement[]) {
      const item = this.item(Number(cell.dataset["index"])), on = item ? this.selected.has(item.id) : false;
      cell.setAttribute("aria-selected", String(on));
      const box = cell.querySelector<HTMLInputElement>("input");
      if (box) box.checked = on;
    }
    this.root.classList.toggle("choosing", this.selected.size > 0);
    this.tell.selection();
  }

  private cellOf(target: EventTarget | null): HTMLElement | null { return target instanceof Element && this.root.contains(target) ? target.closest<HTMLElement>("[role=gridcell]") : null; }
  private link(at: number): HTMLAnchorElement | null { return this.root.querySelector<HTMLAnchorElement>(`[data-index="${at}"] a`); }

  private activate(at: number, focus: boolean): void {
    const before = this.link(this.active);
    this.active = at;
    if (focus) {
      const top = this.root.getBoundingClientRect().top + Math.floor(at / this.columns) * this.pitch(), bar = 160;
      if (top < bar) scrollBy(0, top - bar); else if (top + this.pitch() > innerHeight) scrollBy(0, top + this.pitch() - innerHeight + GAP);
      this.draw();
    }
    if (before) before.tabIndex = -1;
    const now = this.link(at);
    if (now) { now.tabIndex = 0; if (focus) now.focus({ preventScroll: true }); }
  }

  private async toggle(at: number, range: boolean): Promise<void> {
    if (range) {
      const [low, high] = at < this.anchor ? [at, this.anchor] : [this.anchor, at];
      for (let page = Math.floor(low / PAGE); page <= Math.floor(high / PAGE); page += 1) {
        if (!this.pages.has(page)) this.pages.set(page, (await this.load(page * PAGE, PAGE)).items);
      }
      for (let index = low; index <= high; index += 1) { const item = this.item(index); if (item) this.selected.add(item.id); }
    } else {
      const item = this.item(at);
      if (item && !this.selected.delete(item.id)) this.selected.add(item.id);
      this.anchor = at;
    }
    this.marks();
  }

  private click(event: MouseEvent): void {
    const cell = this.cellOf(event.target);
    if (!cell || !(event.target instanceof Element)) return;
    const at = Number(cell.dataset["index"]);
    const picking = event.target.closest(".st-pick");
    if (event.target instanceof HTMLInputElement) { void this.toggle(at, event.shiftKey).catch(this.tell.problem); return; }
    if (picking) return;  // its box is clicked next
    if (event.shiftKey || event.ctrlKey || event.metaKey) { event.preventDefault(); void this.toggle(at, event.shiftKey).catch(this.tell.problem); }
  }

  private key(event: KeyboardEvent): void {
    if (!this.cellOf(event.target) || event.altKey) return;
    const page = Math.max(1, Math.floor((innerHeight - 200) / this.pitch())) * this.columns, row = this.active - (this.active % this.columns);
    const moves: Record<string, number> = { ArrowLeft: this.active - 1, ArrowRight: this.active + 1, ArrowUp: this.active - this.columns, ArrowDown: this.active + this.columns, PageUp: this.active - page, PageDown: this.active + page, Home: event.ctrlKey ? 0 : row, End: event.ctrlKey ? this.total - 1 : row + this.columns - 1 };
    const to = moves[event.key];
    if (to !== undefined) {
      event.preventDefault();
      const at = Math.min(this.total - 1, Math.max(0, to));
      if (event.shiftKey) void this.toggle(at, true).catch(this.tell.problem);
      this.activate(at, true);
      return;
    }
    if (event.key === " ") { event.preventDefault(); void this.toggle(this.active, event.shiftKey).catch(this.tell.problem); }
    if (event.key === "Escape" && this.selected.size) { event.preventDefault(); this.clear(); }
    if (event.key.toLowerCase() === "a" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); void this.selectAll(() => undefined).catch(this.tell.problem); }
    if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      const item = this.item(this.active);
      if (!this.selected.size && item) { this.selected.add(item.id); this.marks(); }
      if (this.selected.size) this.tell.remove();
    }
  }
}

/** How an item stands: an icon and words, never a colour alone. */
function standing(item: Item): [string, string] {
  if (item.state === "broken") return ["triangle-alert", "cannot be read"];
  if (item.state === "pending") return ["clock", "being read"];
  if (item.label_state === "predicted") return ["sparkles", `${item.annotations} proposed`];
  if (item.label_state === "labelled") return ["check", item.annotations ? `${item.annotations}` : "no flaw"];
  return ["circle-dashed", item.annotations ? `${item.annotations}, not done` : "unlabelled"];
}
