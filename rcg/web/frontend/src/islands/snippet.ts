import { all, from } from "../lib/dom";

export function mount(root: HTMLElement): void {
  root.addEventListener("click", (event) => {
    const choice = from(event, "[data-show]");
    if (choice) {
      for (const button of all("[data-show]", root)) button.setAttribute("aria-pressed", String(button === choice));
      for (const pre of all("pre", root)) pre.hidden = pre.id !== choice.dataset["show"];
    }
    const copy = from(event, "[data-copy]");
    if (copy) {
      const shown = all("pre", root).find((pre) => !pre.hidden);
      void navigator.clipboard.writeText(shown?.textContent ?? "").then(() => {
        const word = copy.lastChild;
        if (!word) return;
        const before = word.textContent;
        word.textContent = "Copied";
        setTimeout(() => { word.textContent = before; }, 1500);
      });
    }
  });
}
