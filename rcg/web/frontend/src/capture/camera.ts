// The phone's camera: opened at its largest picture, and read in one of two ways that are never mixed within a set.
import { smallOf } from "./look";
import { greyOf, levels, sharpness } from "./measure";
import type { Mode, Quality } from "./types";

export interface Shot { bytes: ArrayBuffer; type: string; width: number; height: number; quality: Quality; thumbnail: string; taken_at: number }
type Wide<T> = T & Record<string, unknown>;

const JPEG = "image/jpeg", QUALITY = 0.95;
const THUMBNAIL = 200, CROP = 768;
const BEFORE_GIVING_UP = 5000;

export class CameraError extends Error {
  constructor(message: string, readonly hint: string) { super(message); }
}

export class Camera {
  private readonly canvas = document.createElement("canvas");
  private constructor(readonly video: HTMLVideoElement, readonly stream: MediaStream, readonly track: MediaStreamTrack) {}

  static async open(video: HTMLVideoElement): Promise<Camera> {
    const devices = navigator.mediaDevices as MediaDevices | undefined;
    if (!devices?.getUserMedia) throw new CameraError("This browser lets no page use the camera.", "Open the page over https, with a certificate that this phone trusts; or send photographs instead.");
    let stream: MediaStream;
    try {
      // "ideal", never "exact": the camera's largest picture, whatever that is.
      stream = await devices.getUserMedia({ audio: false, video: { facingMode: { ideal: "environment" }, width: { ideal: 4096 }, height: { ideal: 4096 } } });
    } catch (error) {
      throw explained(error);
    }
    const track = stream.getVideoTracks()[0];
    if (!track) throw new CameraError("The camera gives no picture.", "Close other apps that use it, and try again.");
    video.srcObject = stream;
    await video.play();
    return new Camera(video, stream, track);
  }

  close(): void {
    for (const track of this.stream.getTracks()) track.stop();
    this.video.srcObject = null;
  }

  get width(): number { return this.video.videoWidth; }
  get height(): number { return this.video.videoHeight; }
  get live(): boolean { return this.track.readyState === "live" && !this.track.muted; }
  get settings(): Wide<MediaTrackSettings> { return this.track.getSettings() as Wide<MediaTrackSettings>; }
  get capabilities(): Wide<MediaTrackCapabilities> { return (typeof this.track.getCapabilities === "function" ? this.track.getCapabilities() : {}) as Wide<MediaTrackCapabilities>; }
  get takesPhotos(): boolean { return "ImageCapture" in window && typeof ImageCapture.prototype.takePhoto === "function"; }

  /** Takes what the camera sees from `after` (performance.now()) on, not what it saw before; `exposed`: the light may change. */
  async take(mode: Mode, after: number, exposed: () => void = () => undefined): Promise<Shot> {
    return mode === "photo" ? this.photo(after, exposed) : this.frame(after, exposed);
  }

  private async frame(after: number, exposed: () => void): Promise<Shot> {
    const draw = (): void => {
      [this.canvas.width, this.canvas.height] = [this.width, this.height];
      pen(this.canvas).drawImage(this.video, 0, 0);
    };
    await fresh(this.video, after, draw);
    exposed();
    const taken_at = Date.now();
    const blob = await encoded(this.canvas, JPEG, QUALITY);
    return { bytes: await blob.arrayBuffer(), type: blob.type, width: this.canvas.width, height: this.canvas.height, taken_at, ...(await looked(this.canvas, this.canvas.width, this.canvas.height)) };
  }

  private async photo(after: number, exposed: () => void): Promise<Shot> {
    await until(after);
    const capture = new ImageCapture(this.track);
    const able = await capture.getPhotoCapabilities();
    // Without both sizes Android takes any size it has.
    const size = able.imageWidth && able.imageHeight ? { imageWidth: able.imageWidth.max ?? 0, imageHeight: able.imageHeight.max ?? 0 } : {};
    const blob = await capture.takePhoto(size).catch(() => capture.takePhoto());
    exposed();
    return await shotOf(blob);
  }

