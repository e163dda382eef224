// A sign-in link carries its secret in the fragment, which no server log sees; this page redeems it once.
import { call, explain } from "../lib/api";
import { one } from "../lib/dom";

export function mount(root: HTMLElement): void {
  const secret = location.hash.slice(1).replace(/^(t|token)=/, "");
  history.replaceState(null, "", location.pathname + location.search);
  void redeem(root, secret);
}

async function redeem(root: HTMLElement, secret: string): Promise<void> {
  try {
    if (!secret) throw new Error("This address lacks the part after #, which signs you in.");
    await call("POST", "/api/auth/redeem", { secret });
    location.replace(root.dataset["next"] || "/");
  } catch (error) {
    const known = explain(error);
    const set = (selector: string, text: string): void => { const element = one(selector, root); if (element) element.textContent = text; };
    set("[data-title]", "This link does not sign you in");
    set("[data-says]", "");
    const problem = one("[data-problem]", root);
    if (!problem) return;
    problem.hidden = false;
    set("[data-problem] .what", known.detail);
    const what = one(".what", problem);
    const now = document.createElement("div");
    now.className = "now";
    now.textContent = known.hint && known.code !== "page_error" ? known.hint : "Make a new one on the computer that runs RCG: rcg link";
    what?.after(now);
  }
}
