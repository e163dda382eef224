// The layer switch: chips with their digits, lights as a row of their own; a digit held down looks for a moment.
import { all, from, h } from "../../lib/dom";
import type { Layer } from "./types";

const WORDS: Record<string, string> = { colour: "Colour", albedo: "Albedo", normal: "Normals", height: "Height", curvature: "Curvature", specular: "Specular", confidence: "Confidence" };
const PEEK_MS = 280;

export class Layers {
  names: string[] = [];
  current = "";
  private held: { key: string; before: string; since: number } | null = null;

  constructor(private readonly root: HTMLElement, private readonly show: (name: string) => void) {
    root.addEventListener("click", (event) => { const chip = from(event, "[data-layer]"); if (chip) this.pick(chip.dataset["layer"] ?? ""); });
  }

  /** Lists what the item has, in the kind's order, what the kind does not name behind it. */
  set(layers: Layer[], order: string[]): void {
    const place = (name: string): number => { const at = order.indexOf(name); return at < 0 ? order.length : at; };
    const there = layers.filter((layer) => layer.url).map((layer) => layer.name);
    const light = (name: string): boolean => name.startsWith("light:");
    const sorted = [...there].sort((a, b) => Number(light(a)) - Number(light(b)) || place(a) - place(b));
    this.names = sorted;
    const chip = (name: string, i: number): HTMLElement => {
      const word = light(name) ? name.slice(6) : WORDS[name] ?? name, key = i < 9 ? String(i + 1) : "";
      return h("button", { type: "button", class: light(name) ? "chip light" : "chip", "data-layer": name, "aria-pressed": "false", "aria-label": light(name) ? `Light ${word}` : null, title: `${light(name) ? `Light ${word}` : word}${key ? `  ${key}` : light(name) ? "  L: next light" : ""}` }, word, !light(name) && key && h("kbd", { "aria-hidden": "true" }, key));
    };
    const plain = sorted.filter((name) => !light(name)), lights = sorted.filter(light);
    this.root.replaceChildren(...plain.map((name) => chip(name, sorted.indexOf(name))));
    if (lights.length) this.root.append(h("span", { class: "lights" }, h("span", { class: "small" }, "Lights"), ...lights.map((name) => chip(name, sorted.indexOf(name)))));
    this.current = "";
  }

  pick(name: string): void {
    if (!this.names.includes(name)) return;
    this.current = name;
    this.show(name);
    for (const chip of all("[data-layer]", this.root)) {
      chip.setAttribute("aria-pressed", String(chip.dataset["layer"] === name));
      if (chip.dataset["layer"] === name) chip.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  }

  light(by: number): void {
    const lights = this.names.filter((name) => name.startsWith("light:")), at = lights.indexOf(this.current);
    const next = lights[at < 0 ? (by > 0 ? 0 : lights.length - 1) : (at + by + lights.length) % lights.length];
    if (next) this.pick(next);
  }

  digitDown(digit: number, now: number): void {
    const name = this.names[digit - 1];
    if (!name || this.held) return;
    this.held = { key: String(digit), before: this.current, since: now };
    this.pick(name);
  }

  /** A short press switches, a long one was a look: back to the layer before. */
  digitUp(digit: string, now: number): void {
    const held = this.held;
    if (held?.key !== digit) return;
    this.held = null;
    if (now - held.since > PEEK_MS && held.before) this.pick(held.before);
  }
}
