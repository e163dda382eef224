// The way without a camera in the page: the phone's camera app takes each photograph. It alters brightness as it likes, so
// such sets are marked as not photometric; the light is on all the same.
import { type Shot, shotOf } from "./camera";

export class Files {
  readonly settings: Record<string, unknown> = {};
  private chosen: ((shot: Shot) => void) | null = null;
  private failed: ((error: unknown) => void) | null = null;

  constructor(private readonly input: HTMLInputElement, private readonly wanted: () => void) {
    input.addEventListener("change", () => {
      const file = input.files?.[0], { chosen, failed } = this;
      input.value = "";
      if (!file || !chosen || !failed) return;
      this.chosen = this.failed = null;
      shotOf(file).then(chosen, failed);
    });
  }

  get waits(): boolean { return this.chosen !== null; }

  /** Opens the camera app; call from a tap. */
  open(): void { this.input.click(); }

  take(_mode: unknown, _after: number, exposed: () => void = () => undefined): Promise<Shot> {
    return new Promise((resolve, reject) => { [this.chosen, this.failed] = [(shot) => { exposed(); resolve(shot); }, reject]; this.wanted(); });
  }

  stop(): void { this.failed?.(new DOMException("stopped", "AbortError")); this.chosen = this.failed = null; }
}
