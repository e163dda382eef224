// A rig's calibration: photographs or captures of a ball or white card, measured by a job, kept or not.
import { call, explain, send } from "../../lib/api";
import { all, from, h, icon, notice, one } from "../../lib/dom";
import { toastError } from "../../lib/toast";
import { ended, follow, type Job, problem } from "../studio/job";
import { fields, type FlatFound, type Found, proposal } from "./measured";
import type { Places } from "./places";

interface Capture { id: string; card: string; side: string; lights: number; created_at: number }
const PICTURE = /\.(jpe?g|png|tiff?|webp)$/i;
const UNLIT = /(^|[\s_.-])(ambient|dark|0+)\.[a-z]+$/i;  // frames with every light off, as rcg.photometric.lights has them
const byName = new Intl.Collator(undefined, { numeric: true }).compare;
const pressed = (group: string, root: ParentNode): string => one<HTMLButtonElement>(`[${group}] [aria-pressed=true]`, root)?.value ?? "";
const figure = (selector: string, root: ParentNode): number | null => { const read = Number.parseFloat(one<HTMLInputElement>(selector, root)?.value ?? ""); return Number.isFinite(read) ? read : null; };

export function mount(root: HTMLElement): void {
  const rig = root.dataset["rig"] ?? "", count = Number(root.dataset["count"]), told = JSON.parse(root.dataset["told"] ?? "{}") as Places;
  const input = one<HTMLInputElement>("#rc-files", root), result = one("[data-result]", root), progress = one("[data-progress]", root);
  const measure = one<HTMLButtonElement>("[data-measure]", root);
  let sets: File[][] = [];

  const showSets = (): void => {
    one("[data-sets]", root)?.replaceChildren(...sets.map((files, index) => h("li", {},
      h("span", {}, `${sets.length > 1 ? `Place ${index + 1}: ` : ""}${files.length} photographs, ${files[0]?.name ?? ""} to ${files.at(-1)?.name ?? ""}`),
      h("button", { class: "button quiet small icon-only", type: "button", "data-drop-set": index, "aria-label": "Take these photographs away" }, icon("x")))));
    const another = one("[data-another]", root);
    if (another) another.hidden = pressed("data-what", root) !== "ball" || !sets.length;
  };
  const choose = (button: HTMLElement, group: string): void => {
    for (const each of all(`[${group}] button`, root)) each.setAttribute("aria-pressed", String(each === button));
    const what = pressed("data-what", root), source = pressed("data-source", root);
    for (const part of all("[data-says]", root)) part.hidden = part.dataset["says"] !== what;
    for (const part of all("[data-of]", root)) part.hidden = !(part.dataset["of"] ?? "").split(" ").includes(what);
    for (const part of all("[data-from]", root)) part.hidden = part.dataset["from"] !== source;
    if (what !== "ball") sets = sets.slice(0, 1);
    showSets();
    if (group === "data-source" && source === "captures") void listCaptures();
  };
  const listCaptures = async (): Promise<void> => {
    const place = one<HTMLSelectElement>("#rc-captures", root);
    const found = await call<{ items: Capture[] }>("GET", `/api/rigs/${rig}/captures`).catch((error: unknown) => { toastError(error); return { items: [] }; });
    place?.replaceChildren(...found.items.map((each) => h("option", { value: each.id }, `${each.card}, ${each.side}, ${new Date(each.created_at).toLocaleString()}`)));
    if (!found.items.length) place?.replaceChildren(h("option", { disabled: true }, "No capture was made with this rig yet"));
  };
  const options = (): Record<string, unknown> => {
    if (pressed("data-what", root) !== "ball") return { card_mm: [figure("#rc-width", root) ?? 63, figure("#rc-height", root) ?? 88] };
    return { ball_mm: figure("#rc-ball", root), fov_deg: figure("#rc-fov", root), balls: figure("#rc-balls", root) ?? 1 };
  };
  const refuse = (what: string, now = ""): void => result?.replaceChildren(notice("bad", what, now));

  const start = async (): Promise<Job | null> => {
    const what = pressed("data-what", root);
    if (what === "ball" && root.dataset["near"] && figure("#rc-ball", root) === null) { refuse("Give the ball's diameter.", "This rig knows its lights' places in millimetres."); one("#rc-ball", root)?.focus(); return null; }
    if (pressed("data-source", root) === "captures") {
      const chosen = [...(one<HTMLSelectElement>("#rc-captures", root)?.selectedOptions ?? [])].map((each) => each.value).filter(Boolean);
      if (!chosen.length) { refuse("No capture is chosen."); return null; }
      return call<Job>("POST", `/api/rigs/${rig}/calibrations`, { what, capture_ids: chosen, options: options() });
    }
    if (!sets.length) { refuse("No photograph is chosen.", `Choose ${count}, one per light.`); return null; }
    const short = sets.map((files) => files.filter((file) => !UNLIT.test(file.name)).length).find((lit) => lit !== count);
    if (short !== undefined) { refuse(`${short} photographs under a light came; the rig has ${count} lights.`, "Choose one per light, in order or named 1.jpg, 2.jpg, …; one more may be ambient."); return null; }
    const form = new FormData();
    form.append("what", what);
    form.append("options", JSON.stringify(options()));
    sets.forEach((files, index) => { for (const file of files) form.append("files", file, sets.length > 1 ? `${index + 1}/${file.name}` : file.name); });
    const bar = h("progress", { class: "bar", max: 1, value: 0, "aria-label": "Sending the photographs" });
    progress?.replaceChildren(bar);
    return send<Job>("POST", `/api/rigs/${rig}/calibrations/files`, form, (share) => { bar.value = share; });
  };
  const run = async (): Promise<void> => {
    result?.replaceChildren();
    if (measure) measure.disabled = true;
    try {
      const job = await start();
      if (job && progress) show(await follow(job, progress));
    } catch (error) {
      progress?.replaceChildren();
      problem(result, error);
    }
    if (measure) measure.disabled = false;
  };
  const show = (job: Job): void => {
    const body = job.result as { calibration: Found; pictures: { sha256: string }[] } | null;
    if (!body || !result) return;
    result.replaceChildren(h("h3", { class: "rc-head" }, "Found"), proposal(body.calibration, told, body.pictures.map((each) => each.sha256)),
      h("div", { class: "row" }, h("button", { class: "button primary", type: "button", "data-keep": job.id }, icon("save"), "Keep"),
        h("button", { class: "button", type: "button", "data-discard": true }, "Discard"),
        h("span", { class: "small muted" }, "Captures from now on carry what is kept; earlier ones stay as they are.")));
    result.scrollIntoView({ block: "nearest" });
  };
  const change = (method: string, path: string, body?: unknown): void => {
    call(method, `/api/rigs/${rig}/calibration${path}`, body).then(() => location.replace(location.pathname)).catch((error: unknown) => { const known = explain(error); refuse(known.detail, known.hint); });
  };

  input?.addEventListener("change", () => {
    const files = [...(input.files ?? [])].filter((file) => PICTURE.test(file.name)).sort((a, b) => byName(a.name, b.name));
    if (files.length) { if (input.dataset["adds"]) sets.push(files); else sets = [files]; }
    delete input.dataset["adds"];
    input.value = "";
    result?.replaceChildren();
    showSets();
  });
  root.addEventListener("click", (event) => {
    const what = from(event, "[data-what] button"), source = from(event, "[data-source] button");
    if (what) choose(what, "data-what");
    if (source) choose(source, "data-source");
    if (from(event, "[data-another]") && input) { input.dataset["adds"] = "yes"; input.click(); }
    const gone = from(event, "[data-drop-set]");
    if (gone) { sets.splice(Number(gone.dataset["dropSet"]), 1); showSets(); }
    if (from(event, "[data-measure]")) void run();
    if (from(event, "[data-discard]")) { result?.replaceChildren(); history.replaceState(null, "", location.pathname); }
    const keep = from(event, "[data-keep]"), restore = from(event, "[data-restore]"), forget = from(event, "[data-forget]");
    if (keep) change("PUT", "", { job_id: keep.dataset["keep"] });
    if (restore) change("POST", "/restore", { what: restore.dataset["restore"] });
    if (forget) change("DELETE", `/${forget.dataset["forget"] ?? ""}`);
  });

  const kept = JSON.parse(one("[data-kept-flat]", root)?.textContent ?? "{}") as Partial<FlatFound>;
  if (kept.log && kept.half_mm && kept.lights) one("[data-fields]", root)?.replaceChildren(fields(kept as FlatFound));
  if (measure) measure.disabled = false;
  const job = root.dataset["job"];
  if (job && /^[0-9a-f]{32}$/.test(job)) ended(job).then((end) => { if (end.state === "done") show(end); else refuse(end.error?.detail ?? "It failed.", end.error?.hint ?? ""); }).catch((error: unknown) => problem(result, error));
}
