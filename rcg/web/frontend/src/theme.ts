// Runs before the first paint: a chosen theme never flashes the other one, and no press is lost.
const chosen = localStorage.getItem("rcg-theme");
if (chosen === "light" || chosen === "dark") document.documentElement.dataset["theme"] = chosen;
if (localStorage.getItem("rcg-rail") === "folded") document.documentElement.dataset["rail"] = "folded";

// A press on a button whose script is still on its way is kept and done when it is there (see docs/frontend.md).
const waiting: HTMLButtonElement[] = [];
const scope = (button: Element): HTMLElement => button.closest<HTMLElement>("[data-island]") ?? document.documentElement;
document.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest("button") : null;
  if (!button || "mounted" in scope(button).dataset) return;
  if (scope(button) === document.documentElement && (button.type !== "button" || button.hasAttribute("popovertarget"))) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  button.setAttribute("aria-busy", "true");
  if (!waiting.includes(button)) waiting.push(button);
}, true);
document.addEventListener("rcg:mounted", (event) => {
  const there = event.target instanceof HTMLElement ? event.target : document.documentElement;
  const ready = there.dataset["mounted"] !== "failed";
  for (const button of waiting.filter((each) => scope(each) === there)) {
    waiting.splice(waiting.indexOf(button), 1);
    button.removeAttribute("aria-busy");
    if (ready && button.isConnected) button.click();
  }
});
