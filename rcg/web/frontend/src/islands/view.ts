// Pan and zoom of one viewport: where the stage's top left lies, and how many screen pixels a millimetre takes.
export interface Extent { width: number; height: number }

export class View {
  scale = 1;  // pixels per mm
  x = 0;
  y = 0;
  private frame = 0;

  constructor(private readonly viewport: HTMLElement, private readonly changed: (view: View) => void) {}

  fitScale(extent: Extent): number {
    const room = 28;
    return Math.max(1, Math.min((this.viewport.clientWidth - room) / extent.width, (this.viewport.clientHeight - room) / extent.height));
  }

  fit(extent: Extent, fly = false): void {
    const scale = this.fitScale(extent);
    this.to(scale, (this.viewport.clientWidth - extent.width * scale) / 2, (this.viewport.clientHeight - extent.height * scale) / 2, fly);
  }

  /** Keeps the millimetre under a screen point where it is. */
  zoom(factor: number, px: number, py: number, extent: Extent): void {
    const low = 0.6 * this.fitScale(extent), high = 160;
    const scale = Math.min(high, Math.max(low, this.scale * factor));
    const real = scale / this.scale;
    this.to(scale, px - (px - this.x) * real, py - (py - this.y) * real);
  }

  pan(dx: number, dy: number): void {
    this.to(this.scale, this.x + dx, this.y + dy);
  }

  /** Brings a box (mm from the stage's top left) to the middle. */
  flyTo(box: { x: number; y: number; width: number; height: number }): void {
    const scale = Math.min(90, 0.55 * Math.min(this.viewport.clientWidth / box.width, this.viewport.clientHeight / box.height));
    this.to(scale, this.viewport.clientWidth / 2 - (box.x + box.width / 2) * scale, this.viewport.clientHeight / 2 - (box.y + box.height / 2) * scale, true);
  }

  private to(scale: number, x: number, y: number, fly = false): void {
    cancelAnimationFrame(this.frame);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (!fly || still) { [this.scale, this.x, this.y] = [scale, x, y]; this.changed(this); return; }
    const from = { scale: this.scale, x: this.x, y: this.y }, began = performance.now();
    const [cx, cy] = [this.viewport.clientWidth / 2, this.viewport.clientHeight / 2];
    const centre = (s: number, px: number, py: number): [number, number] => [(cx - px) / s, (cy - py) / s];
    const [fromX, fromY] = centre(from.scale, from.x, from.y), [toX, toY] = centre(scale, x, y);
    const step = (now: number): void => {
      const t = Math.min(1, (now - began) / 240), ease = 1 - (1 - t) ** 3;
      this.scale = from.scale * (scale / from.scale) ** ease;
      // The middle moves in millimetres as seen from the nearer view, so that the way there looks straight.
      const share = scale === from.scale ? ease : (1 / this.scale - 1 / from.scale) / (1 / scale - 1 / from.scale);
      this.x = cx - (fromX + (toX - fromX) * share) * this.scale;
      this.y = cy - (fromY + (toY - fromY) * share) * this.scale;
      this.changed(this);
      if (t < 1) this.frame = requestAnimationFrame(step);
    };
    this.frame = requestAnimationFrame(step);
  }
}
