// The report's viewer: layers, overlays, findings that the card flies to, light from the pointer. State is in the address.
import { all, from, one, typing } from "../lib/dom";
import { toast } from "../lib/toast";
import { type Relight, relight } from "./relight";
import { View } from "./view";

interface Stage { side: string; root: HTMLElement; image: HTMLImageElement | null; width: number; height: number; layer: string; sources: Map<string, string>; relight?: Promise<Relight> }
const THIN = "\u2009";
const MARKS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50];

export function mount(root: HTMLElement): void {
  const viewport = one("[data-viewer]", root);
  if (viewport) new Viewer(root, viewport);
}

class Viewer {
  private readonly stages: Stage[];
  private stage: Stage;
  private readonly view: View;
  private readonly pointers = new Map<number, { x: number; y: number }>();
  private readonly wish = new URLSearchParams(location.search);
  private finding = 0;
  private lit = false;
  private height = 60;
  private at = { x: 0, y: 0 };

  constructor(private readonly root: HTMLElement, private readonly viewport: HTMLElement) {
    this.stages = all("[data-stage]", root).map((element): Stage => ({
      side: element.dataset["stage"] ?? "", root: element, image: one<HTMLImageElement>("[data-image]", element),
      width: Number(element.dataset["width"]), height: Number(element.dataset["height"]), layer: "",
      sources: new Map(all("[data-source]", element).map((source) => [source.dataset["source"] ?? "", source.dataset["url"] ?? ""])),
    }));
    const first = this.stages.find((stage) => stage.side === this.wish.get("side")) ?? this.stages[0];
    if (!first) throw new Error("The report has no side.");
    this.stage = first;
    this.view = new View(viewport, () => this.place());
    for (const stage of this.stages) stage.layer = [...stage.sources.keys()][0] ?? "";
    this.showSide(first.side);
    const layer = this.wish.get("layer");
    if (layer && first.sources.has(layer)) this.showLayer(layer);
    const finding = Number(this.wish.get("finding"));
    if (finding) requestAnimationFrame(() => this.select(finding, true));
    this.bind();
    this.canRelight();
    new ResizeObserver(() => { if (!this.finding) this.view.fit(this.stage); }).observe(viewport);
  }

  private place(): void {
    const { root, width, height, image } = this.stage, { scale, x, y } = this.view;
    root.style.width = `${width * scale}px`;
    root.style.height = `${height * scale}px`;
    root.style.transform = `translate(${x}px, ${y}px)`;
    this.viewport.style.setProperty("--px", String(1 / scale));
    image?.classList.toggle("close", (image.naturalWidth / width) * 3 < scale);
    const bar = one("[data-scale]", this.root), mm = MARKS.findLast((mark) => mark * scale <= 110) ?? 0.1;
    if (bar) { bar.style.width = `${mm * scale}px`; const word = bar.firstElementChild; if (word) word.textContent = `${mm}${THIN}mm`; }
  }

  private showSide(side: string): void {
    this.stage = this.stages.find((stage) => stage.side === side) ?? this.stage;
    for (const stage of this.stages) stage.root.hidden = stage !== this.stage;
    for (const chips of all("[data-chips]", this.root)) chips.hidden = chips.dataset["chips"] !== side;
    for (const part of all("[data-part]", this.root)) part.hidden = part.dataset["part"] !== side;
    for (const button of all("[data-side-button]", this.root)) button.setAttribute("aria-pressed", String(button.dataset["sideButton"] === side));
    this.finding = 0;
    this.view.fit(this.stage);
    this.remember({ side: side === this.stages[0]?.side ? null : side, finding: null });
    this.canRelight();
  }

  private showLayer(name: string): void {
    const url = this.stage.sources.get(name);
    if (!url || !this.stage.image) return;
    this.stage.layer = name;
    this.stage.image.src = url;
    for (const chip of all(`[data-chips="${this.stage.side}"] [data-layer]`, this.root)) chip.setAttribute("aria-pressed", String(chip.dataset["layer"] === name));
    this.remember({ layer: name === [...this.stage.sources.keys()][0] ? null : name });
  }

  private select(id: number, keep: boolean): void {
    const button = one(`[data-part="${this.stage.side}"] [data-finding="${id}"]`, this.root);
    for (const other of all("[data-finding]", this.root)) other.setAttribute("aria-pressed", String(other === button));
    for (const mark of all("[data-finding-mark]", this.stage.root)) mark.classList.toggle("selected", Number(mark.dataset["findingMark"]) === id);
    const [x = 0, y = 0, width = 0, height = 0] = (button?.dataset["box"] ?? "").split(" ").map(Number);
    if (!button || !width) return;
    this.finding = id;
    this.view.flyTo({ x: x + this.stage.width / 2, y: y + this.stage.height / 2, width, height });
    if (keep) this.remember({ finding: String(id) });
  }

