// Measures what this phone's camera can do in this browser, and keeps the better way of taking frames.
import { h, notice, one } from "../lib/dom";
import { Camera, CameraError } from "./camera";
import { type Measured, type Way, choose } from "./choice";
import { type Held, hold } from "./lock";
import { driftOf, watch } from "./settle";
import type { Mode } from "./types";

const CONTROLS = ["exposureMode", "exposureTime", "iso", "exposureCompensation", "whiteBalanceMode", "colorTemperature", "focusMode", "focusDistance", "torch", "zoom"];
const WATCHED_MS = 2000, TIMES = 2;
const DRIFT_MS = 3000, DRIFT = 0.02;  // more than this the mat's patches have to even out

export function probe(root: HTMLElement): void {
  const rows = one("[data-rows]", root), status = one("[data-status]", root), start = one<HTMLButtonElement>("[data-start]", root), video = one<HTMLVideoElement>("[data-video]", root);
  const say = (text: string): void => { if (status) status.textContent = text; };
  const row = (what: string, found: string): void => { rows?.append(h("tr", {}, h("th", { scope: "row" }, what), h("td", { class: "digits" }, found))); };
  const known = localStorage.getItem("rcg-capture-probe");
  if (known) say(`Measured before: ${(JSON.parse(known) as { reason: string }).reason}`);
  start?.addEventListener("click", () => {
    if (!video) return;
    start.disabled = true;
    rows?.replaceChildren();
    measure(video, say, row).then((measured) => {
      const choice = choose(measured);
      localStorage.setItem("rcg-capture-mode", choice.mode);
      localStorage.setItem("rcg-capture-probe", JSON.stringify({ ...choice, measured, at: Date.now(), agent: navigator.userAgent }));
      root.dataset["mode"] = choice.mode;
      say(choice.reason);
    }).catch((error: unknown) => {
      say("");
      one("[data-problem]", root)?.replaceChildren(notice("bad", error instanceof Error ? error.message : String(error), error instanceof CameraError ? error.hint : ""));
    }).finally(() => { start.disabled = false; });
  });
}

async function measure(video: HTMLVideoElement, say: (text: string) => void, row: (what: string, found: string) => void): Promise<Measured> {
  say("Opening the camera.");
  const camera = await Camera.open(video);
  try {
    say("Watching the video.");
    row("Video", `${camera.width} × ${camera.height} px, ${(await rate(video)).toFixed(0)} frames a second`);
    const able = camera.capabilities;
    row("Controls", CONTROLS.filter((name) => name in able).join(", ") || "none");
    say("Holding exposure, white balance and focus.");
    const how = await hold(camera);
    row("Stays as it is", how.held.join(", ") || "nothing");
    if (how.not.length) row("Cannot be held", how.not.join(", "));
    say("Watching whether brightness stays.");
    const drift = driftOf(await watch(camera, DRIFT_MS));
    row("Brightness", `moves by ${(100 * drift).toFixed(1)} % in ${DRIFT_MS / 1000} s${drift > DRIFT ? (how.held.includes("exposure") ? ": the camera says that it holds its exposure, and does not, or the light flickers" : ": the mat evens that out") : ""}`);
    say("Taking frames of the video.");
    const stream = await timed(camera, "stream");
    row("A frame of the video", `${stream.width} × ${stream.height} px, ${stream.ms.toFixed(0)} ms`);
    say("Taking photographs.");
    const [photo, photoProblem] = await photographs(camera);
    row("A photograph", photo ? `${photo.width} × ${photo.height} px, ${photo.ms.toFixed(0)} ms` : photoProblem);
    return { stream, photo, photoProblem, held: how.held, heldAfterPhoto: stillHeld(camera, how) };
  } finally {
    camera.close();
  }
}

async function photographs(camera: Camera): Promise<[Way | null, string]> {
  if (!camera.takesPhotos) return [null, "this browser takes no photographs in a page."];
  try {
    return [await timed(camera, "photo"), ""];
  } catch (error) {
    return [null, `taking a photograph failed: ${error instanceof Error ? error.message : String(error)}.`];
  }
}

/** The slowest of some shots: the first often opens a camera session. */
async function timed(camera: Camera, mode: Mode): Promise<Way> {
  let slowest: Way = { width: 0, height: 0, ms: 0 };
  for (let each = 0; each < TIMES; each++) {
    const began = performance.now();
    const { width, height } = await camera.take(mode, began);
    slowest = { width, height, ms: Math.max(slowest.ms, performance.now() - began) };
  }
  return slowest;
}

function stillHeld(camera: Camera, how: Held): string[] {
  const now = camera.settings;
  const modes: Record<string, string> = { "exposure": "exposureMode", "white balance": "whiteBalanceMode", "focus": "focusMode" };
  return how.held.filter((word) => now[modes[word] ?? ""] === "manual");
}

/** Frames a second that arrive. */
function rate(video: HTMLVideoElement): Promise<number> {
  if (typeof video.requestVideoFrameCallback !== "function") return Promise.resolve(0);
  return new Promise((resolve) => {
    let count = 0;
    const began = performance.now();
    const next = (now: number): void => { count++; if (now - began < WATCHED_MS) video.requestVideoFrameCallback(next); else resolve(1000 * count / (now - began)); };
    video.requestVideoFrameCallback(next);
  });
}
