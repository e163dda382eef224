// The side that a lamp in the hand was held at, as the server finds it by the mat.
import { type Frame, type Session, wronglyLit } from "./types";

export class Lamp {
  private readonly told = new Set<string>();  // each thing is said once

  /** Frames of another side than they were asked for, but for those that are kept all the same. */
  wrong(session: Session): Frame[] { return wronglyLit(session).filter((frame) => !this.told.has(`keep ${frame.sha256}`)); }

  keep(frame: Frame): void { this.told.add(`keep ${frame.sha256}`); }

  /** What is to be said now: a frame that is wrong, or why nobody can tell. */
  news(session: Session): { frame: Frame } | { words: string } | null {
    const frame = this.wrong(session).find(({ sha256 }) => !this.told.has(sha256));
    if (frame) { this.told.add(frame.sha256); return { frame }; }
    const words = session.frames.find(({ side, check }) => side === session.side && check?.state === "unknown")?.check?.words;
    if (!words || this.told.has(`${session.id} ${words}`)) return null;
    this.told.add(`${session.id} ${words}`);
    return { words };
  }
}