  private step(by: number): void {
    const ids = all(`[data-part="${this.stage.side}"] [data-finding]`, this.root).map((button) => Number(button.dataset["finding"]));
    if (!ids.length) return;
    const next = ids[(Math.max(ids.indexOf(this.finding), by < 0 ? 0 : -1) + by + ids.length) % ids.length];
    if (!next) return;
    this.select(next, true);
    one(`[data-part="${this.stage.side}"] [data-finding="${next}"]`, this.root)?.scrollIntoView({ block: "nearest" });
  }

  private remember(changes: Record<string, string | null>): void {
    const url = new URL(location.href);
    for (const [key, value] of Object.entries(changes)) if (value === null) url.searchParams.delete(key); else url.searchParams.set(key, value);
    history.replaceState(null, "", url);
  }

  private bind(): void {
    this.root.addEventListener("click", (event) => this.click(event));
    let hover = 0;
    for (const button of all("[data-finding]", this.root)) {
      button.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") hover = window.setTimeout(() => this.select(Number(button.dataset["finding"]), false), 90); });
      button.addEventListener("pointerleave", () => clearTimeout(hover));
    }
    document.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("keyup", (event) => { if (event.key.toLowerCase() === "r") void this.light(false); });
    window.addEventListener("blur", () => void this.light(false));
    this.viewport.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.viewport.addEventListener("pointerdown", (event) => {
      if (from(event, "button")) return;
      this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (!this.lit) { this.viewport.setPointerCapture(event.pointerId); this.viewport.classList.add("panning"); }
    });
    for (const name of ["pointerup", "pointercancel"] as const) this.viewport.addEventListener(name, (event) => { this.pointers.delete(event.pointerId); this.viewport.classList.remove("panning"); });
    this.viewport.addEventListener("pointermove", (event) => this.move(event));
    this.viewport.addEventListener("pointerleave", () => { const out = one("[data-readout]", this.root); if (out) out.textContent = ""; });
    this.viewport.addEventListener("dblclick", (event) => { const p = this.local(event); this.view.zoom(2, p.x, p.y, this.stage); });
  }

