// Looks at the camera's pictures beside the page, so that a slow phone's page stays quick. It is sent whole pictures, makes
// its own small copies, and answers each with what it saw.
import { Looker, type Pixels, smallOf } from "./look";

export interface Sent { picture: VideoFrame | ImageBitmap; width: number; height: number; now: number; reset: boolean }
interface Place { postMessage(message: unknown): void; addEventListener(type: "message", listen: (event: { data: Sent }) => void): void }
const place = self as unknown as Place;
const looker = new Looker(), canvas = new OffscreenCanvas(1, 1);
const pen = canvas.getContext("2d", { willReadFrequently: true });

place.addEventListener("message", ({ data: { picture, width, height, now, reset } }) => {
  const [across, down] = smallOf(width, height);
  if (canvas.width !== across || canvas.height !== down) [canvas.width, canvas.height] = [across, down];
  pen?.drawImage(picture, 0, 0, across, down);
  picture.close();
  if (reset) looker.reset();
  const pixels = pen?.getImageData(0, 0, across, down) as Pixels | undefined;
  place.postMessage(pixels ? looker.look(pixels, now) : null);
});
