// Making versions: what each part of the split would hold, live; the difference of two.
import { call, explain } from "../../lib/api";
import { all, from, h, icon, notice, one } from "../../lib/dom";
import { toast } from "../../lib/toast";
import { fieldError, problem } from "./job";

interface Part { items: number; cards: number; annotations: number }
interface Split { parts: Record<string, Part>; left_out: Record<string, number>; notes: string[] }
interface Version { id: string; number: number; new: boolean | null }
const PARTS = ["train", "val", "test"] as const;
const REASONS: Record<string, string> = { unlabelled: "without labels", predicted: "pre-labelled, not looked at", pending: "still being read", broken: "that cannot be read" };

export function versions(root: HTMLElement, dataset: string, changed: () => void): void {
  const form = one<HTMLFormElement>("[data-version-form]", root);
  if (!form) return;
  const val = one<HTMLInputElement>("#share-val", form), test = one<HTMLInputElement>("#share-test", form), seed = one<HTMLInputElement>("#version-seed", form);
  if (!val || !test || !seed) return;
  const wrong = one("[data-version-problem]", form);
  let timer = 0, asked = 0;
  const shares = (): Record<string, number> => ({ train: (100 - val.valueAsNumber - test.valueAsNumber) / 100, val: val.valueAsNumber / 100, test: test.valueAsNumber / 100 });

  const ask = async (): Promise<void> => {
    const mine = (asked += 1);
    const search = new URLSearchParams({ seed: String(seed.valueAsNumber || 0), ...Object.fromEntries(Object.entries(shares()).map(([part, share]) => [part, String(share)])) });
    try {
      const split = await call<Split>("GET", `/api/datasets/${dataset}/split?${search}`);
      if (mine === asked) show(form, split);
    } catch (error) {
      if (mine === asked) problem(wrong, error);
    }
  };
  const look = (wait = 160): void => {
    for (const slider of [val, test]) { const out = one(`output[for=${slider.id}]`, form); if (out) out.textContent = `${slider.value}\u2009%`; }
    for (const button of all("[data-shares]", form)) button.setAttribute("aria-pressed", String(button.dataset["shares"] === `${100 - val.valueAsNumber - test.valueAsNumber},${val.value},${test.value}`));
    clearTimeout(timer);
    timer = window.setTimeout(() => void ask(), wait);
  };
  for (const input of [val, test, seed]) input.addEventListener("input", () => { fieldError(seed, ""); look(); });
  form.addEventListener("click", (event) => {
    const preset = from(event, "[data-shares]")?.dataset["shares"]?.split(",");
    if (preset) { val.value = preset[1] ?? "20"; test.value = preset[2] ?? "0"; look(0); }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    wrong?.replaceChildren();
    if (!seed.checkValidity() || seed.value === "") { fieldError(seed, "A whole number from 0 to 2147483647."); seed.focus(); return; }
    const recipe = one<HTMLSelectElement>("#version-recipe", form)?.value ?? "", note = one<HTMLInputElement>("#version-note", form);
    const button = one<HTMLButtonElement>("[type=submit]", form);
    if (button) button.disabled = true;
    call<Version>("POST", `/api/datasets/${dataset}/versions`, { note: note?.value ?? "", shares: shares(), seed: seed.valueAsNumber, ...(recipe ? { recipe_id: recipe } : {}) })
      .then((made) => {
        if (made.new === false) wrong?.replaceChildren(notice("", `Nothing has changed since v${made.number}: that is this version already.`));
        else { toast(`Version ${made.number} made`); if (note) note.value = ""; }
        changed();
      })
      .catch((error: unknown) => problem(wrong, error))
      .finally(() => { if (button) button.disabled = false; });
  });
  document.body.addEventListener("rcg:dataset", () => look());
  look(0);
  comparing(root);
}

function show(form: HTMLElement, split: Split): void {
  const total = PARTS.reduce((sum, part) => sum + (split.parts[part]?.items ?? 0), 0);
  let at = 0;
  for (const part of PARTS) {
    const counts = split.parts[part] ?? { items: 0, cards: 0, annotations: 0 };
    const cells = all("td", one(`[data-split-part=${part}]`, form) ?? form);
    [counts.items, counts.cards, counts.annotations].forEach((count, index) => { const cell = cells[index]; if (cell) cell.textContent = String(count); });
    const bar = one<SVGRectElement>(`.st-split .${part}`, form), width = total ? (100 * counts.items) / total : 0;
    bar?.setAttribute("x", String(at));
    bar?.setAttribute("width", String(width));
    at += width;
  }
  const left = Object.entries(split.left_out).filter(([, count]) => count).map(([reason, count]) => `${count} ${REASONS[reason] ?? reason}`);
  const notes = [...(left.length ? [`Left out: ${left.join(", ")}.`] : []), ...split.notes];
  one("[data-split-notes]", form)?.replaceChildren(...notes.map((note) => h("li", {}, note)));
}

