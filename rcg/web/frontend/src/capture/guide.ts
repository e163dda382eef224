// Looks at the camera's picture some times a second, and says what to do. A worker does the looking where the browser has
// one with a canvas; else this page does it itself.
import type { Camera } from "./camera";
import { Looker, type Seen } from "./look";

export interface Look extends Seen { fps: number; beside: boolean }
const EVERY_MS = 80, LATE_MS = 3000;

export class Guide {
  private readonly canvas = document.createElement("canvas");
  private readonly looker = new Looker();
  private worker: Worker | null = null;
  private sentAt = 0;  // of the picture that the worker looks at; 0: it waits
  private fresh = true;
  private last = 0;
  private running = false;
  private times: number[] = [];
  steady = false;  // all green for 300 ms

  constructor(private readonly camera: Camera, private readonly show: (look: Look) => void) { this.worker = this.hire(); }

  start(): void {
    if (this.running) return;
    this.running = true;
    this.fresh = true; this.steady = false;
    requestAnimationFrame((now) => this.turn(now));
  }

  stop(): void { this.running = false; this.steady = false; }

  /** Stops for good. */
  end(): void { this.stop(); this.worker?.terminate(); this.worker = null; }

  private hire(): Worker | null {
    const script = document.body.dataset["guide"];
    if (!script || typeof Worker !== "function" || typeof OffscreenCanvas !== "function" || !(typeof VideoFrame === "function" || typeof createImageBitmap === "function")) return null;
    try {
      const worker = new Worker(script);
      worker.onmessage = ({ data }: MessageEvent<Seen | null>) => { this.sentAt = 0; if (data && this.running) this.seen(data); };
      worker.onerror = () => this.alone();
      return worker;
    } catch {
      return null;
    }
  }

  /** Goes on without the worker: its script was not to be had, or it does not answer. */
  private alone(): void { this.worker?.terminate(); this.worker = null; this.sentAt = 0; }

  private turn(now: number): void {
    if (!this.running) return;
    if (now - this.last >= EVERY_MS - 4) { this.last = now; this.look(now); }
    requestAnimationFrame((next) => this.turn(next));
  }

  private look(now: number): void {
    const { video, width, height } = this.camera;
    if (!width) return;
    if (this.worker) {
      if (this.sentAt) { if (now - this.sentAt > LATE_MS) this.alone(); return; }
      this.sentAt = now;
      void pictureOf(video).then((picture) => {
        if (!this.worker) { picture.close(); return; }
        this.worker.postMessage({ picture, width, height, now, reset: this.fresh }, [picture]);
        this.fresh = false;
      }).catch(() => this.alone());
      return;
    }
    const pixels = this.camera.small(this.canvas);
    if (!pixels) return;
    if (this.fresh) this.looker.reset();
    this.fresh = false;
    this.seen(this.looker.look(pixels, now));
  }

  private seen(seen: Seen): void {
    const now = performance.now();
    this.steady = seen.steady;
    this.times = [...this.times.filter((time) => now - time < 1000), now];
    this.show({ ...seen, fps: this.times.length, beside: this.worker !== null });
  }
}

/** The video's present picture, to be given away: uncopied where the browser can. */
async function pictureOf(video: HTMLVideoElement): Promise<VideoFrame | ImageBitmap> {
  if (typeof VideoFrame === "function") try { return new VideoFrame(video); } catch { /* some browsers take no video here */ }
  return createImageBitmap(video);
}
