// The classes of a dataset: changed in rows, saved as one change; annotations take their new names with them.
import { ApiError, call, explain } from "../../lib/api";
import { h, notice, one } from "../../lib/dom";
import { toast } from "../../lib/toast";
import { problem } from "./job";
import { type Read, SchemaEditor, rowError } from "./schema";

export function classes(form: HTMLFormElement, dataset: string): void {
  const root = one("[data-schema-editor]", form), bar = one("[data-save-bar]", form), says = one("[data-changes]", form), wrong = one("[data-classes-problem]", form);
  if (!root || !bar || !says) return;
  let saved = "", leaving = false;
  const leave = (): void => { leaving = true; location.reload(); };
  const editor = new SchemaEditor(root, () => look());
  const before = new Map(editor.rows("class").map((row) => [row.dataset["was"] ?? "", Number(row.dataset["count"])]));
  const text = (read: Read): string => JSON.stringify(read.schema);
  const read = (): Read => {
    const errors = [...root.querySelectorAll<HTMLElement>("[data-error]")].map((place) => place.textContent ?? "");
    const now = editor.read();
    // Looking is not judging: what was said stays said, what was not waits until it is saved.
    [...root.querySelectorAll<HTMLElement>("[data-error]")].forEach((place, index) => { place.textContent = errors[index] ?? ""; });
    for (const row of root.querySelectorAll<HTMLElement>(".st-row")) if (!one("[data-error]", row)?.textContent) rowError(row, "");
    return now;
  };
  const gone = (now: Read): string[] => [...before.keys()].filter((name) => name && !now.renames[name] && !now.schema.classes.some((each) => each.name === name));
  const look = (): void => {
    const now = read();
    bar.hidden = text(now) === saved;
    const parts = [], dropped = gone(now), added = editor.rows("class").filter((row) => !row.dataset["was"]).length;
    const names = Object.entries(now.renames).map(([was, becomes]) => `${was} becomes ${becomes}`);
    if (names.length) parts.push(names.join(", "));
    if (added) parts.push(`${added} new`);
    if (dropped.length) parts.push(`${dropped.map((name) => `${name}${before.get(name) ? ` with ${before.get(name)} annotation${before.get(name) === 1 ? "" : "s"}` : ""}`).join(", ")} deleted`);
    says.textContent = parts.length ? `Not saved: ${parts.join("; ")}` : "Not saved";
  };
  saved = text(read());
  if (sessionStorage.getItem("rcg-classes") === dataset) { sessionStorage.removeItem("rcg-classes"); toast("Classes saved"); }

  const save = async (drop: boolean): Promise<void> => {
    const now = editor.read();
    wrong?.replaceChildren();
    if (now.wrong) { editor.showFirstError(); return; }
    if (!now.schema.classes.length) { wrong?.replaceChildren(notice("bad", "A dataset needs at least one class.", "Add one.")); return; }
    const button = one<HTMLButtonElement>("[type=submit]", form);
    if (button) button.disabled = true;
    try {
      await call("PATCH", `/api/datasets/${dataset}`, { label_schema: now.schema, renames: now.renames, drop_annotations: drop });
      sessionStorage.setItem("rcg-classes", dataset);
      leave();
    } catch (error) {
      refused(error);
    } finally {
      if (button) button.disabled = false;
    }
  };
  const refused = (error: unknown): void => {
    const known = explain(error);
    const fields = (known.data as { fields?: { field: string; problem: string }[] } | null)?.fields ?? [];
    if (fields.length && fields.every((each) => editor.place(each.field, each.problem))) { editor.showFirstError(); return; }
    const used = (known.data as { in_use?: Record<string, number> } | null)?.in_use;
    if (!(error instanceof ApiError) || !used || !wrong) { problem(wrong, error); return; }
    const count = Object.values(used).reduce((sum, each) => sum + each, 0);
    wrong.replaceChildren(notice("warn", known.detail, "Rename the class to keep its annotations, or delete them with it."));
    wrong.firstElementChild?.append(h("div", { class: "row" }, h("button", { class: "button small danger", type: "button", onclick: () => void save(true) }, `Delete ${count} annotation${count === 1 ? "" : "s"}, too`), h("button", { class: "button small", type: "button", onclick: leave }, "Keep them")));
  };
  form.addEventListener("submit", (event) => { event.preventDefault(); void save(false); });
  one("[data-discard]", form)?.addEventListener("click", leave);
  addEventListener("beforeunload", (event) => { if (!leaving && !bar.hidden) event.preventDefault(); });
}
