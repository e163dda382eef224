// What a phone can do beside showing: stay on, tremble, tick.
let lock: WakeLockSentinel | null = null;
let wanted = false;

/** Keeps the screen on while the page is seen. Returns false where the browser cannot. */
export async function stayOn(): Promise<boolean> {
  wanted = true;
  if (!("wakeLock" in navigator)) return false;
  try {
    lock ??= await navigator.wakeLock.request("screen");
    lock.addEventListener("release", () => { lock = null; });
    return true;
  } catch {
    return false;  // the battery is low, or the page is hidden
  }
}

// The lock ends when the page is hidden.
document.addEventListener("visibilitychange", () => { if (wanted && document.visibilityState === "visible" && !lock) void stayOn(); });

export const tremble = (pattern: number | number[]): void => { if ("vibrate" in navigator) navigator.vibrate(pattern); };

let audio: AudioContext | null = null;
let quiet = localStorage.getItem("rcg-capture-quiet") === "1";
export const isQuiet = (): boolean => quiet;
export function setQuiet(value: boolean): void { quiet = value; localStorage.setItem("rcg-capture-quiet", value ? "1" : "0"); }

/** Call from a tap: browsers let no page sound before one. */
export function allowSound(): void { if (!quiet) { audio ??= new AudioContext(); void audio.resume(); } }

export function tick(hertz = 880, seconds = 0.06): void {
  if (quiet || !audio || audio.state !== "running") return;
  const tone = audio.createOscillator(), gain = audio.createGain(), now = audio.currentTime;
  tone.frequency.value = hertz;
  gain.gain.setValueAtTime(0.12, now);
  gain.gain.exponentialRampToValueAtTime(0.001, now + seconds);
  tone.connect(gain).connect(audio.destination);
  tone.start(now);
  tone.stop(now + seconds);
}