  /** A small copy of what is seen, its longer side of 480 px. */
  small(canvas: HTMLCanvasElement): ImageData | null {
    if (!this.width) return null;
    const [width, height] = smallOf(this.width, this.height);
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const context = pen(canvas);
    context.drawImage(this.video, 0, 0, width, height);
    return context.getImageData(0, 0, width, height);
  }
}

/** Reads a photograph as it is: one that takePhoto or a camera app made. */
export async function shotOf(blob: Blob): Promise<Shot> {
  const picture = await createImageBitmap(blob);
  const { width, height } = picture;
  const seen = await looked(picture, width, height);
  picture.close();
  return { bytes: await blob.arrayBuffer(), type: blob.type || JPEG, width, height, taken_at: Date.now(), ...seen };
}

const pen = (canvas: HTMLCanvasElement): CanvasRenderingContext2D => canvas.getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D;
const until = (time: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.max(0, time - performance.now())));

/** Calls `draw` with the first frame that was captured after a moment; without the time of capture, with the second that comes. */
function fresh(video: HTMLVideoElement, after: number, draw: () => void): Promise<void> {
  if (typeof video.requestVideoFrameCallback !== "function") return until(after + 250).then(draw);
  return new Promise((resolve, reject) => {
    let late = 0;
    const limit = setTimeout(() => reject(new CameraError("The camera stands still.", "Reload the page.")), BEFORE_GIVING_UP + Math.max(0, after - performance.now()));
    const look = (now: number, about: VideoFrameCallbackMetadata): void => {
      const captured = about.captureTime;
      if (now >= after) late++;
      if (captured === undefined ? late > 1 : captured >= after) {
        clearTimeout(limit);
        draw();
        resolve();
      } else video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
  });
}

function encoded(canvas: HTMLCanvasElement, type: string, quality: number): Promise<Blob> {
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new CameraError("The picture could not be packed.", "Close other apps and try again."))), type, quality));
}

/** Sharpness at full scale in the middle, levels of the middle half, and a small picture. */
async function looked(source: CanvasImageSource, width: number, height: number): Promise<{ quality: Quality; thumbnail: string }> {
  const canvas = document.createElement("canvas");
  const crop = Math.min(CROP, width, height);
  canvas.width = canvas.height = crop;
  const context = pen(canvas);
  context.drawImage(source, (width - crop) / 2, (height - crop) / 2, crop, crop, 0, 0, crop, crop);
  const sharp = sharpness(greyOf(context.getImageData(0, 0, crop, crop)));
  const scale = THUMBNAIL / Math.max(width, height);
  [canvas.width, canvas.height] = [Math.round(width * scale), Math.round(height * scale)];
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  const grey = greyOf(context.getImageData(0, 0, canvas.width, canvas.height));
  const seen = levels(grey, { left: grey.width >> 2, right: (3 * grey.width) >> 2, top: grey.height >> 2, bottom: (3 * grey.height) >> 2 });
  const small = await encoded(canvas, JPEG, 0.7);
  return { quality: { sharpness: sharp, ...seen }, thumbnail: base64(await small.arrayBuffer()) };
}

function base64(bytes: ArrayBuffer): string {
  let text = "";
  for (const byte of new Uint8Array(bytes)) text += String.fromCharCode(byte);
  return btoa(text);
}

function explained(error: unknown): CameraError {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError") return new CameraError("The camera is not allowed for this page.", "Allow it in the browser's settings of this page, and reload.");
  if (name === "NotFoundError") return new CameraError("This device has no camera.", "Open this page on a phone.");
  if (name === "NotReadableError") return new CameraError("Another app has the camera.", "Close it, and try again.");
  return new CameraError(error instanceof Error ? error.message : String(error), "Reload the page.");
}
