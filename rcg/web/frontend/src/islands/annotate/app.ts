// The annotator: one item at a time, its picture, its shapes, its tools. Parts talk to each other through this.
import { ApiError, call, explain } from "../../lib/api";
import { all, from, h, notice, one } from "../../lib/dom";
import { listen } from "../../lib/live";
import { toast, toastError } from "../../lib/toast";
import { type Look, readLook, writeLook } from "./address";
import { direction, bindings } from "./bindings";
import { readColours } from "./colours";
import { Drawing } from "./drawing";
import { Gestures, type Surface } from "./gestures";
import { belongsTo, type Binding, combo, openSheet } from "./keys";
import { Layers } from "./layers";
import { rebase } from "./model";
import { Panel } from "./panel";
import { Saving } from "./saving";
import { SceneOf } from "./scene";
import { type Habits, type Host, Session } from "./session";
import { Strip } from "./strip";
import { BoxTool } from "./tools/box";
import { PointsTool } from "./tools/points";
import { PolygonTool } from "./tools/polygon";
import { QuadTool } from "./tools/quad";
import { SelectTool } from "./tools/select";
import type { Tool } from "./tools/tool";
import { type Item, type LabelSchema, newId, type Op, type Progress, type Sheet, type ToolName, type XY } from "./types";
import { Viewer } from "./viewer";

interface Config { dataset: string; name: string; item: string; schema: LabelSchema; layers: string[] }
const THIN = "\u2009";

export class Annotator implements Host, Surface {
  readonly viewer: Viewer;
  session: Session | null = null;
  panning = false;
  private item: Item | null = null;
  private progress: Progress | null = null;
  private tools: Partial<Record<ToolName, Tool>> = {};
  private cursor: XY | null = null;
  private pointer: XY | null = null;
  private saving: Saving | null = null;
  private readonly scene = new SceneOf();
  private frame = 0;
  private fitted = true;
  private opening = 0;
  private addressTimer = 0;
  private countTimer = 0;
  private readonly stage: HTMLElement;
  private readonly drawing: Drawing;
  private readonly layers: Layers;
  private readonly strip: Strip;
  private readonly panel: Panel;
  private readonly table = new Map<string, Binding>();
  private readonly sheet: Binding[];
  private readonly habits: Habits;

  constructor(private readonly root: HTMLElement, private readonly config: Config) {
    const { schema } = config, first = schema.classes[0];
    this.habits = { label: first?.name ?? "", tool: "select", threshold: 0, hidden: false };
    this.stage = one("[data-stage]", root) as HTMLElement;
    const colours = readColours(root), byClass = new Map(schema.classes.map((each) => [each.name, colours.classes[each.colour - 1] ?? colours.accent]));
    this.viewer = new Viewer(one("[data-picture]", root) as HTMLElement, (place) => { if (this.session) this.session.scale = place.scale; this.drawing.moved(place); this.remember(); }, (layer) => toast(`The picture of ${layer} cannot be loaded.`));
    this.drawing = new Drawing(one<HTMLDivElement>("[data-shapes]", root) as HTMLDivElement, colours, (label) => byClass.get(label) ?? colours.accent, schema);
    this.layers = new Layers(one("[data-layers]", root) as HTMLElement, (name) => { void this.viewer.show(name); this.remember(); });
    this.strip = new Strip(one("[data-strip]", root) as HTMLElement, config.dataset, (id) => void this.open(id, true));
    const app = this;
    this.panel = new Panel(one("[data-panel]", root) as HTMLElement, schema, { get session() { return app.session as Session; }, get pxPerMm() { return app.item?.px_per_mm ?? null; }, threshold: (value) => this.threshold(value - this.habits.threshold), reveal: () => this.reveal() });
    this.sheet = bindings(this).filter((one) => { for (const keys of one.keys) if (one.run) this.table.set(keys, one); return one.words !== ""; });
    this.bind();
  }

  async start(): Promise<void> {
    this.saving = await Saving.start(this.root, { session: () => this.session, item: () => this.item?.id ?? null, replaced: () => this.countSoon() });
    await this.saving.drained(3000);
    await this.open(this.config.item, false, readLook(location.search));
  }

  // Items

  /** Shows an item. What was not sent of the one before goes on being sent. */
  async open(id: string, push: boolean, look: Look = { layer: this.layers.current || null, at: null, shapes: [] }): Promise<void> {
    const turn = ++this.opening;
    this.session?.settle();
    for (const tool of Object.values(this.tools)) tool.cancel();
    try {
      const [page, sheet] = await Promise.all([call<{ items: Item[] }>("GET", `/api/datasets/${this.config.dataset}/items?ids=${id}`), call<Sheet>("GET", `/api/items/${id}/annotations`)]);
      const item = page.items[0];
      if (turn !== this.opening) return;
      if (!item) throw new ApiError(404, "not_found", "The item is gone.", `/annotate/${this.config.dataset} opens the next one.`);
      this.show(item, sheet, push, look);
    } catch (error) {
      if (turn === this.opening) this.message(error);
    }
  }

