// What a person does to a run: pause, resume, stop, evaluate, extend, cancel, delete, and use its model.
import { call, explain } from "../../lib/api";
import { from, one } from "../../lib/dom";
import { toast, toastError } from "../../lib/toast";

const SAID: Record<string, string> = {
  pause: "Pausing after this step", resume: "Queued to go on", stop: "Ending; the best so far becomes the result", evaluate: "Evaluating after this step", cancel: "Cancelling",
};

export function controls(root: HTMLElement, id: string, changed: () => void): void {
  const ask = (what: string, body?: unknown): Promise<void> =>
    call("POST", `/api/training/${id}/${what}`, body).then(() => { toast(SAID[what] ?? "Done"); changed(); });
  const dialog = (name: string): HTMLDialogElement | null => one<HTMLDialogElement>(name, root);

  root.addEventListener("click", (event) => {
    const button = from(event, "button");
    if (!(button instanceof HTMLButtonElement)) return;
    const what = button.dataset["do"];
    if (what) { busy(button, ask(what)); return; }
    if ("extend" in button.dataset) {
      const field = one<HTMLInputElement>("#tr-extend-steps", root), now = Number(button.dataset["extend"]);
      if (field) { field.min = String(now + 1); field.value = String(Math.ceil((now * 1.5) / 10) * 10); }
      dialog("#tr-extend")?.showModal();
    }
    if ("askCancel" in button.dataset) dialog("#tr-cancel")?.showModal();
    if ("askDelete" in button.dataset) dialog("#tr-delete")?.showModal();
    if ("close" in button.dataset) button.closest("dialog")?.close();
    const model = button.dataset["use"];
    if (model) {
      const to = button.dataset["to"] === "true";
      busy(button, use(model, to).then(() => { if (to) gradeRendered(root.dataset["card"] ?? ""); }));
    }
    if ("gradeCard" in button.dataset) gradeRendered(root.dataset["card"] ?? "");
    const predicting = button.dataset["predict"];
    if (predicting) busy(button, predict(predicting, button.dataset["dataset"] ?? ""));
  });

  dialog("#tr-cancel")?.addEventListener("close", (event) => {
    if (chosen(event) === "cancel") ask("cancel").catch(toastError);
  });
  dialog("#tr-delete")?.addEventListener("close", (event) => {
    if (chosen(event) === "delete") call("DELETE", `/api/training/${id}`).then(() => location.assign("/train/")).catch(toastError);
  });
  one("[data-extend-form]", root)?.addEventListener("submit", (event) => {
    event.preventDefault();
    const field = one<HTMLInputElement>("#tr-extend-steps", root), wrong = one("#tr-extend-steps-error", root);
    ask("extend", { steps: Number(field?.value) }).then(() => dialog("#tr-extend")?.close()).catch((error: unknown) => {
      if (wrong) wrong.textContent = `${explain(error).detail} ${explain(error).hint}`.trim();
      field?.setAttribute("aria-invalid", "true");
    });
  });
}

/** Has a card of a rendered dataset photographed and graded; other items are not cards that anyone could photograph. */
function gradeRendered(name: string): void {
  const [, seed, index] = /^rendered-(\d+)-(\d+)\b/.exec(name) ?? [];
  if (seed && index) document.dispatchEvent(new CustomEvent("rcg:grade-rendered", { detail: [Number(seed), Number(index)] }));
}

function chosen(event: Event): string {
  const dialog = event.currentTarget as HTMLDialogElement, value = dialog.returnValue;
  dialog.returnValue = "";
  return value;
}

function busy(button: HTMLButtonElement, work: Promise<unknown>): void {
  button.disabled = true;
  work.catch(toastError).finally(() => { button.disabled = false; });
}

/** Lets grading use a model, or not any more, and tells the page. */
export async function use(model: string, to: boolean): Promise<void> {
  const answer = await call<{ message?: string; released?: { id: string }[] }>("POST", `/api/models/${model}/use`, { use: to });
  document.body.dispatchEvent(new CustomEvent("rcg:models", { bubbles: true }));
  // Grading uses one model of a kind: to undo is to let the one before have its place again.
  const former = answer.released?.[0]?.id;
  const undo = (): Promise<void> => (former ? use(former, true) : use(model, !to));
  toast(answer.message ?? (to ? "In use from now on" : "No longer in use"), { word: "Undo", run: () => void undo().catch(toastError) });
}

/** Pre-labels what is not labelled yet, and says where to look at it. */
export async function predict(model: string, dataset: string): Promise<void> {
  await call("POST", `/api/models/${model}/predict`, { dataset_id: dataset });
  document.dispatchEvent(new CustomEvent("rcg:job-started"));
  toast("Pre-labelling the items without labels", { word: "Annotate", run: () => location.assign(`/annotate/?dataset=${encodeURIComponent(dataset)}`) }, 12);
}
