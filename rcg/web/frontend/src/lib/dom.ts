// Small words for the document. Text always goes in as text, never as HTML.
type Child = Node | string | null | undefined | false;
type Props = Record<string, string | number | boolean | null | undefined | ((event: Event) => void)>;

export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(key.replace(/^on/, ""), value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  for (const child of children) if (child) element.append(child);
  return element;
}

export function icon(name: string): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${document.body.dataset["icons"] ?? ""}#${name}`);
  svg.append(use);
  return svg;
}

export const one = <T extends Element = HTMLElement>(selector: string, root: ParentNode = document): T | null => root.querySelector<T>(selector);
export const all = <T extends Element = HTMLElement>(selector: string, root: ParentNode = document): T[] => [...root.querySelectorAll<T>(selector)];

/** The nearest element of an event's target that matches. */
export function from(event: Event, selector: string): HTMLElement | null {
  return event.target instanceof Element ? event.target.closest<HTMLElement>(selector) : null;
}

export function notice(kind: "bad" | "warn" | "good" | "", what: string, now = "", details = ""): HTMLElement {
  const name = kind === "good" ? "circle-check" : kind === "warn" ? "triangle-alert" : kind === "bad" ? "circle-alert" : "info";
  return h("div", { class: `notice ${kind}`, role: kind === "bad" ? "alert" : null }, icon(name),
    h("div", {}, h("div", { class: "what" }, what), now && h("div", { class: "now" }, now),
      details && h("details", {}, h("summary", {}, "Details"), h("pre", { class: "block" }, details))));
}

/** Whether keys typed now belong to a field. */
export function typing(event: KeyboardEvent): boolean {
  const target = event.target;
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