  private show(item: Item, sheet: Sheet, push: boolean, look: Look): void {
    this.item = item;
    this.saving?.sender.knows(item.id, sheet.revision);
    const { model } = rebase(sheet, this.saving?.sender.pending(item.id) ?? []);
    const session = this.session = new Session(this.config.schema, item, model, this.habits, this);
    this.tools = { select: new SelectTool(session), box: new BoxTool(session), polygon: new PolygonTool(session, "polygon"), hole: new PolygonTool(session, "hole"), quad: new QuadTool(session), points: new PointsTool(session) };
    this.cursor = null;
    this.ask();
    const ready = item.layers.filter((layer) => layer.url);
    this.message(item.state === "broken" ? new ApiError(0, "broken", `${item.name} cannot be shown.`, item.problem) : ready.length ? null : new ApiError(0, "pending", `${item.name} is being prepared.`, "It appears here as soon as its pictures are made."));
    this.viewer.open(item, ready);
    this.layers.set(ready, this.config.layers);
    this.fitted = look.at === null;
    if (look.at) this.viewer.go(look.at, true); else this.viewer.fit(true);
    const layer = look.layer && this.layers.names.includes(look.layer) ? look.layer : this.layers.names[0];
    if (layer) this.layers.pick(layer);
    session.select(look.shapes);
    if (push) history.pushState(null, "", `/annotate/${this.config.dataset}/${item.id}${writeLook({ ...look, at: null })}`);
    document.title = `${item.name}, ${this.config.name} · RCG`;
    const crumb = one("[data-crumb]");
    if (crumb) crumb.textContent = item.name;
    this.root.dataset["item"] = item.id;
    this.root.dataset["ready"] = String(ready.length > 0);
    void this.count();
  }

  /** A job has added items, pictures or suggestions: they appear. */
  private async filled(): Promise<void> {
    this.strip.forget();
    if (this.item?.state === "pending") { await this.open(this.item.id, false); return; }
    await this.saving?.resync(false);
    await this.count();
  }

  /** Asks how far the dataset is, once what was done is known to the server. */
  private async count(): Promise<void> {
    const item = this.item;
    await this.saving?.drained(1500);
    if (!item || item !== this.item) return;
    const found = await call<Progress>("GET", `/api/datasets/${this.config.dataset}/labelling?item=${item.id}`).catch(() => null);
    if (!found || item !== this.item) return;
    this.progress = found;
    this.strip.show(found.index ?? 0, found.total);
    this.showProgress();
  }

  private countSoon(): void { clearTimeout(this.countTimer); this.countTimer = window.setTimeout(() => void this.count(), 500); }

  private showProgress(): void {
    const found = this.progress, box = one("[data-progress]", this.root);
    if (!found || !box) return;
    const left = found.items - found.labelled;
    box.replaceChildren(h("span", {}, `${(found.index ?? 0) + 1} of ${found.total}`, h("span", { class: "faint" }, this.session ? ` · ${this.session.model.labelState === "labelled" ? "labelled" : this.session.model.labelState === "predicted" ? "suggestions wait" : "not labelled"}` : "")),
      h("progress", { class: left ? "bar" : "bar good", max: Math.max(1, found.items), value: found.labelled, "aria-label": "Labelled items" }),
      h("span", { class: "faint" }, left ? `${left} left${found.predictions ? `, ${found.predictions} suggestion${found.predictions === 1 ? "" : "s"}` : ""}` : "all labelled"));
    for (const way of ["previous", "next"] as const) (one<HTMLButtonElement>(`[data-do="${way}"]`, this.root) as HTMLButtonElement).disabled = found[way] === null;
  }

  async walk(way: "next" | "previous"): Promise<void> {
    const to = this.progress?.[way];
    if (to) await this.open(to, true); else toast(way === "next" ? "This is the last item." : "This is the first item.");
  }

  enter(): void {
    const tool = this.tool;
    if (this.cursor && tool.name !== "select") { tool.click(this.cursor, { shift: false, alt: false, touch: false }); this.changed(); return; }
    if (tool.finish()) { this.changed(); return; }
    this.done();
  }

