// Fingers, pen, mouse and wheel: what they mean is decided here, what a tool makes of it there.
import { from } from "../../lib/dom";
import { gap } from "./ring";
import type { Mods, Tool } from "./tools/tool";
import type { XY } from "./types";

export interface Surface {
  readonly tool: Tool;
  readonly panning: boolean;  // the space bar is held
  toImage(at: XY): XY;
  pan(dx: number, dy: number): void;
  zoom(factor: number, at: XY): void;
  changed(): void;
  pointed(at: XY | null): void;
}
type Mode = "waits" | "tool" | "pan";
interface Press { id: number; from: XY; last: XY; mods: Mods; mode: Mode; button: number }
const SLOP = 4, SLOP_TOUCH = 9, DOUBLE_MS = 350;

export class Gestures {
  private press: Press | null = null;
  private readonly fingers = new Map<number, XY>();
  private lastClick = { at: [-99, -99] as XY, when: 0 };

  constructor(private readonly element: HTMLElement, private readonly surface: Surface) {
    element.addEventListener("pointerdown", (event) => this.down(event));
    element.addEventListener("pointermove", (event) => this.move(event));
    element.addEventListener("pointerup", (event) => this.up(event));
    element.addEventListener("pointercancel", (event) => this.lost(event));
    element.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse" && !this.press) { surface.pointed(null); surface.changed(); } });
    element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    element.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  private at(event: MouseEvent): XY {
    const box = this.element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  private down(event: PointerEvent): void {
    if (from(event, "button, a, [data-not-drawn]")) return;  // lies on the drawing area and takes its own clicks
    this.element.focus({ preventScroll: true });
    const at = this.at(event), touch = event.pointerType === "touch";
    if (touch) this.fingers.set(event.pointerId, at);
    this.element.setPointerCapture(event.pointerId);
    if (this.fingers.size > 1) {
      if (this.press?.mode === "tool") this.surface.tool.abort();
      this.press = null;
      this.surface.changed();
      return;
    }
    if (event.button === 2) { this.surface.tool.finish(); this.surface.changed(); return; }
    const mods = { shift: event.shiftKey, alt: event.altKey, touch };
    this.press = { id: event.pointerId, from: at, last: at, mods, mode: event.button === 1 || this.surface.panning ? "pan" : "waits", button: event.button };
    if (event.button === 1) event.preventDefault();
  }

  private move(event: PointerEvent): void {
    const at = this.at(event), { surface } = this;
    if (this.fingers.size > 1 && this.fingers.has(event.pointerId)) { this.pinch(event.pointerId, at); return; }
    surface.pointed(surface.toImage(at));
    const press = this.press;
    if (!press || press.id !== event.pointerId) {
      if (!this.fingers.size) surface.tool.hover(surface.toImage(at), { shift: event.shiftKey, alt: event.altKey, touch: false });
      surface.changed();
      return;
    }
    if (press.mode === "waits" && gap(at, press.from) > (press.mods.touch ? SLOP_TOUCH : SLOP)) press.mode = surface.tool.grab(surface.toImage(press.from), press.mods) ? "tool" : "pan";
    if (press.mode === "pan") surface.pan(at[0] - press.last[0], at[1] - press.last[1]);
    if (press.mode === "tool") surface.tool.drag(surface.toImage(at), press.mods);
    press.last = at;
    surface.changed();
  }

  private up(event: PointerEvent): void {
    this.fingers.delete(event.pointerId);
    const press = this.press, { surface } = this, at = this.at(event);
    if (!press || press.id !== event.pointerId) return;
    this.press = null;
    const image = surface.toImage(at);
    if (press.mode === "tool") surface.tool.drop(image, press.mods);
    if (press.mode === "waits") {
      const double = event.timeStamp - this.lastClick.when < DOUBLE_MS && gap(at, this.lastClick.at) < 3 * SLOP;
      surface.tool.click(surface.toImage(press.from), press.mods);
      if (double) surface.tool.double?.(image);
      this.lastClick = { at, when: double ? 0 : event.timeStamp };
    }
    surface.changed();
  }

  private lost(event: PointerEvent): void {
    this.fingers.delete(event.pointerId);
    if (this.press?.id !== event.pointerId) return;
    if (this.press.mode === "tool") this.surface.tool.abort();
    this.press = null;
    this.surface.changed();
  }

  /** Two fingers move and zoom the picture whatever tool is in hand. */
  private pinch(id: number, at: XY): void {
    const other = [...this.fingers.entries()].find(([each]) => each !== id)?.[1], before = this.fingers.get(id);
    if (!other || !before) return;
    const middle: XY = [(at[0] + other[0]) / 2, (at[1] + other[1]) / 2];
    this.surface.pan((at[0] - before[0]) / 2, (at[1] - before[1]) / 2);
    this.surface.zoom(gap(at, other) / Math.max(1, gap(before, other)), middle);
    this.fingers.set(id, at);
    this.surface.changed();
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    if (!event.ctrlKey && event.deltaX !== 0 && Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.surface.pan(-event.deltaX, -event.deltaY);
    else this.surface.zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : event.ctrlKey ? 0.01 : 0.0016)), this.at(event));
    this.surface.changed();
  }
}
