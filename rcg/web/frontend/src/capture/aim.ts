// Light for aiming: on while the card is looked for, where a device switches the lights by itself.
import { explain } from "../lib/api";
import type { Screen } from "./screen";
import { askLight } from "./shoot";
import type { Session } from "./types";

const AGAIN_MS = 45_000;

export class Aim {
  private timer: ReturnType<typeof setInterval> | undefined;
  private unlit = false;  // the notice on the page is of lights that do not come on

  /** @param aimed what is being aimed at; null while frames are taken, and when nothing is. */
  constructor(private readonly screen: Screen, private readonly aimed: () => Session | null) {}

  start(): void {
    this.stop();
    this.timer = setInterval(() => void this.light(), AGAIN_MS);
    void this.light();
  }

  stop(): void { clearInterval(this.timer); }

  async light(): Promise<void> {
    const session = this.aimed();
    if (!session?.rig || document.hidden || session.rig.acknowledged_by === "person") return;
    try {
      await askLight(session.id, "all");
      if (this.unlit && this.aimed()) this.screen.calm();
      this.unlit = false;
    } catch (error) {
      const known = explain(error);
      this.unlit = Boolean(known.status) && this.aimed() !== null;
      if (this.unlit) this.screen.problem(known.detail, known.hint, { word: "Try again", run: () => void this.light() });
    }
  }
}
