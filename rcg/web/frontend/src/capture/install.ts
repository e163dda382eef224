// Keeps the page on the phone, and says why where that fails.
import { h, notice, one } from "../lib/dom";

export async function install(busy: () => boolean): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  try {
    const registration = await navigator.serviceWorker.register("/capture/sw.js", { scope: "/capture/", updateViaCache: "none" });
    const apply = (): void => { if (!busy()) registration.waiting?.postMessage("apply"); };
    const had = navigator.serviceWorker.controller !== null;
    navigator.serviceWorker.addEventListener("controllerchange", () => { if (had && !busy()) location.reload(); });
    registration.addEventListener("updatefound", () => registration.installing?.addEventListener("statechange", apply));
    document.addEventListener("rcg-idle", apply);
    document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") { apply(); void registration.update().catch(() => undefined); } });
    apply();
  } catch (error) {
    // The script of a worker is fetched more strictly than a page: a warning that was tapped away does not count.
    const place = one("[data-trust]");
    if (!place) return;
    const box = notice("warn", "This phone does not trust RCG's certificate; a warning was only tapped away.", "Photographing works while RCG is reached. Without trust the page cannot open when the network is gone.", error instanceof Error ? error.message : String(error));
    box.lastElementChild?.append(h("a", { class: "button small", href: "/certificate" }, "How to trust it"));
    place.replaceChildren(box);
    place.hidden = false;
  }
}
