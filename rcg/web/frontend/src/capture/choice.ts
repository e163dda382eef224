// Which of the two ways of taking frames suits this phone, by what was measured on it.
import type { Mode } from "./types";

export interface Way { width: number; height: number; ms: number }
export interface Measured { stream: Way; photo: Way | null; photoProblem: string; held: string[]; heldAfterPhoto: string[] }
export interface Choice { mode: Mode; reason: string }

const GAIN = 1.5, SLOW_MS = 3000;
const megapixels = (way: Way): number => way.width * way.height / 1e6;
const said = (way: Way): string => `${megapixels(way).toFixed(1)} megapixels`;

export function choose(measured: Measured): Choice {
  const { stream, photo } = measured;
  if (!photo) return { mode: "stream", reason: `From the video: ${measured.photoProblem}` };
  const lost = measured.held.filter((word) => !measured.heldAfterPhoto.includes(word));
  if (lost.length) return { mode: "stream", reason: `From the video: a photograph lets go of ${lost.join(" and ")}.` };
  if (megapixels(photo) < GAIN * megapixels(stream)) return { mode: "stream", reason: `From the video: a photograph has ${said(photo)}, the video ${said(stream)} and is quicker.` };
  if (photo.ms > SLOW_MS) return { mode: "stream", reason: `From the video: a photograph takes ${(photo.ms / 1000).toFixed(1)} s.` };
  return { mode: "photo", reason: `As photographs: ${said(photo)} against ${said(stream)} of the video, in ${(photo.ms / 1000).toFixed(1)} s each.` };
}
