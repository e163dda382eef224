// How long a light needs from its acknowledgement until the camera sees it steadily: measured here, kept at the server.
import { ApiError, call } from "../lib/api";
import type { Camera } from "./camera";
import { askLight } from "./shoot";
import { AMBIENT, type Session } from "./types";

export interface Sample { at: number; mean: number }
const DARK_MS = 700, WATCHED_MS = 1500, WIDTH = 96, TRIES = 3;
const NEAR = 0.02, LEAST = 1, SEEN = 4, END = 3;  // of the change; grey levels; the last third says where it ends
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Seconds from `from` (ms) until the brightness stays where it ends; null when it never does, or no light is seen. */
export function settledAfter(samples: Sample[], from: number, dark: number): number | null {
  const late = samples.slice(-Math.max(3, Math.floor(samples.length / END))).map((sample) => sample.mean);
  if (samples.length < 6) return null;
  const end = [...late].sort((one, other) => one - other)[late.length >> 1] as number;
  if (Math.abs(end - dark) < SEEN) return null;
  const near = Math.max(LEAST, NEAR * Math.abs(end - dark));
  if (late.some((mean) => Math.abs(mean - end) > near)) return null;
  let steady = samples.length - 1;
  while (steady > 0 && Math.abs((samples[steady - 1] as Sample).mean - end) <= near) steady--;
  return Math.max(0, (samples[steady] as Sample).at - from) / 1000;
}

/** By how much brightness moves while nothing changes: the widest it strays from its middle, as a share of that. */
export function driftOf(samples: Sample[]): number {
  const means = samples.map((sample) => sample.mean), usual = middle(means);
  return usual > 0 ? Math.max(...means.map((mean) => Math.abs(mean - usual))) / usual : 0;
}

/** Measures every light of a session's rig, one after the other; tells the server each. Returns what came out, in words. */
export async function measureLights(session: Session, camera: Camera, say: (words: string) => void, stop: AbortSignal): Promise<string> {
  const lights = session.wanted.filter((light) => light !== AMBIENT);
  const found: number[] = [], unseen: string[] = [];
  for (const light of lights) {
    let seconds: number | null = null;
    for (let tried = 0; tried < TRIES && seconds === null && !stop.aborted; tried++) {
      say(`Light ${light} of ${lights.length}${tried ? ", once more" : ""}. Hold still.`);
      seconds = await measureLight(session, camera, light);
    }
    if (stop.aborted) break;
    if (seconds === null) { unseen.push(light); continue; }
    found.push(seconds);
    await tell(session, light, seconds, Math.max(...found));
  }
  if (!found.length) return "No light was seen to come on and stay: point the camera at the card, and see that the room is dark.";
  const longest = Math.round(1000 * Math.max(...found));
  return `Steady ${longest} ms after the acknowledgement, the slowest of ${found.length} lights.${unseen.length ? ` Not steady, or not seen: light ${unseen.join(", ")}.` : ""}`;
}

/** Seconds of one light; null when it was not seen to come on and stay, for which a hand that moved is enough. */
async function measureLight(session: Session, camera: Camera, light: string): Promise<number | null> {
  await askLight(session.id, AMBIENT);
  await wait(DARK_MS);
  const dark = middle((await watch(camera, 200)).map((sample) => sample.mean));
  await askLight(session.id, light);
  const from = performance.now();
  return settledAfter(await watch(camera, WATCHED_MS), from, dark);
}

/** A server that knows no such call keeps the slowest of all. */
async function tell(session: Session, light: string, seconds: number, slowest: number): Promise<void> {
  try {
    await call("POST", `/api/rigs/${session.rig?.id}/settle`, { light, seconds });
  } catch (error) {
    if (!(error instanceof ApiError) || ![404, 405].includes(error.status)) throw error;
    await call("PATCH", `/api/rigs/${session.rig?.id}`, { settle_ms: Math.ceil(1000 * slowest) });
  }
}

const middle = (values: number[]): number => [...values].sort((one, other) => one - other)[values.length >> 1] ?? 0;

/** Mean brightness of every frame that comes, by the time it was captured where the browser tells. */
export function watch(camera: Camera, ms: number): Promise<Sample[]> {
  const canvas = document.createElement("canvas"), { video } = camera;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  [canvas.width, canvas.height] = [WIDTH, Math.max(1, Math.round(WIDTH * camera.height / Math.max(1, camera.width)))];
  const samples: Sample[] = [], end = performance.now() + ms;
  const look = (at: number): void => {
    pen?.drawImage(video, 0, 0, canvas.width, canvas.height);
    const data = pen?.getImageData(0, 0, canvas.width, canvas.height).data;
    if (!data) return;
    let sum = 0;
    for (let i = 0; i < data.length; i += 4) sum += (data[i] as number) + (data[i + 1] as number) + (data[i + 2] as number);
    samples.push({ at, mean: sum / (0.75 * data.length) });
  };
  return new Promise((resolve) => {
    if (typeof video.requestVideoFrameCallback !== "function") {
      const timer = setInterval(() => { look(performance.now()); if (performance.now() >= end) { clearInterval(timer); resolve(samples); } }, 30);
      return;
    }
    const late = setTimeout(() => resolve(samples), ms + 2000);
    const next = (now: number, about: VideoFrameCallbackMetadata): void => {
      look(about.captureTime ?? now);
      if (performance.now() < end) video.requestVideoFrameCallback(next);
      else { clearTimeout(late); resolve(samples); }
    };
    video.requestVideoFrameCallback(next);
  });
}
