// Keys: one table says what each does and makes the sheet that lists them.
import { h } from "../../lib/dom";

export interface Binding {
  /** Combinations that do it, as `combo` writes them. None: the key is held, and handled by hand; `shown` says which. */
  keys: string[];
  group: string;
  words: string;
  shown?: string[];
  run?: (event: KeyboardEvent) => void;
}

/** How a key press is called: `v`, `shift+a`, `ctrl+z`, `shift+3`, `arrowleft`, `space`, `?`. */
export function combo(event: KeyboardEvent): string {
  const digit = /^Digit(\d)$/.exec(event.code)?.[1];
  const plain = event.key === " " ? "space" : event.key.toLowerCase();
  const base = digit && event.shiftKey ? digit : plain;
  const shift = event.shiftKey && (base.length > 1 || /^[\p{L}\d]$/u.test(base));
  return `${event.ctrlKey || event.metaKey ? "ctrl+" : ""}${event.altKey ? "alt+" : ""}${shift ? "shift+" : ""}${base}`;
}

const NAMES: Record<string, string> = {
  arrowleft: "←", arrowright: "→", arrowup: "↑", arrowdown: "↓", escape: "Esc", enter: "Enter", delete: "Del", backspace: "Backspace",
  pagedown: "Page down", pageup: "Page up", space: "Space", ctrl: "Ctrl", shift: "Shift", alt: "Alt", "-": "−",
};
const name = (part: string): string => NAMES[part] ?? (part.length === 1 ? part.toUpperCase() : part);

export function keyCaps(keys: string): HTMLElement {
  return h("span", {}, ...keys.split(/(?<=.)\+/).flatMap((part, i) => [i ? " " : null, h("kbd", {}, name(part))]));
}

export function openSheet(bindings: Binding[]): void {
  const groups = new Map<string, Binding[]>();
  for (const one of bindings) groups.set(one.group, [...(groups.get(one.group) ?? []), one]);
  const dialog = h("dialog", { class: "an-keys", "aria-label": "Keys" }, h("div", { class: "body" },
    h("div", { class: "row between" }, h("h2", {}, "Keys"), h("form", { method: "dialog" }, h("button", { class: "button small" }, "Close"))),
    h("div", { class: "groups" }, ...[...groups].map(([group, rows]) => h("section", {}, h("h3", {}, group),
      h("dl", {}, ...rows.map((row) => h("div", {}, h("dt", {}, ...(row.shown ?? row.keys).map((keys) => keyCaps(keys))), h("dd", {}, row.words)))))))));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.body.append(dialog);
  dialog.showModal();
}

/** Whether the element that has the focus needs this key for itself. */
export function belongsTo(event: KeyboardEvent): boolean {
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target.tagName)) return true;
  const type = target instanceof HTMLInputElement ? target.type : "";
  if (type && !["range", "checkbox", "radio"].includes(type)) return true;
  const own = ["Enter", " ", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"];
  return (type !== "" || /^(BUTTON|A|SUMMARY)$/.test(target.tagName)) && own.includes(event.key) && !event.ctrlKey && !event.metaKey;
}
