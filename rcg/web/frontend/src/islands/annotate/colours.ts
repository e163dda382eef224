// The colours of classes and of the drawing, read from the style sheet once: canvases know no custom properties.
import { h } from "../../lib/dom";

export interface Colours { classes: string[]; accent: string; halo: string; text: string; font: string }

/** Over pictures the dark theme's bright variants are used, in either theme. */
export function readColours(root: HTMLElement): Colours {
  const probe = h("span", { class: "an-probe", hidden: true });
  root.append(probe);
  const colour = (name: string): string => { probe.style.color = `var(${name})`; return getComputedStyle(probe).color; };
  const classes = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => colour(`--class-${n}`));
  const found = { classes, accent: colour("--accent"), halo: "rgb(0 0 0 / 0.55)", text: colour("--text-1"), font: getComputedStyle(probe).fontFamily };
  probe.remove();
  return found;
}
