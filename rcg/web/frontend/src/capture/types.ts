// What the server says of a capture session (rcg/api/capture_schemas.py).
export type Side = "front" | "back";
export type Mode = "stream" | "photo" | "file" | "folder";
export interface Quality { sharpness?: number | null; clipped?: number | null; dark?: number | null; mean?: number | null }
/** Whether a frame was lit from its light's side, by the mat; only of a lamp in the hand. */
export interface Check { state: "waiting" | "right" | "wrong" | "unknown"; words: string; looks_like: string | null }
export interface Frame { side: Side; light: string; sha256: string; mode: Mode; taken_at: number; quality: Quality; thumbnail_url: string | null; check: Check | null }
export interface Rig { id: string; name: string; driver: string; acknowledged_by: "person" | "page" | "device" }
export interface Session {
  id: string; revision: number; state: "ready" | "shooting" | "complete" | "cancelled";
  rig: Rig | null; card: { id: string; name: string; set_name: string } | null;
  sides: Side[]; side: Side; next_side: Side | null; wanted: string[]; missing: string[];
  frames: Frame[]; captures: Partial<Record<Side, string>>; mode: Mode | null; photometric: boolean;
  job_id: string | null; problem: { detail: string; hint: string } | null; device: string;
}
export interface Lit { light: string; took_ms: number; settle_ms: number }

export const AMBIENT = "ambient";
/** Frames of the side in front of the camera that were lit from another side than theirs. */
export const wronglyLit = (session: Session): Frame[] => session.frames.filter((frame) => frame.side === session.side && frame.check?.state === "wrong");
export const isOpen = (session: Session): boolean => session.state === "ready" || session.state === "shooting";
export const lightWord = (light: string): string => (light === AMBIENT ? "no light" : `light ${light}`);
