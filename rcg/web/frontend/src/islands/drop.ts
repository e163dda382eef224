import { one } from "../lib/dom";
import { type Chosen, type Side, dropped, problem, upload } from "../upload";

export function mount(root: HTMLElement): void {
  const zone = one("label.drop", root), input = one<HTMLInputElement>("input[type=file]", root);
  const list = one("[data-files]", root), wrong = one("[data-problem]", root);
  if (!zone || !input || !list) return;
  const card = root.dataset["card"] ?? "";
  const side: Side = root.dataset["side"] === "back" ? "back" : "front";
  let busy = false;

  const take = async (chosen: Chosen[]): Promise<void> => {
    if (busy || !chosen.length) return;
    busy = true;
    root.setAttribute("aria-busy", "true");
    wrong?.replaceChildren();
    try {
      const done = await upload(chosen, list, card, side);
      if (!card) location.assign(`/grade/cards/${done.card}`);
      else if (done.clean) { list.hidden = true; document.dispatchEvent(new CustomEvent("rcg:frames")); }
      else document.dispatchEvent(new CustomEvent("rcg:frames", { detail: "keep" }));
    } catch (error) {
      problem(wrong, error);
    } finally {
      busy = false;
      root.removeAttribute("aria-busy");
      input.value = "";
    }
  };

  input.addEventListener("change", () => void take([...(input.files ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name }))));
  for (const name of ["dragenter", "dragover"]) zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.add("over"); });
  for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer) void dropped(event.dataTransfer).then(take);
  });
}
