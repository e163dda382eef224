// The sender with the browser's store, the network and other tabs around it.
import { call } from "../../lib/api";
import { one } from "../../lib/dom";
import { type Answer, type Listener, Sender, type Status } from "./sender";
import { BrowserStore, NO_STORE } from "./store";

const CHANNEL = "rcg-annotate";
export interface News { item: string; revision: number }

/** Makes a sender with this browser's store, and has it send what earlier pages left. `made` gets it before it sends. */
export async function makeSender(listener: Listener, made: (sender: Sender) => void): Promise<void> {
  const store = await BrowserStore.open().catch(() => null);
  const sender = new Sender(store ?? NO_STORE, (item, base, ops) => call<Answer>("POST", `/api/items/${item}/ops`, { base_revision: base, ops }), listener, {
    later: (run, milliseconds) => { const timer = setTimeout(run, milliseconds); return () => clearTimeout(timer); },
  }, store?.name ?? crypto.randomUUID());
  made(sender);
  window.addEventListener("online", () => sender.again());
  document.addEventListener("visibilitychange", () => { if (!document.hidden) sender.again(); });
  // What is stored in the browser is sent when this page opens next; without a store, leaving would lose it.
  window.addEventListener("beforeunload", (event) => { if (!store && sender.status.waiting) event.preventDefault(); });
  if (store) sender.adopt(await store.left().catch(() => []));
}

/** Tells the other tabs of this browser what was changed, and hears of what they changed. */
export function otherTabs(hear: (news: News) => void): (news: News) => void {
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = (message: MessageEvent<News>) => hear(message.data);
  return (news) => channel.postMessage(news);
}

export function showStatus(root: HTMLElement, status: Status): void {
  const box = one("[data-saved]", root), dot = one("[data-saved-dot]", root), words = one("[data-saved-words]", root);
  if (!box || !dot || !words) return;
  box.dataset["state"] = status.state;
  box.dataset["waiting"] = String(status.waiting);
  dot.className = `dot ${{ saved: "good", saving: "busy", offline: "warn" }[status.state]}`;
  const text = status.state === "saved" ? "Saved" : status.state === "saving" ? "Saving" : `${status.problem === "offline" ? "Offline" : "Not saved"}, ${status.waiting} waiting`;
  if (words.textContent !== text) words.textContent = text;
  box.title = status.state === "offline" ? `${status.problem === "offline" ? "RCG does not answer." : status.problem} Your steps are kept in this browser and sent as soon as it does.` : "Every step is on the server's disk before this says so.";
}
