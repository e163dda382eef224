// The preview's stage: before and after, every draw in a strip, layers, shapes. What is chosen stands in the address.
import { all, from, h, one, typing } from "../../lib/dom";
import { overlay } from "./overlay";
import type { DatasetOf, Drawn, LayerOf, Preview } from "./types";

const WORDS: Record<string, string> = { colour: "Colour", albedo: "Albedo", normal: "Normals", height: "Height", curvature: "Curvature", specular: "Gloss", confidence: "Confidence", mask: "Mask" };

export class Stage {
  layer = "";
  private layers: LayerOf[] = [];
  private preview: Preview | null = null;
  private draw = 0;
  private shapes = true;
  private dataset: DatasetOf | null = null;

  constructor(private readonly root: HTMLElement, private readonly changed: () => void, wish: URLSearchParams) {
    this.layer = wish.get("layer") ?? "";
    this.draw = Math.max(0, Number(wish.get("draw") ?? 0) || 0);
    one("[data-layers]", root)?.addEventListener("click", (event) => {
      const chip = from(event, "[data-layer]");
      if (chip) this.choose(chip.dataset["layer"] ?? "");
    });
    one("[data-shapes]", root)?.addEventListener("click", () => this.toggleShapes());
    const strip = one("[data-strip]", root);
    strip?.addEventListener("click", (event) => {
      const tile = from(event, "[data-draw]");
      if (tile) this.select(Number(tile.dataset["draw"]));
    });
    strip?.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!by || !this.preview) return;
      event.preventDefault();
      const count = this.preview.draws.length;
      this.select((this.draw + by + count) % count);
      one('[data-draw][aria-checked="true"]', strip)?.focus();
    });
    document.addEventListener("keydown", (event) => this.key(event));
    const pane = one('[data-pane="after"]', root);
    if (pane) new ResizeObserver(() => this.render()).observe(pane);
  }

  private key(event: KeyboardEvent): void {
    if (typing(event) || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.key === "s") this.toggleShapes();
    const number = "1234567890".indexOf(event.key), layer = number < 0 ? undefined : this.layers[number];
    if (layer) this.choose(layer.name);
  }

  private toggleShapes(): void {
    this.shapes = !this.shapes;
    one("[data-shapes]", this.root)?.setAttribute("aria-pressed", String(this.shapes));
    this.root.classList.toggle("au-bare", !this.shapes);
  }

  setItem(dataset: DatasetOf, layers: LayerOf[]): void {
    this.dataset = dataset;
    this.layers = layers;
    if (!layers.some((layer) => layer.name === this.layer)) this.layer = layers[0]?.name ?? "";
    const chips = one("[data-layers]", this.root);
    if (!chips) return;
    const lights = layers.filter((layer) => layer.role === "light");
    const chip = (layer: LayerOf, word: string, className: string): HTMLElement => {
      const index = layers.indexOf(layer);
      return h("button", { class: className, type: "button", "data-layer": layer.name, "aria-pressed": "false", "aria-label": layer.role === "light" ? `Light ${word}` : null },
        word, layer.role !== "light" && index < 10 && h("kbd", {}, String((index + 1) % 10)));
    };
    chips.replaceChildren(...layers.filter((layer) => layer.role !== "light").map((layer) => chip(layer, WORDS[layer.name] ?? layer.name, "chip")),
      ...(lights.length ? [h("span", { class: "lights" }, h("span", { class: "small" }, "Light"), ...lights.map((layer) => chip(layer, layer.name.replace("light:", ""), "chip light")))] : []));
    this.mark();
  }

  private choose(layer: string): void {
    this.layer = layer;
    this.mark();
    this.render();
    this.remember();
    this.changed();
  }

  private mark(): void {
    for (const chip of all("[data-layer]", this.root)) chip.setAttribute("aria-pressed", String(chip.dataset["layer"] === this.layer));
  }

  private select(draw: number): void {
    this.draw = draw;
    this.render();
    this.remember();
  }

  private remember(): void {
    const url = new URL(location.href);
    url.searchParams.set("layer", this.layer);
    if (this.draw) url.searchParams.set("draw", String(this.draw)); else url.searchParams.delete("draw");
    history.replaceState(null, "", url);
  }

  show(preview: Preview): void {
    this.preview = preview;
    if (this.draw >= preview.draws.length) this.draw = 0;
    const strip = one("[data-strip]", this.root);
    if (strip && strip.childElementCount !== preview.draws.length) {
      strip.replaceChildren(...preview.draws.map((_, index) => h("button", { class: "au-tile", type: "button", role: "radio", "data-draw": index, "aria-label": `Draw ${index + 1}` })));
    }
    this.render();
  }

  private render(): void {
    const { preview, dataset } = this;
    const chosen = preview?.draws[this.draw];
    if (!preview || !dataset || !chosen) return;
    const name = WORDS[this.layer] ?? this.layer.replace(":", " ");
    this.fill(one('[data-pane="before"]', this.root), preview, preview.before, true, `Before, ${name}`);
    this.fill(one('[data-pane="after"]', this.root), preview, chosen, true, `After, draw ${this.draw + 1}, ${name}`);
    const scale = preview.scales[this.layer];
    for (const [pane, text] of [["before", counted(preview.before) + (scale ? `, ${scale}` : "")], ["after", `${counted(chosen)}: ${chosen.notes.join(", ") || "nothing happened this time"}`]] as const) {
      const note = one(`[data-note="${pane}"]`, this.root);
      if (note) note.textContent = text;
    }
    all("[data-draw]", this.root).forEach((tile, index) => {
      const draw = preview.draws[index];
      if (!draw) return;
      tile.setAttribute("aria-checked", String(index === this.draw));
      tile.tabIndex = index === this.draw ? 0 : -1;
      tile.title = draw.notes.join(", ");
      this.fill(tile, preview, draw, false, "");
    });
  }

  private fill(place: HTMLElement | null, preview: Preview, drawn: Drawn, large: boolean, alt: string): void {
    if (!place || !this.dataset) return;
    let image = one<HTMLImageElement>("img", place);
    if (!image) {
      image = h("img", { alt: "", width: preview.width, height: preview.height, decoding: "async" });
      place.prepend(image);
    }
    if (image.width !== preview.width || image.height !== preview.height) { image.width = preview.width; image.height = preview.height; }
    const url = drawn.images[this.layer];
    place.classList.toggle("pending", !url);
    if (url && image.getAttribute("src") !== url) image.src = url;
    if (image.alt !== alt) image.alt = alt;
    one(".au-shapes", place)?.remove();
    const scale = Math.min(place.clientWidth / preview.width, place.clientHeight / preview.height) || 1;
    place.append(overlay(preview, drawn.annotations, this.dataset, (large ? 1 : 0.5) / scale, large));
  }
}

function counted(drawn: Drawn): string {
  const count = drawn.annotations.length;
  return count === 1 ? "1 shape" : `${count} shapes`;
}
