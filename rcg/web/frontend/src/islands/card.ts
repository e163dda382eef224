import { call, explain } from "../lib/api";
import { all, from, one } from "../lib/dom";
import { listen } from "../lib/live";
import { toast, toastError } from "../lib/toast";

interface Job { id: string; state: string; result: { grade_id?: string } | null }

export function mount(root: HTMLElement): void {
  const id = root.dataset["card"] ?? "";
  const path = `/api/cards/${id}`;
  let waiting = "";

  for (const input of all<HTMLInputElement | HTMLTextAreaElement>("[data-patch]", root)) {
    let before = input.value;
    input.addEventListener("change", () => {
      const key = input.dataset["patch"] ?? "";
      if (key === "name" && !input.value.trim()) { input.value = before; return; }
      call("PATCH", path, { [key]: input.value }).then(() => {
        const former = before;
        before = input.value;
        if (key === "name") { const crumb = all("[data-crumb]").pop(); if (crumb) crumb.textContent = input.value; }
        toast("Saved", { word: "Undo", run: () => { input.value = former; input.dispatchEvent(new Event("change")); } });
      }).catch((error: unknown) => { input.value = before; toastError(error); });
    });
    input.addEventListener("keydown", (event) => { if (event instanceof KeyboardEvent && event.key === "Enter" && input instanceof HTMLInputElement) input.blur(); });
  }

  const size = one<HTMLSelectElement>("[data-size]", root), own = one("[data-own-size]", root);
  const saveSize = (width: number | null, height: number | null): void => {
    call("PATCH", path, { width_mm: width, height_mm: height }).then(() => toast("Size saved; the next grade uses it")).catch((error: unknown) => {
      const place = one("#card-size-error", root);
      if (place) place.textContent = `${explain(error).detail} ${explain(error).hint}`;
    });
  };
  size?.addEventListener("change", () => {
    if (own) own.hidden = size.value !== "own";
    const [width, height] = size.value.split("x").map(Number);
    if (size.value === "") saveSize(null, null);
    else if (width && height) saveSize(width, height);
  });
  own?.addEventListener("change", () => {
    const value = (key: string): number => Number(one<HTMLInputElement>(`[data-own=${key}]`, root)?.value);
    if (value("width_mm") && value("height_mm")) saveSize(value("width_mm"), value("height_mm"));
  });

  const dialog = one<HTMLDialogElement>("#delete-card", root);
  one("[data-delete-card]", root)?.addEventListener("click", () => dialog?.showModal());
  dialog?.addEventListener("close", () => {
    if (dialog.returnValue === "delete") call("DELETE", path).then(() => location.assign("/grade/")).catch(toastError);
    dialog.returnValue = "";
  });

  const grade = (): void => {
    const button = one<HTMLButtonElement>("[data-grade]", root);
    if (button) button.disabled = true;
    call<Job>("POST", `${path}/grade`).then((job) => { waiting = job.id; document.dispatchEvent(new CustomEvent("rcg:job-started")); })
      .catch((error: unknown) => { toastError(error); })
      .finally(() => { if (button) button.disabled = false; });
  };
  root.addEventListener("click", (event) => {
    if (from(event, "[data-grade]")) grade();
    const remove = from(event, "[data-remove-frame]")?.closest<HTMLElement>("[data-frame]");
    if (remove) {
      const capture = remove.dataset["capture"], light = encodeURIComponent(remove.dataset["frame"] ?? "");
      void takeOut(`/api/captures/${capture}/frames/${light}`, capture ?? "", remove.dataset["frame"] ?? "");
    }
  });

  document.addEventListener("rcg:frames", (event) => { if ((event as CustomEvent).detail !== "keep") void refresh(); });
  listen((event) => {
    if (event.kind !== "state" || !waiting || event.data["job_id"] !== waiting) return;
    call<Job>("GET", `/api/jobs/${waiting}`).then((job) => {
      if (job.state === "done" && job.result?.grade_id) location.assign(`/grade/reports/${job.result.grade_id}`);
    }).catch(toastError);
  });
}

interface Frame { light: string; sha256: string; file_name: string; position: number }

async function takeOut(path: string, capture: string, light: string): Promise<void> {
  try {
    const known = await call<{ frames: Frame[] }>("GET", `/api/captures/${capture}`);
    const frame = known.frames.find((each) => each.light === light);
    await call("DELETE", path);
    await refresh();
    if (!frame) return;
    const { sha256, file_name, position } = frame;
    toast(`Took out light ${light}`, { word: "Undo", run: () => void call("PUT", path, { sha256, file_name, position }).then(refresh).catch(toastError) });
  } catch (error) {
    toastError(error);
  }
}

/** Takes the sides, and whether the card can be graded, from the page as it is now. */
async function refresh(): Promise<void> {
  const text = await (await fetch(location.href, { headers: { accept: "text/html" } })).text();
  const fresh = new DOMParser().parseFromString(text, "text/html");
  for (const selector of ["#card-sides", "[data-grade]"]) {
    const now = one(selector), next = one(selector, fresh);
    if (now && next) now.replaceWith(document.adoptNode(next));
  }
  document.dispatchEvent(new CustomEvent("rcg:mount"));
}
