// The form of a kind of one's own.
import { call, explain } from "../../lib/api";
import { all, from, one } from "../../lib/dom";
import { toast } from "../../lib/toast";
import { fieldError, problem } from "./job";
import { SchemaEditor } from "./schema";

export function mount(root: HTMLElement): void {
  const known = root.dataset["kind"] ?? "", wrong = one("[data-kind-problem]", root), schema = one("[data-schema-editor]", root);
  const title = one<HTMLInputElement>("#kind-title", root), name = one<HTMLInputElement>("#kind-name", root), metric = one<HTMLSelectElement>("[data-metric]", root);
  if (!schema || !title || !name || !metric) return;
  let touched = false;
  const editor = new SchemaEditor(schema, () => { touched = true; });

  const task = (wanted: string): void => {
    for (const button of all<HTMLButtonElement>("[data-tasks] button", root)) button.setAttribute("aria-pressed", String(button.value === wanted));
    for (const row of all("[data-tasks-of]", root)) {
      const fits = (row.dataset["tasksOf"] ?? "").split(" ").includes(wanted), box = one<HTMLInputElement>("input", row);
      row.hidden = !fits;
      if (box && !fits) box.checked = false;
    }
    for (const option of all<HTMLOptionElement>("option", metric)) option.hidden = option.disabled = option.dataset["task"] !== wanted;
    if (metric.selectedOptions[0]?.disabled) metric.value = all<HTMLOptionElement>("option:not(:disabled)", metric)[0]?.value ?? "";
    const boxes = all<HTMLInputElement>("[data-tasks-of]:not([hidden]) input", root);
    if (boxes[0] && !boxes.some((box) => box.checked)) boxes[0].checked = true;
  };
  task(editor.task);
  root.addEventListener("click", (event) => {
    const button = from(event, "[data-tasks] button");
    if (button instanceof HTMLButtonElement) { editor.task = button.value; task(button.value); }
    if (from(event, "[data-delete-kind]")) one<HTMLDialogElement>("#delete-kind")?.showModal();
  });
  root.addEventListener("input", () => { touched = true; });
  one<HTMLSelectElement>("[data-start]", root)?.addEventListener("change", (event) => {
    if (event.target instanceof HTMLSelectElement) { touched = false; location.assign(`/studio/kinds/new?from=${event.target.value}`); }
  });
  // Until a name is typed, it follows the title.
  title.addEventListener("input", () => {
    if (!known && (!name.value || name.value === name.dataset["proposed"])) {
      name.value = title.value.toLowerCase().normalize("NFD").replace(/[^a-z0-9]+/g, "_").replace(/^[^a-z]+|_+$/g, "").slice(0, 64);
      name.dataset["proposed"] = name.value;
      fieldError(name, "");
    }
  });

  const used = (key: string): string[] => all("[data-layer]", root).filter((row) => one<HTMLInputElement>(`[data-use=${key}]`, row)?.checked).flatMap((row) => (row.dataset["layer"] ?? "").split(","));
  const say = (id: string, text: string): void => { const place = document.getElementById(id); if (place) place.textContent = text; };
  const read = (): Record<string, unknown> | null => {
    const labels = editor.read(), channels = used("channels"), architectures = all<HTMLInputElement>("[data-architectures] input:checked", root).map((box) => box.value);
    const badTitle = title.value.trim() ? "" : "It needs a title.", badName = /^[a-z][a-z0-9_]{0,63}$/.test(name.value) ? "" : "Small letters, digits and _, a letter first.";
    fieldError(title, badTitle);
    fieldError(name, badName);
    say("kind-layers-error", channels.length ? "" : "Give networks at least one layer.");
    say("kind-architectures-error", architectures.length ? "" : "Choose at least one.");
    if (badTitle) title.focus(); else if (badName) name.focus(); else if (labels.wrong) editor.showFirstError();
    if (!labels.schema.classes.length) problem(wrong, new Error("A kind needs at least one class."));
    if (badTitle || badName || labels.wrong || !channels.length || !architectures.length || !labels.schema.classes.length) return null;
    return {
      name: name.value, title: title.value.trim(), description: one<HTMLInputElement>("#kind-description", root)?.value.trim() ?? "", label_schema: labels.schema,
      required_layers: used("required_layers"), layers: [...new Set([...used("layers"), ...used("required_layers")])], channels, architectures, metric: metric.value, aliases: [], shipped: false,
    };
  };
  const refused = (error: unknown): void => {
    const known = explain(error), fields = (known.data as { fields?: { field: string; problem: string }[] } | null)?.fields ?? [];
    const left = fields.filter((each) => {
      const input = each.field === "name" ? name : each.field === "title" ? title : null;
      if (input) fieldError(input, each.problem);
      return !input && !editor.place(each.field, each.problem);
    });
    if (known.status === 409) { fieldError(name, `${known.detail} ${known.hint}`.trim()); name.focus(); return; }
    if (fields.length && !left.length) { editor.showFirstError(); return; }
    problem(wrong, error);
    wrong?.scrollIntoView({ block: "center" });
  };
  root.addEventListener("submit", (event) => {
    event.preventDefault();
    wrong?.replaceChildren();
    const body = read();
    if (!body) return;
    call(known ? "PUT" : "POST", known ? `/api/kinds/${known}` : "/api/kinds", body)
      .then(() => { touched = false; if (known) toast("Kind saved"); else location.assign(`/studio/?new=${String(body["name"])}`); })
      .catch(refused);
  });
  const goodbye = one<HTMLDialogElement>("#delete-kind");
  goodbye?.addEventListener("close", () => {
    if (goodbye.returnValue === "delete") call("DELETE", `/api/kinds/${known}`).then(() => { touched = false; location.assign("/studio/"); }).catch((error: unknown) => problem(wrong, error));
    goodbye.returnValue = "";
  });
  addEventListener("beforeunload", (event) => { if (touched) event.preventDefault(); });
}
