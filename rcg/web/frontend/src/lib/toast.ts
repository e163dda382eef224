import { h, one } from "./dom";
import { explain } from "./api";

/** Says something for a while, with a way back where there is one. */
export function toast(text: string, action?: { word: string; run: () => void }, seconds = 6): void {
  const place = one("[data-toasts]");
  if (!place) return;
  const close = (): void => { clearTimeout(timer); item.remove(); };
  const item = h("div", { class: "toast" }, h("span", { class: "says" }, text),
    action ? h("button", { class: "button small", type: "button", onclick: () => { close(); action.run(); } }, action.word) : null);
  const timer = setTimeout(close, seconds * 1000);
  place.append(item);
}

export function toastError(error: unknown): void {
  const known = explain(error);
  toast(`${known.detail} ${known.hint}`.trim(), undefined, 10);
}
