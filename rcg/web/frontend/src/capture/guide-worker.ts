// Looks at the camera's pictures beside the page, so that a slow phone's page stays quick. It is sent whole pictures, makes
// its own small copies, and answers each with what it saw.
import { Looker, type Pixels, type Seen, shrunk, smallOf } from "./look";

export interface Sent { picture: VideoFrame | ImageBitmap; width: number; height: number; now: number; reset: boolean }
interface Place { postMessage(message: unknown): void; addEventListener(type: "message", listen: (event: { data: Sent }) => void): void }
const place = self as unknown as Place;
const looker = new Looker(), canvas = new OffscreenCanvas(1, 1);
const pen = canvas.getContext("2d", { willReadFrequently: true });
let plane = new Uint8Array(0);

place.addEventListener("message", ({ data: { picture, width, height, now, reset } }) => {
  if (reset) looker.reset();
  const began = performance.now();
  void look(picture, width, height, now).catch(() => null).then((seen) => {
    picture.close();
    place.postMessage(seen ? { ...seen, ms: performance.now() - began } : null);
  });
});

async function look(picture: VideoFrame | ImageBitmap, width: number, height: number, now: number): Promise<Seen | null> {
  if ("format" in picture && picture.format && LUMA_FIRST.has(picture.format) && picture.codedWidth) return lumaOf(picture, now);
  const [across, down] = smallOf(width, height);
  if (canvas.width !== across || canvas.height !== down) [canvas.width, canvas.height] = [across, down];
  pen?.drawImage(picture, 0, 0, across, down);
  const pixels = pen?.getImageData(0, 0, across, down) as Pixels | undefined;
  return pixels ? looker.look(pixels, now) : null;
}

/** Brightness is a plane of its own in what cameras give: no colour has to be made for a look. */
const LUMA_FIRST = new Set(["I420", "I420A", "I422", "I444", "NV12"]);
async function lumaOf(picture: VideoFrame, now: number): Promise<Seen> {
  const size = picture.allocationSize();
  if (plane.length < size) plane = new Uint8Array(size);
  const layout = await picture.copyTo(plane.subarray(0, size));
  const { width, height } = picture.visibleRect ?? { width: picture.codedWidth, height: picture.codedHeight };
  const luma = plane.subarray(layout[0]?.offset ?? 0);
  return looker.lookAt(shrunk(luma, layout[0]?.stride ?? width, width, height, picture.colorSpace.fullRange ?? false), now);
}
