// What the person chose for this phone, kept on it, and the dialog in which it is chosen.
import { all, one } from "../lib/dom";
import { allowSound, isQuiet, setQuiet } from "./awake";
import { type Mode } from "./types";

const AUTO = "rcg-capture-auto", MODE = "rcg-capture-mode";

export interface Choices {
  /** Whether there are lights that this page can measure now. */
  canMeasure(): boolean;
  measureLights(): void;
  useFiles(): void;
  cancel(): void;
}

export class Options {
  auto = localStorage.getItem(AUTO) === "1";
  mode: Mode = localStorage.getItem(MODE) === "photo" ? "photo" : "stream";

  bind(auto: HTMLElement, choices: Choices): void {
    const dialog = one<HTMLDialogElement>("[data-options]"), quiet = one<HTMLInputElement>("[data-quiet]"), lights = one("[data-lights]");
    const pressed = (): void => { auto.setAttribute("aria-pressed", String(this.auto)); auto.title = "Shoot by itself when all is right"; };
    pressed();
    auto.addEventListener("click", () => { this.auto = !this.auto; localStorage.setItem(AUTO, this.auto ? "1" : "0"); allowSound(); pressed(); });
    one("[data-menu]")?.addEventListener("click", () => { if (lights) lights.hidden = !choices.canMeasure(); dialog?.showModal(); });
    if (quiet) { quiet.checked = isQuiet(); quiet.addEventListener("change", () => setQuiet(quiet.checked)); }
    for (const radio of all<HTMLInputElement>("[name=mode]")) {
      radio.checked = radio.value === this.mode;
      radio.addEventListener("change", () => { this.mode = radio.value === "photo" ? "photo" : "stream"; localStorage.setItem(MODE, this.mode); });
    }
    one("[data-close]")?.addEventListener("click", () => dialog?.close());
    for (const [what, run] of [["measure-lights", choices.measureLights], ["use-files", choices.useFiles], ["cancel", choices.cancel]] as const) {
      one(`[data-${what}]`)?.addEventListener("click", () => { dialog?.close(); run(); });
    }
  }
}
