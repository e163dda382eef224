// Frames on their way to the server: which side each belongs to, one after the other so that their order is the files'
// order (bare light lists refer to it), each with its own progress and its own answer.
import { call, explain, send } from "./lib/api";
import { h, icon, notice, one } from "./lib/dom";
import { bytes } from "./lib/time";

export type Side = "front" | "back";
export interface Chosen { file: File; path: string }
interface FileAnswer { file_name: string; accepted: boolean; light: string | null; reason: string | null; hint: string | null }
interface Capture { id: string }
interface Row { chosen: Chosen; side: Side; item: HTMLLIElement }

const KNOWN = /\.(jpe?g|png|tiff?|webp|lp|toml)$/i;
const PICTURE = /\.(jpe?g|png|webp)$/i;
const byName = new Intl.Collator("en", { numeric: true }).compare;

export function sideOf(path: string, otherwise: Side): Side {
  const folders = path.toLowerCase().split("/").slice(0, -1);
  if (folders.includes("back")) return "back";
  return folders.includes("front") ? "front" : otherwise;
}

/** What the files call the card: their folder, or what their names begin with. */
export function nameOf(chosen: Chosen[]): string {
  const folder = chosen[0]?.path.split("/").slice(0, -1).filter((part) => !/^(front|back)$/i.test(part)).pop();
  if (folder) return folder;
  const stems = chosen.filter((each) => PICTURE.test(each.file.name) || /\.tiff?$/i.test(each.file.name))
    .map((each) => each.file.name.replace(/\.[^.]+$/, "").replace(/[\s_.-]*(up|down|left|right|top|bottom|ambient|\d{1,2})$/i, ""));
  const first = stems[0] ?? "";
  if (first && stems.every((stem) => stem === first)) return first.replace(/[_-]+/g, " ");
  return `Card of ${new Date().toLocaleDateString(undefined, { dateStyle: "medium" })}`;
}

/** The files of a drop, folders opened. */
export async function dropped(transfer: DataTransfer): Promise<Chosen[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (!entries.length) return [...transfer.files].map((file) => ({ file, path: file.name }));
  return (await Promise.all(entries.map((entry) => walk(entry)))).flat();
}

async function walk(entry: FileSystemEntry): Promise<Chosen[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ file, path: entry.fullPath.replace(/^\//, "") }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: Chosen[] = [];
  for (;;) {  // a reader gives at most a hundred entries at a time
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (!batch.length) return found;
    found.push(...(await Promise.all(batch.map((child) => walk(child)))).flat());
  }
}

/** Uploads the files into a card (made if none is given); returns its id, and whether every file was taken. */
export async function upload(chosen: Chosen[], list: HTMLElement, cardId: string, side: Side): Promise<{ card: string; clean: boolean }> {
  const usable = chosen.filter((each) => KNOWN.test(each.file.name) && !each.file.name.startsWith("."));
  if (!usable.length) throw new Error("None of these files is a photograph (JPEG, PNG, TIFF, WebP) or a lights file (.lp, .toml).");
  usable.sort((a, b) => byName(a.path, b.path));
  const rows = usable.map((each): Row => ({ chosen: each, side: sideOf(each.path, side), item: item(each) }));
  list.hidden = false;
  list.replaceChildren(...rows.map((row) => row.item));
  const card = cardId || (await call<{ id: string }>("POST", "/api/cards", { name: nameOf(usable) })).id;
  let clean = true;
  for (const name of ["front", "back"] as const) {
    const mine = rows.filter((row) => row.side === name);
    if (!mine.length) continue;
    const capture = await captureOf(card, name);
    for (const row of mine) clean = (await put(capture, row)) && clean;
  }
  return { card, clean };
}

async function captureOf(card: string, side: Side): Promise<string> {
  const known = await call<{ captures: (Capture & { side: Side; created_at: number })[] }>("GET", `/api/cards/${card}`);
  const newest = known.captures.filter((capture) => capture.side === side).sort((a, b) => b.created_at - a.created_at)[0];
  return newest?.id ?? (await call<Capture>("POST", `/api/cards/${card}/captures`, { side })).id;
}

async function put(capture: string, row: Row): Promise<boolean> {
  const bar = one<HTMLProgressElement>("progress", row.item);
  const says = one("[data-says]", row.item);
  const form = new FormData();
  form.append("files", row.chosen.file, row.chosen.file.name);
  try {
    const answer = await send<{ files: FileAnswer[] }>("POST", `/api/captures/${capture}/files`, form, (share) => { if (bar) bar.value = share; });
    const file = answer.files[0];
    if (file && !file.accepted) throw Object.assign(new Error(file.reason ?? "refused"), { hint: file.hint ?? "" });
    if (says) says.textContent = file?.light ? `${row.side}, light ${file.light}` : `${row.side}, lights`;
    bar?.remove();
    return true;
  } catch (error) {
    const known = explain(error);
    const hint = known.hint && known.code !== "page_error" ? known.hint : ((error as { hint?: string }).hint ?? "");
    bar?.remove();
    row.item.append(h("span", { class: "error", role: "alert" }, `${known.detail} ${hint}`.trim()));
    return false;
  }
}

function item(chosen: Chosen): HTMLLIElement {
  let picture: HTMLElement = h("span", { class: "no-picture" }, icon("file-image"));
  if (PICTURE.test(chosen.file.name)) {
    const url = URL.createObjectURL(chosen.file);
    picture = h("img", { src: url, alt: "", onload: () => URL.revokeObjectURL(url) });
  }
  return h("li", {}, picture,
    h("span", { class: "truncate" }, chosen.file.name, h("span", { class: "small faint" }, ` ${bytes(chosen.file.size)}`)),
    h("span", { class: "small muted nowrap", "data-says": true }, ""),
    h("progress", { class: "bar", max: 1, value: 0, "aria-label": `Upload of ${chosen.file.name}` }));
}

export function problem(place: HTMLElement | null, error: unknown): void {
  const known = explain(error);
  place?.replaceChildren(notice("bad", known.detail, known.code === "page_error" ? "" : known.hint));
}
