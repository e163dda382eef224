// One side, light after light: ask for the light, wait until it is on and steady, take the frame, put it where nothing is lost.
import { ApiError, call } from "../lib/api";
import type { Shot } from "./camera";
import type { Spool } from "./spool";
import { hashOf } from "./store";
import type { Lit, Mode, Session } from "./types";

export interface Steps {
  /** A light is asked for. */
  asking(light: string): void;
  /** It is on. */
  lit(light: Lit): void;
  /** Its frame is on this phone's disk. */
  kept(light: string, shot: Shot): void;
  /** The server is away; the set goes on when it is back. */
  away(): void;
}

/** Where frames come from: the camera of this page, or photographs of a camera app. */
export interface Source { take(mode: Mode, after: number, exposed?: () => void): Promise<Shot>; readonly settings: Record<string, unknown> }

const AGAIN_MS = 1000;
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class Stopped extends Error {}

export async function askLight(session: string, light: string): Promise<Lit> {
  return call<Lit>("POST", `/api/capture/sessions/${session}/light`, { light });
}

/** Takes the given frames in their order. The next light is asked for as soon as a frame is exposed, while it is packed and
 * put on the disk; none is exposed before the one before it is there. Throws what a person has to see; what was taken stays. */
export async function shootSide(session: Session, lights: string[], camera: Source, mode: Mode, held: string[], spool: Spool, steps: Steps, stop: AbortSignal): Promise<void> {
  const size = { width: 0, height: 0 };
  const ask = (light: string): Promise<{ lit: Lit; at: number }> => {
    steps.asking(light);
    const asked = patiently(() => askLight(session.id, light), steps, stop).then((lit) => ({ lit, at: performance.now() }));
    asked.catch(() => undefined);  // it is awaited only when its turn comes
    return asked;
  };
  let next = lights[0] === undefined ? null : ask(lights[0]);
  for (const [place, light] of lights.entries()) {
    const { lit, at } = await (next ?? ask(light));
    next = null;
    steps.lit(lit);
    const follows = lights[place + 1];
    const shot = await camera.take(mode, at + lit.settle_ms, () => { if (follows !== undefined && !stop.aborted) next = ask(follows); });
    if (stop.aborted) throw new Stopped();
    if (size.width && (size.width !== shot.width || size.height !== shot.height)) {
      throw new ApiError(0, "turned", "The phone was turned: the picture has another size now.", "Hold it as you began, and go on.");
    }
    [size.width, size.height] = [shot.width, shot.height];
    const { bytes, type, thumbnail, quality, width, height, taken_at } = shot;
    const settings = plain(camera.settings);
    await spool.add({ sha256: await hashOf(bytes), session: session.id, light, bytes, type, at: Date.now(), meta: { side: session.side, mode, taken_at, width, height, settings, held, quality, thumbnail } });
    steps.kept(light, shot);
  }
}

/** Tries again while the server is away; anything it says is passed on. */
async function patiently<T>(ask: () => Promise<T>, steps: Steps, stop: AbortSignal): Promise<T> {
  for (;;) {
    if (stop.aborted) throw new Stopped();
    try {
      return await ask();
    } catch (error) {
      const away = error instanceof ApiError && (error.status === 0 || error.status === 503);
      if (!away) throw error;
      steps.away();
      await wait(AGAIN_MS);
    }
  }
}

/** Settings without what tells one device from another. */
function plain(settings: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(settings).filter(([key]) => key !== "deviceId" && key !== "groupId"));
}