  private local(event: MouseEvent): { x: number; y: number } {
    const box = this.viewport.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  private click(event: Event): void {
    const layer = from(event, "[data-layer]"), side = from(event, "[data-side-button]"), zoom = from(event, "[data-zoom]");
    const toggle = from(event, "[data-toggle]"), finding = from(event, "[data-finding]"), mark = event.target instanceof Element ? event.target.closest<SVGElement>("[data-finding-mark]") : null;
    if (layer) this.showLayer(layer.dataset["layer"] ?? "");
    if (side) this.showSide(side.dataset["sideButton"] ?? "");
    if (zoom) this.zoomBy(zoom.dataset["zoom"] ?? "");
    if (toggle) this.toggle(toggle.dataset["toggle"] ?? "");
    if (finding) this.select(Number(finding.dataset["finding"]), true);
    if (mark) { this.select(Number(mark.dataset["findingMark"]), true); one(`[data-part="${this.stage.side}"] [data-finding="${mark.dataset["findingMark"]}"]`, this.root)?.scrollIntoView({ block: "nearest" }); }
    if (from(event, "[data-relight-toggle]")) void this.light(!this.lit);
  }

  private zoomBy(what: string): void {
    if (what === "fit") { this.finding = 0; this.view.fit(this.stage, true); this.remember({ finding: null }); return; }
    this.view.zoom(what === "in" ? 1.5 : 1 / 1.5, this.viewport.clientWidth / 2, this.viewport.clientHeight / 2, this.stage);
  }

  private toggle(what: string): void {
    const button = one(`[data-toggle="${what}"]`, this.root);
    const on = button?.getAttribute("aria-pressed") !== "true";
    button?.setAttribute("aria-pressed", String(on));
    for (const group of all<SVGElement>(`[data-overlay="${what}"]`, this.root)) group.style.display = on ? "" : "none";
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event) || one("dialog[open]")) return;
    const key = event.key.toLowerCase(), step = 60;
    const inViewer = document.activeElement === this.viewport;
    const moves: Record<string, [number, number]> = { arrowleft: [step, 0], arrowright: [-step, 0], arrowup: [0, step], arrowdown: [0, -step] };
    const move = moves[key];
    const names = [...this.stage.sources.keys()];
    if (/^[1-9]$/.test(key)) { const name = names[Number(key) - 1]; if (name) this.showLayer(name); }
    else if (key === "l") { const lights = names.filter((name) => name.startsWith("light:")), next = lights[(lights.indexOf(this.stage.layer) + 1) % lights.length]; if (next) this.showLayer(next); }
    else if (key === "+" || key === "=") this.zoomBy("in");
    else if (key === "-") this.zoomBy("out");
    else if (key === "0") this.zoomBy("fit");
    else if (key === "s") this.toggle("stations");
    else if (key === "f") this.toggle("findings");
    else if (key === "e") this.toggle("edges");
    else if (key === "n") this.step(1);
    else if (key === "p") this.step(-1);
    else if (key === "x") { const other = this.stages.find((stage) => stage !== this.stage); if (other) this.showSide(other.side); }
    else if (key === "r" && !event.repeat) void this.light(true);
    else if (move && inViewer) { event.preventDefault(); this.view.pan(...move); }
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    const p = this.local(event);
    if (this.lit) { this.height = Math.min(300, Math.max(4, this.height * Math.exp(event.deltaY * -0.002))); void this.paint(); return; }
    if (!event.ctrlKey && event.deltaX !== 0 && Math.abs(event.deltaX) > Math.abs(event.deltaY)) { this.view.pan(-event.deltaX, -event.deltaY); return; }
    this.view.zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : event.ctrlKey ? 0.01 : 0.0016)), p.x, p.y, this.stage);
  }

  private move(event: PointerEvent): void {
    const p = this.local(event), { scale, x, y } = this.view;
    this.at = { x: (p.x - x) / scale, y: (p.y - y) / scale };
    const out = one("[data-readout]", this.root);
    const show = (value: number): string => `${value < 0 ? "\u2212" : ""}${Math.abs(value).toFixed(2)}`;
    if (out) out.textContent = this.lit ? `light ${Math.round(this.height)}${THIN}mm above the card` : `x ${show(this.at.x - this.stage.width / 2)}  y ${show(this.stage.height / 2 - this.at.y)}${THIN}mm`;
    if (this.lit) { void this.paint(); return; }
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    const others = [...this.pointers.entries()].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
    const other = others[0];
    if (other) {
      const gap = (a: { x: number; y: number }): number => Math.hypot(a.x - other.x, a.y - other.y);
      const box = this.viewport.getBoundingClientRect();
      this.view.zoom(gap(now) / Math.max(1, gap(before)), (now.x + other.x) / 2 - box.left, (now.y + other.y) / 2 - box.top, this.stage);
      this.view.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
    } else this.view.pan(now.x - before.x, now.y - before.y);
    this.pointers.set(event.pointerId, now);
  }

  private surfaces(): { albedo: string; normal: string } | null {
    const albedo = this.stage.sources.get("albedo") ?? this.stage.sources.get("colour"), normal = this.stage.sources.get("normal");
    return albedo && normal ? { albedo, normal } : null;
  }

  private canRelight(): void {
    const can = this.surfaces() !== null, hint = one("[data-relight-hint]", this.root), button = one("[data-relight-toggle]", this.root);
    if (hint && !can) hint.textContent = "No relief was measured on this side, so it cannot be relit";
    if (hint) hint.hidden = can && matchMedia("(pointer: coarse)").matches;
    if (button) button.hidden = !can || !matchMedia("(pointer: coarse)").matches;
  }

  private async light(on: boolean): Promise<void> {
    const urls = this.surfaces(), canvas = one<HTMLCanvasElement>("[data-relight]", this.stage.root);
    if (on === this.lit || !urls || !canvas) return;
    this.lit = on;
    this.viewport.classList.toggle("relighting", on);
    one("[data-relight-toggle]", this.root)?.setAttribute("aria-pressed", String(on));
    if (!on) { for (const each of all<HTMLCanvasElement>("[data-relight]", this.root)) each.hidden = true; return; }
    this.stage.relight ??= relight(canvas, urls.albedo, urls.normal, this.stage);
    try {
      await this.stage.relight;
      if (!this.lit) return;
      canvas.hidden = false;
      await this.paint();
    } catch (error) {
      this.lit = false;
      delete this.stage.relight;
      toast(error instanceof Error ? error.message : String(error));
    }
  }

  private async paint(): Promise<void> {
    const ready = await this.stage.relight;
    ready?.draw(this.at.x, this.at.y, this.height);
  }
}
