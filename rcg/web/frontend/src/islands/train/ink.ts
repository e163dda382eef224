// Colours of the tokens as a canvas needs them: resolved for the theme in force, asked once per theme.
import { h } from "../../lib/dom";

const known = new Map<string, string>();
const heard = new Set<() => void>();
let probe: HTMLElement | null = null;

/** The colour of a token, e.g. ink("class-1"); canvas cannot read light-dark() itself. */
export function ink(token: string, alpha = 1): string {
  const key = `${token}/${alpha}`;
  let colour = known.get(key);
  if (colour === undefined) {
    if (!probe) { probe = h("span", { hidden: true }); document.body.append(probe); watch(); }
    probe.style.color = alpha === 1 ? `var(--${token})` : `color-mix(in oklab, var(--${token}) ${Math.round(100 * alpha)}%, transparent)`;
    colour = getComputedStyle(probe).color;
    known.set(key, colour);
  }
  return colour;
}

/** Told after the theme has changed. */
export function onTheme(run: () => void): void {
  heard.add(run);
}

function watch(): void {
  const changed = (): void => { known.clear(); for (const run of heard) run(); };
  new MutationObserver(changed).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
}

/** Colours for lines without a class of their own, in an order that keeps neighbours apart. */
export const LINES = ["class-1", "class-2", "class-3", "class-5", "class-4", "class-8", "class-6", "class-7"] as const;