/** Two ticked versions can be compared; which ones stands in the address. */
function comparing(root: HTMLElement): void {
  const place = one("[data-difference]", root), button = one<HTMLButtonElement>("[data-diff]", root);
  if (!place || !button) return;
  const ticked = (): HTMLInputElement[] => all<HTMLInputElement>("[data-compare]:checked", root);
  root.addEventListener("change", (event) => {
    const box = from(event, "[data-compare]");
    if (!(box instanceof HTMLInputElement)) return;
    const others = ticked().filter((each) => each !== box);
    if (box.checked && others.length > 1) { const first = others[0]; if (first) first.checked = false; }
    button.hidden = ticked().length !== 2;
  });
  const compare = async (): Promise<void> => {
    const pair = ticked().sort((a, b) => Number(a.dataset["number"]) - Number(b.dataset["number"]));
    const [older, newer] = pair;
    if (!older || !newer) return;
    const url = new URL(location.href);
    url.searchParams.set("diff", `${older.dataset["number"]}..${newer.dataset["number"]}`);
    history.replaceState(null, "", url);
    place.hidden = false;
    try {
      const found = await call<Difference>("GET", `/api/versions/${older.dataset["compare"]}/diff/${newer.dataset["compare"]}`);
      place.replaceChildren(difference(`v${older.dataset["number"]}`, `v${newer.dataset["number"]}`, found));
    } catch (error) {
      place.replaceChildren(notice("bad", explain(error).detail, explain(error).hint));
    }
    place.scrollIntoView({ block: "nearest" });
  };
  button.addEventListener("click", () => void compare());
  const asked = new URLSearchParams(location.search).get("diff")?.split("..");
  if (asked?.length === 2) {
    for (const box of all<HTMLInputElement>("[data-compare]", root)) box.checked = asked.includes(box.dataset["number"] ?? "");
    button.hidden = ticked().length !== 2;
    void compare();
  }
}

interface Change { count: number; items: { id: string; name: string; what?: string }[] }
interface Difference { added: Change; removed: Change; relabelled: Change; moved: Change; refilled: Change; annotations: Record<string, number>; classes: Record<string, number>; schema: string[]; equal: boolean }
const CHANGES = [["added", "Added"], ["removed", "Taken out"], ["relabelled", "Labelled differently"], ["moved", "In another part"], ["refilled", "Other layers or facts"]] as const;

function difference(older: string, newer: string, found: Difference): HTMLElement {
  const body = h("div", { class: "pad stack tight" }, h("h3", { class: "row" }, icon("git-compare"), ` From ${older} to ${newer}`));
  if (found.equal) { body.append(h("p", { class: "muted" }, "Both hold the same.")); return body; }
  for (const text of found.schema) body.append(h("p", { class: "small" }, text));
  const classes = Object.entries(found.classes).map(([name, count]) => h("span", { class: "tag figure" }, `${name} ${count > 0 ? "+" : "\u2212"}${Math.abs(count)}`));
  const { added = 0, removed = 0, changed = 0 } = found.annotations;
  body.append(h("p", { class: "row small" }, h("span", { class: "figure" }, `Annotations: ${added} added, ${removed} taken out, ${changed} changed`), ...classes));
  for (const [key, word] of CHANGES) {
    const change = found[key];
    if (!change.count) continue;
    const rows = change.items.map((item) => h("li", { class: "row between together" }, h("span", { class: "truncate" }, item.name), item.what ? h("span", { class: "small muted nowrap" }, item.what) : null));
    body.append(h("details", { open: change.count <= 12 }, h("summary", {}, `${word}: ${change.count} item${change.count === 1 ? "" : "s"}`), h("div", { class: "st-changes", tabindex: 0, role: "region", "aria-label": word }, h("ul", {}, ...rows, change.count > rows.length ? h("li", { class: "small faint" }, `and ${change.count - rows.length} more`) : null))));
  }
  return body;
}