  /** Says that the item is labelled, and goes to the next open one. Suggestions that wait are asked about once. */
  done(): void {
    const { session, item } = this;
    if (!session || !item) return;
    session.settle();
    const waiting = session.waiting.length;
    if (waiting && !this.asking) { this.ask(waiting); return; }
    this.ask();
    session.rejectAll(session.model.waiting);
    if (session.model.labelState !== "labelled") session.commit({ op_id: newId(), kind: "set_state", label_state: "labelled" });
    const open = this.progress?.next_open, next = open && open !== item.id ? open : item.label_state === "labelled" ? this.progress?.next : null;
    if (next) { void this.open(next, true); return; }
    void this.count();
    toast("Every item of this dataset is labelled.", { word: "To the dataset", run: () => location.assign(`/studio/datasets/${this.config.dataset}`) }, 10);
  }

  toggleLabelled(): void {
    const state = this.session?.model.labelState === "labelled" ? "unlabelled" : "labelled";
    this.session?.commit({ op_id: newId(), kind: "set_state", label_state: state });
    toast(state === "labelled" ? "Labelled." : "Open again: it counts as not labelled.");
  }

  private get asking(): boolean { return one(".an-ask", this.stage) !== null; }

  private ask(waiting = 0): void {
    one(".an-ask", this.stage)?.remove();
    if (!waiting) return;
    this.stage.append(h("div", { class: "an-ask", role: "alert", "data-not-drawn": true }, `${waiting} suggestion${waiting === 1 ? " waits" : "s wait"}.`,
      h("button", { class: "button small", type: "button", "data-do": "acceptAndGo" }, "Accept all"), h("button", { class: "button small", type: "button", "data-do": "done" }, "Reject and go on", h("kbd", { "aria-hidden": "true" }, "Enter")),
      h("button", { class: "button small quiet", type: "button", "data-do": "escape" }, "Keep looking")));
  }

  async copyPrevious(): Promise<void> {
    const previous = this.progress?.previous, session = this.session;
    if (!previous || !session) { toast("There is no item before this one."); return; }
    try {
      const [page, sheet] = await Promise.all([call<{ items: Item[] }>("GET", `/api/datasets/${this.config.dataset}/items?ids=${previous}`), call<Sheet>("GET", `/api/items/${previous}/annotations`)]);
      const source = page.items[0], copied = source && session === this.session ? session.paste(sheet.annotations, source) : 0;
      toast(copied ? `${copied} shape${copied === 1 ? "" : "s"} copied from ${source?.name ?? ""}.` : `${source?.name ?? "The item before"} has no shapes to copy.`);
    } catch (error) { toastError(error); }
  }

  private message(error: unknown): void {
    const box = one("[data-message]", this.root) as HTMLElement;
    box.hidden = error === null;
    if (error === null) return;
    const known = explain(error);
    box.replaceChildren(notice(known.code === "pending" ? "" : "bad", known.detail, known.hint));
  }

  // Tools

  get tool(): Tool { return this.tools[this.habits.tool] ?? this.tools.select as Tool; }

  offers(name: ToolName): boolean { return one(`[data-tool="${name}"]`, this.root) !== null; }

  useTool(name: ToolName): void {
    if (!this.offers(name) || !this.session) return;
    if (this.habits.tool !== name) { this.session.settle(); this.tool.cancel(); }
    if (name === "select") this.cursor = null;
    this.habits.tool = name;
    for (const button of all("[data-tool]", this.root)) button.setAttribute("aria-pressed", String(button.dataset["tool"] === name));
    this.changed();
  }

  finish(): void { if (!this.tool.finish()) toast("Nothing is being drawn."); this.changed(); }

  back(): void { if (!this.tool.back()) this.session?.erase(); this.changed(); }

  escape(): void {
    if (this.asking) this.ask();
    else if (this.tool.cancel()) this.changed();
    else if (this.cursor) { this.cursor = null; this.changed(); }
    else if (this.root.dataset["panelOpen"] !== undefined) this.togglePanel();
    else if (this.habits.tool !== "select") this.useTool("select");
    else if (this.session?.vertex) this.session.select(this.session.chosen);
    else this.session?.select([]);
    this.stage.focus({ preventScroll: true });
  }

