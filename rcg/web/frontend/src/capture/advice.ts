// One line of advice from what the small picture shows, and whether everything is right.
import type { Found } from "./find";

export interface Seen { found: Found | null; sharpness: number; clipped: number; mean: number; motion: number }
export interface Gates { card: boolean; size: boolean; level: boolean; still: boolean; sharp: boolean; glare: boolean; light: boolean }
export interface Advice { words: string; gates: Gates; good: boolean }

export const LIMITS = { fill: 0.3, tilt: 0.09, motion: 3.5, clipped: 0.02, darkest: 22, brightest: 225, sharp: 0.55, least: 8 };

/** @param best the sharpest that the session has seen; sharpness is judged against it, because cards differ. */
export function advise(seen: Seen, best: number): Advice {
  const { found } = seen;
  const gates: Gates = {
    card: found !== null,
    size: found !== null && found.inside && found.fill >= LIMITS.fill,
    level: found !== null && found.tilt <= LIMITS.tilt,
    still: seen.motion <= LIMITS.motion,
    sharp: seen.sharpness >= Math.max(LIMITS.least, LIMITS.sharp * best),
    glare: seen.clipped <= LIMITS.clipped,
    light: seen.mean >= LIMITS.darkest && seen.mean <= LIMITS.brightest,
  };
  const good = Object.values(gates).every(Boolean);
  return { words: good ? "Ready. Hold still." : words(gates, seen), gates, good };
}

function words(gates: Gates, seen: Seen): string {
  if (!gates.light) return seen.mean < LIMITS.darkest ? "Too dark to see the card." : "Too bright: dim the lights or the room.";
  const found = seen.found;
  if (!found) return "Lay the card flat, on one colour, all of it in view.";
  if (!found.inside) return "Further away: the card leaves the picture.";
  if (!gates.size) return "Closer: the card should fill the picture.";
  if (!gates.level) return "Hold the phone level with the card.";
  if (!gates.still) return "Hold still.";
  if (!gates.glare) return "A reflection is on the card: move the lamp or the phone a little.";
  return "Not sharp yet: hold still, or tap to focus.";
}
