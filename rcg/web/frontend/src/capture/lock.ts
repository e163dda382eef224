// Exposure, white balance and focus that stay as they are for a whole set, where the phone can; what holds is read back.
import type { Camera } from "./camera";
import { greyOf, levels } from "./measure";

export interface Held { held: string[]; not: string[]; notes: string[] }

const WORDS = { exposure: "exposure", whiteBalance: "white balance", focus: "focus" } as const;
const SETTLES_MS = 1200, CLIPPED = 0.003, CUT = 0.75, CUTS = 8;
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
type Values = Record<string, unknown>;

/** Call with every light of the rig on, the card in view: what is brightest then decides. */
export async function hold(camera: Camera): Promise<Held> {
  const able = camera.capabilities as Values;
  const modes = (key: string): string[] => (Array.isArray(able[key]) ? (able[key] as string[]) : []);
  const result: Held = { held: [], not: [], notes: [] };
  // Automatic first, so that what is then held suits this card.
  const automatic: Values = {};
  for (const key of ["exposureMode", "whiteBalanceMode", "focusMode"]) if (modes(key).includes("continuous")) automatic[key] = "continuous";
  if (Object.keys(automatic).length && await apply(camera, automatic)) await wait(SETTLES_MS);
  await holdExposure(camera, modes("exposureMode").includes("manual") && "exposureTime" in able, able, result);
  const now = camera.settings as Values;
  await holdMode(camera, "whiteBalanceMode", modes("whiteBalanceMode").includes("manual"), value("colorTemperature", now, able), WORDS.whiteBalance, result);
  await holdMode(camera, "focusMode", modes("focusMode").includes("manual"), value("focusDistance", now, able), WORDS.focus, result);
  return result;
}

/** Says in one sentence what stays and what may change. */
export function sentence(held: Held): string {
  if (!held.not.length) return "Exposure, white balance and focus stay as they are for this card.";
  const lost = held.not.join(" and ");
  const kept = held.held.length ? `${capital(held.held.join(" and "))} stay${held.held.length > 1 ? "" : "s"} as it is; ` : "";
  return `${kept}${kept ? "this" : "This"} browser cannot hold ${lost}, so brightness may differ between lights.`;
}

async function holdExposure(camera: Camera, can: boolean, able: Values, result: Held): Promise<void> {
  const now = camera.settings as Values;
  const time = Number(now["exposureTime"]);
  if (!can || !(time > 0)) { result.not.push(WORDS.exposure); return; }
  const iso = "iso" in able && Number(now["iso"]) > 0 ? { iso: Number(now["iso"]) } : {};
  const least = Number((able["exposureTime"] as { min?: number } | undefined)?.min ?? 0);
  // Manual without a time takes one from the middle of the sensor's range: all of them go together.
  let wanted = time;
  if (!await apply(camera, { exposureMode: "manual", exposureTime: wanted, ...iso })) { result.not.push(WORDS.exposure); return; }
  for (let cuts = 0; cuts < CUTS && wanted * CUT >= least && await clips(camera); cuts++) {
    wanted *= CUT;
    if (!await apply(camera, { exposureMode: "manual", exposureTime: wanted, ...iso })) break;
  }
  const after = camera.settings as Values;
  const holds = after["exposureMode"] === "manual" && Math.abs(Number(after["exposureTime"]) - wanted) <= 0.1 * wanted;
  (holds ? result.held : result.not).push(WORDS.exposure);
  if (holds && wanted < time) result.notes.push(`Exposure was cut to ${Math.round(100 * wanted / time)} % so that nothing on the card is at its brightest.`);
}

async function holdMode(camera: Camera, key: string, can: boolean, more: Values, word: string, result: Held): Promise<void> {
  const done = can && await apply(camera, { [key]: "manual", ...more });
  (done && (camera.settings as Values)[key] === "manual" ? result.held : result.not).push(word);
}

/** The present value of a setting, if the camera takes one. */
function value(key: string, now: Values, able: Values): Values {
  return key in able && Number.isFinite(Number(now[key])) ? { [key]: Number(now[key]) } : {};
}

async function apply(camera: Camera, values: Values): Promise<boolean> {
  return camera.track.applyConstraints({ advanced: [values as MediaTrackConstraintSet] }).then(() => true, () => false);
}

async function clips(camera: Camera): Promise<boolean> {
  await wait(350);
  const small = camera.small(document.createElement("canvas"));
  if (!small) return false;
  const grey = greyOf(small);
  const middle = { left: grey.width >> 2, right: (3 * grey.width) >> 2, top: grey.height >> 2, bottom: (3 * grey.height) >> 2 };
  return levels(grey, middle).clipped > CLIPPED;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