  arrow(event: KeyboardEvent): void {
    const [dx, dy] = direction(event), { session } = this;
    if (!session) return;
    if (this.tool.name !== "select") {
      const step = event.altKey ? 1 : (event.shiftKey ? 40 : 8) / session.scale, room = this.viewer.room;
      const at = this.cursor ?? this.viewer.screenToImage([room.width / 2, room.height / 2]);
      this.cursor = [Math.min(session.width, Math.max(0, at[0] + dx * step)), Math.min(session.height, Math.max(0, at[1] + dy * step))];
      this.tool.hover(this.cursor, { shift: false, alt: false, touch: false });
      const [x, y] = this.cursor;
      if (!this.viewer.sees({ left: x, right: x, top: y, bottom: y })) this.viewer.pan(-dx * room.width / 3, -dy * room.height / 3);
      this.draw();
    } else if (session.selection.length) session.nudge(dx * (event.altKey ? 0.1 : event.shiftKey ? 10 : 1), dy * (event.altKey ? 0.1 : event.shiftKey ? 10 : 1));
    else this.viewer.pan(-dx * 60, -dy * 60, false);
  }

  classAt(number: number): void { const found = this.config.schema.classes[number - 1]; if (found) this.session?.setClass(found.name); }

  threshold(by: number): void { this.habits.threshold = Math.min(1, Math.max(0, Math.round((this.habits.threshold + by) * 100) / 100)); this.changed(); }

  acceptAll(): void { const count = this.session?.acceptAll() ?? 0; toast(count ? `${count} accepted.` : "No suggestion waits here.", count ? { word: "Undo", run: () => this.session?.replay("undo") } : undefined); }

  rejectAll(): void { const count = this.session?.rejectAll() ?? 0; toast(count ? `${count} rejected.` : "No suggestion waits here.", count ? { word: "Undo", run: () => this.session?.replay("undo") } : undefined); }

  hide(): void { this.habits.hidden = !this.habits.hidden; one('[data-do="hide"]', this.root)?.setAttribute("aria-pressed", String(this.habits.hidden)); this.changed(); }

  light(by: number): void { this.layers.light(by); }

  zoom(factor: number, at?: XY): void {
    const room = this.viewer.room;
    this.viewer.zoom(factor, at ?? this.cursorOnScreen() ?? [room.width / 2, room.height / 2], at !== undefined);
  }

  private cursorOnScreen(): XY | null { const place = this.viewer.place; return this.cursor && [this.cursor[0] * place.scale + place.left, this.cursor[1] * place.scale + place.top]; }

  toSelection(): void { const box = this.session?.around; if (box) this.viewer.look(box); else toast("Nothing is selected."); }

  private reveal(): void { const box = this.session?.around; if (box && !this.viewer.sees(box)) this.viewer.look(box); this.stage.focus({ preventScroll: true }); }

  toAttributes(): void { if (this.root.dataset["panelOpen"] === undefined && matchMedia("(max-width: 1000px)").matches) this.togglePanel(); one("[data-attribute]", this.root)?.focus(); }

  help(): void { openSheet(this.sheet); }

  private togglePanel(): void {
    const open = this.root.toggleAttribute("data-panel-open");
    one('[data-do="panel"]', this.root)?.setAttribute("aria-expanded", String(open));
  }

  /** What a button does: the same as its key. */
  act(name: string): void {
    const { session } = this;
    const does: Record<string, () => void> = {
      undo: () => session?.replay("undo"), redo: () => session?.replay("redo"), previous: () => void this.walk("previous"), next: () => void this.walk("next"), done: () => this.done(),
      panel: () => this.togglePanel(), finish: () => this.finish(), cancel: () => this.escape(), escape: () => this.escape(), erase: () => session?.erase(), help: () => this.help(),
      closer: () => this.zoom(1.5), further: () => this.zoom(1 / 1.5), fit: () => { this.fitted = true; this.viewer.fit(); }, hide: () => this.hide(), accept: () => session?.accept(), reject: () => session?.reject(),
      acceptAll: () => this.acceptAll(), rejectAll: () => this.rejectAll(), acceptAndGo: () => { session?.acceptAll(); this.done(); }, duplicate: () => session?.duplicate(), toPolygon: () => session?.toPolygon(),
      turn: () => session?.turn(), toggleHidden: () => session?.toggleHidden(), insert: () => session?.insert(),
    };
    does[name]?.();
  }

  // Saving

  send(op: Op): void { if (this.item) { this.saving?.sender.push(this.item.id, op); this.strip.mark(this.item.id, { label_state: this.session?.model.labelState ?? "unlabelled" }); } }

  say(text: string): void { toast(text); }

  // Drawing and input

  /** Something of the item or of the tools changed: everything that shows it follows. */
  changed(): void {
    this.draw();
    if (!this.session || !this.item) return;
    this.panel.refresh();
    const { model } = this.session, set = (name: string, off: boolean): void => { const button = one<HTMLButtonElement>(`[data-do="${name}"]`, this.root); if (button) button.disabled = off; };
    set("undo", model.next("undo") === null);
    set("redo", model.next("redo") === null);
    set("erase", !this.session.chosen.length);
    this.showProgress();
    this.remember();
  }

