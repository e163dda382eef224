import { one } from "../lib/dom";

export function mount(root: HTMLElement): void {
  const follow = one<HTMLInputElement>("[data-follow]");
  root.scrollTop = root.scrollHeight;
  setInterval(() => {
    if (document.hidden || !follow?.checked) return;
    void fetch("/settings/log", { headers: { accept: "text/html", "hx-request": "true" } }).then(async (answer) => {
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
      root.replaceChildren(...[...fresh.children].map((each) => document.adoptNode(each)));
      root.scrollTop = root.scrollHeight;
    }).catch(() => undefined);
  }, 3000);
}
