// A long list or strip of which only what can be seen is in the document. Entries have one size.
import { h } from "../../lib/dom";

export class Virtual {
  private readonly inner = h("div", { class: "an-virtual" });
  private readonly made = new Map<number, HTMLElement>();
  private count = 0;

  /** `make` fills the entry of an index; `size` is its length along the axis in pixels. */
  constructor(private readonly element: HTMLElement, private readonly axis: "x" | "y", private readonly size: number, private readonly make: (index: number) => HTMLElement) {
    element.replaceChildren(this.inner);
    element.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.draw()).observe(element);
  }

  show(count: number): void {
    this.count = count;
    this.inner.style[this.axis === "x" ? "width" : "height"] = `${count * this.size}px`;
    this.again();
  }

  /** Makes what is seen anew. */
  again(): void {
    for (const entry of this.made.values()) entry.remove();
    this.made.clear();
    this.draw();
  }

  get range(): [number, number] {
    const [offset, room] = this.axis === "x" ? [this.element.scrollLeft, this.element.clientWidth] : [this.element.scrollTop, this.element.clientHeight];
    return [Math.max(0, Math.floor(offset / this.size) - 2), Math.min(this.count, Math.ceil((offset + room) / this.size) + 2)];
  }

  reveal(index: number): void {
    const room = this.axis === "x" ? this.element.clientWidth : this.element.clientHeight, now = this.axis === "x" ? this.element.scrollLeft : this.element.scrollTop;
    const start = index * this.size;
    if (start >= now && start + this.size <= now + room) return;
    const to = Math.max(0, start - (room - this.size) / 2);
    if (this.axis === "x") this.element.scrollLeft = to; else this.element.scrollTop = to;
    this.draw();
  }

  private draw(): void {
    const [first, last] = this.range;
    for (const [index, entry] of this.made) if (index < first || index >= last) { entry.remove(); this.made.delete(index); }
    for (let index = first; index < last; index++) {
      if (this.made.has(index)) continue;
      const entry = this.make(index);
      entry.style[this.axis === "x" ? "left" : "top"] = `${index * this.size}px`;
      this.made.set(index, entry);
      this.inner.append(entry);
    }
  }
}