  draw(): void { if (!this.frame) this.frame = requestAnimationFrame(() => { this.frame = 0; this.paint(); }); }

  private paint(): void {
    const { session } = this;
    if (!session) return;
    const { tool } = this, drawing = tool.name !== "select", draft = tool.draft;
    this.drawing.show(this.scene.of(session, tool, this.tools.select as SelectTool, this.cursor));
    const next = one("[data-next]", this.root), text = drawing ? draft?.next ?? "" : "";
    if (next && next.textContent !== text) next.textContent = text;
    const drafting = (draft?.ring?.length ?? 0) > 0;
    for (const name of ["finish", "cancel"]) (one(`[data-do="${name}"]`, this.root) as HTMLElement).hidden = !drafting;
    const at = this.cursor ?? this.pointer, out = one("[data-readout]", this.root), mm = this.item?.px_per_mm;
    if (out) out.textContent = at ? `${at[0].toFixed(1)}, ${at[1].toFixed(1)}${THIN}px${mm ? ` · ${(at[0] / mm).toFixed(2)}, ${(at[1] / mm).toFixed(2)}${THIN}mm` : ""}` : "";
    this.stage.style.cursor = this.panning ? "grab" : this.pointer ? tool.cursor(this.pointer, { shift: false, alt: false, touch: false }) : "";
  }

  toImage(at: XY): XY { return this.viewer.screenToImage(at); }

  pan(dx: number, dy: number): void { this.fitted = false; this.viewer.pan(dx, dy); }

  pointed(at: XY | null): void { this.pointer = at; if (at) this.cursor = null; }

  private remember(): void {
    clearTimeout(this.addressTimer);
    this.addressTimer = window.setTimeout(() => {
      const { session, item } = this;
      if (!session || !item || !location.pathname.endsWith(item.id)) return;
      const layer = this.layers.current === this.layers.names[0] ? null : this.layers.current;
      const view = this.viewer.view, fit = this.viewer.fitScale() * 0.96;
      this.fitted = Math.abs(view.scale / fit - 1) < 0.01;
      const at = this.fitted ? null : view;
      history.replaceState(null, "", location.pathname + writeLook({ layer, at, shapes: session.chosen }));
    }, 300);
  }

  private bind(): void {
    new Gestures(this.stage, this);
    this.root.addEventListener("click", (event) => {
      const tool = from(event, "[data-tool]"), button = from(event, "[data-do]");
      if (tool) this.useTool(tool.dataset["tool"] as ToolName);
      if (button) this.act(button.dataset["do"] ?? "");
      // A mouse click gives the keys back to the drawing area; who came by Tab stays where they are.
      if ((tool || button || from(event, "[data-layer], [data-class]")) && event.detail > 0 && button?.dataset["do"] !== "help") this.stage.focus({ preventScroll: true });
    });
    window.addEventListener("keydown", (event) => this.keyDown(event), { capture: true });
    window.addEventListener("keyup", (event) => this.keyUp(event), { capture: true });
    window.addEventListener("blur", () => { this.panning = false; });
    window.addEventListener("popstate", () => { const id = location.pathname.split("/").at(-1); if (id && id !== this.item?.id) void this.open(id, false, readLook(location.search)); });
    new ResizeObserver(() => { this.drawing.resize(this.viewer.room); if (this.fitted && this.session) this.viewer.fit(true); }).observe(this.stage);
    listen((event) => { if (event.kind === "state" && event.data["state"] === "done" && event.data["subject"] === `dataset:${this.config.dataset}`) void this.filled(); });
    window.addEventListener("pagehide", () => this.session?.settle());
  }

  private keyDown(event: KeyboardEvent): void {
    if (one("dialog[open]") || belongsTo(event)) return;
    const keys = combo(event);
    if (keys === "space") { event.preventDefault(); event.stopImmediatePropagation(); if (!event.repeat) { this.panning = true; this.draw(); } return; }
    if (/^[1-9]$/.test(keys)) { event.stopImmediatePropagation(); if (!event.repeat) this.layers.digitDown(Number(keys), event.timeStamp); return; }
    const found = this.table.get(keys);
    if (!found?.run || (event.repeat && ["enter", "shift+enter", "a", "r"].includes(keys))) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    found.run(event);
  }

  private keyUp(event: KeyboardEvent): void {
    if (event.key === " ") { this.panning = false; this.draw(); }
    if (/^[1-9]$/.test(event.key)) this.layers.digitUp(event.key, event.timeStamp);
    if (event.key.startsWith("Arrow")) this.session?.settle();
  }
}
