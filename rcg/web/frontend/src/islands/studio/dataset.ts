// One dataset: its name, its items with filters and selection, and the ways to fill, version and export it.
import htmx from "htmx.org/dist/htmx.esm.js";
import { call, explain } from "../../lib/api";
import { all, from, notice, one } from "../../lib/dom";
import { listen } from "../../lib/live";
import { toast, toastError } from "../../lib/toast";
import { type Chosen, dropped } from "../../upload";
import { classes } from "./classes";
import { exporting } from "./exporting";
import { Uploads, sorted } from "./fill";
import { Grid } from "./grid";
import { importing } from "./importing";
import { type Job, fieldError, problem } from "./job";
import { versions } from "./versions";
import { capturing, rendering } from "./ways";

const FILTERS = ["label_state", "state", "flagged", "split", "class", "q"] as const;
const AT_ONCE = 900;  // more files than that are uploaded on their own, their annotations after them
interface Problem { code: string; title: string; item_ids: string[] }

export function mount(root: HTMLElement): void {
  const id = root.dataset["dataset"] ?? "", path = `/api/datasets/${id}`;
  const announce = throttled(() => htmx.trigger(document.body, "rcg:dataset"), 800);
  const started = (): void => { document.dispatchEvent(new CustomEvent("rcg:job-started")); announce(); };
  const dialog = (name: string): HTMLDialogElement => one<HTMLDialogElement>(`#${name}`, root) ?? document.createElement("dialog");
  naming(root, path);
  tabs(root);
  const items = browsing(root, id, announce);
  const imports = importing(dialog("import-dialog"), id, announce), openImport = imports.open, openExport = exporting(dialog("export-dialog"), id);
  const openRender = rendering(dialog("render-dialog"), id, started), openCaptures = capturing(dialog("captures-dialog"), id, started);
  const fill = filling(root, id, announce, openImport);
  versions(root, id, announce);
  const form = one<HTMLFormElement>("[data-classes-form]", root);
  if (form) classes(form, id);
  const freshen = throttled(() => void renew(root, id), 1500);

  // Whoever comes from an import that is done reads what came of it.
  const came = new URLSearchParams(location.search).get("imported");
  if (came) {
    const url = new URL(location.href);
    url.searchParams.delete("imported");
    history.replaceState(null, "", url);
    call<Job>("GET", `/api/jobs/${encodeURIComponent(came)}`).then((job) => { if (job.state === "done" && job.subject === `dataset:${id}`) imports.report(job); }).catch(toastError);
  }

  root.addEventListener("click", (event) => {
    const what = from(event, "[data-do]")?.dataset["do"];
    if (what === "add") fill();
    if (what === "version") { show(root, "versions"); one("#make-version", root)?.scrollIntoView({ block: "start" }); one<HTMLInputElement>("#version-note", root)?.focus(); }
    if (what === "import") openImport([]);
    if (what === "render") openRender();
    if (what === "captures") openCaptures();
    const version = from(event, "[data-export]")?.dataset["export"];
    if (version !== undefined) openExport(version);
    if (from(event, "[data-copy-dataset]")) call<{ id: string }>("POST", `${path}/copy`, {}).then((made) => location.assign(`/studio/datasets/${made.id}`)).catch((error: unknown) => problem(one("[data-page-problem]", root), error));
    if (from(event, "[data-delete-dataset]")) dialog("delete-dataset").showModal();
  });
  const goodbye = dialog("delete-dataset");
  goodbye.addEventListener("close", () => {
    if (goodbye.returnValue === "delete") call("DELETE", path).then(() => location.assign("/studio/")).catch((error: unknown) => problem(one("[data-page-problem]", root), error));
    goodbye.returnValue = "";
  });

  listen((event) => {
    const mine = event.data["subject"] === `dataset:${id}`;
    // What happened before this page listened, or while nobody did, is taken from the server.
    if (event.kind === "reset" || event.kind === "hello" || (event.kind === "state" && mine)) announce();
    if (event.kind === "state" && mine && event.data["state"] === "done") { items(); }
  });
  // Looking at every item takes a while, so it is asked for where it is seen.
  const look = throttled(() => { for (const place of all("[data-look]", root)) if (place.offsetParent) htmx.trigger(place, "rcg:look"); }, 2000);
  root.addEventListener("rcg:shown", look);
  addEventListener("resize", () => { if (all("[data-look] > .panel > .skeleton", root).some((each) => each.offsetParent)) look(); });
  look();
  document.body.addEventListener("rcg:dataset", () => { items(); freshen(); look(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) announce(); });
}

/** Takes counts and filters from the page as it is now, and the classes unless they are being changed. */
async function renew(root: HTMLElement, id: string): Promise<void> {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } }).catch(() => null);
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const before = new Map(all("[data-chip=split]", root).map((chip) => [chip.dataset["value"], one("[data-chip-count]", chip)?.textContent ?? ""]));
  for (const selector of [".st-chips", ...all("[data-tab-count]", root).map((place) => `[data-tab-count=${place.dataset["tabCount"]}]`)]) {
    const now = one(selector, root), next = one(selector, fresh);
    if (now && next && now.innerHTML !== next.innerHTML) now.replaceChildren(...[...next.childNodes].map((node) => document.adoptNode(node)));
  }
  for (const chip of all("[data-chip=split]", root)) { const place = one("[data-chip-count]", chip); if (place && !place.textContent) place.textContent = before.get(chip.dataset["value"]) ?? ""; }
  if (all("[data-chip=split] [data-chip-count]", root).some((place) => !place.textContent)) void splitCounts(root, id);
  for (const selector of [".st-bar", ".st-find", "[data-fill-close]"]) { const now = one(selector, root), next = one(selector, fresh); if (now && next) now.hidden = next.hidden; }
  const form = one<HTMLFormElement>("[data-classes-form]", root), next = one<HTMLFormElement>("[data-classes-form]", fresh);
  const was = (from: HTMLElement): string => all("[data-was]", from).map((row) => `${row.dataset["was"]} ${row.dataset["count"]}`).join();
  if (form && next && one("[data-save-bar]", form)?.hidden && was(form) !== was(next)) {
    form.replaceWith(document.adoptNode(next));
    classes(next, id);
  }
}

/** Calls at once, then at most every `wait` milliseconds, and always once more after the last call. */
function throttled(run: () => void, wait: number): () => void {
  let last = 0, timer = 0;
  return () => {
    clearTimeout(timer);
    const now = Date.now(), left = last + wait - now;
    if (left <= 0) { last = now; run(); } else timer = window.setTimeout(() => { last = Date.now(); run(); }, left);
  };
}

function naming(root: HTMLElement, path: string): void {
  for (const input of all<HTMLInputElement>("[data-patch]", root)) {
    let before = input.defaultValue;
    const key = input.dataset["patch"] ?? "";
    input.addEventListener("change", () => {
      if (key === "name" && !input.value.trim()) { input.value = before; return; }
      call("PATCH", path, { [key]: input.value }).then(() => {
        const former = before;
        before = input.value;
        fieldError(input, "");
        if (key === "name") { const crumb = all("[data-crumb]").pop(); if (crumb) crumb.textContent = input.value; document.title = `${input.value} · RCG`; }
        toast("Saved", { word: "Undo", run: () => { input.value = former; input.dispatchEvent(new Event("change")); } });
      }).catch((error: unknown) => { if (key === "name") fieldError(input, `${explain(error).detail} ${explain(error).hint}`.trim()); else { input.value = before; toastError(error); } });
    });
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") input.blur();
      if (event.key === "Escape") { input.value = before; fieldError(input, ""); input.blur(); }
    });
    if (input.value !== before && document.activeElement !== input) input.dispatchEvent(new Event("change"));  // changed before this was loaded
  }
}

function show(root: HTMLElement, tab: string, keep = true): void {
  for (const panel of all("[data-panel]", root)) panel.hidden = panel.dataset["panel"] !== tab;
  for (const link of all("[data-tab]", root)) { if (link.dataset["tab"] === tab) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current"); }
  if (keep) {
    const url = new URL(location.href);
    if (tab === "items") url.searchParams.delete("tab"); else url.searchParams.set("tab", tab);
    history.pushState(null, "", url);
  }
  dispatchEvent(new Event("scroll"));
  root.dispatchEvent(new CustomEvent("rcg:shown"));
}

/** Tabs change in place, so that an upload goes on; the address says which one is shown. */
function tabs(root: HTMLElement): void {
  root.addEventListener("click", (event) => {
    const link = from(event, "[data-tab]");
    if (!link || (event instanceof MouseEvent && (event.ctrlKey || event.metaKey))) return;
    event.preventDefault();
    show(root, link.dataset["tab"] ?? "items");
  });
  addEventListener("popstate", () => show(root, new URLSearchParams(location.search).get("tab") ?? "items", false));
}

function filling(root: HTMLElement, id: string, changed: () => void, openImport: (chosen: Chosen[]) => void): () => void {
  const panel = one("[data-fill]", root), uploads = one("[data-uploads]", root), wrong = one("[data-fill-problem]", root);
  if (!panel || !uploads) return () => undefined;
  const sending = new Uploads(uploads, id, changed);
  const open = (focus: boolean): void => {
    show(root, "items", new URLSearchParams(location.search).has("tab"));
    panel.hidden = false;
    if (focus) { panel.scrollIntoView({ block: "nearest" }); one<HTMLInputElement>("#fill-files", panel)?.focus(); }
  };
  const take = (chosen: Chosen[]): void => {
    wrong?.replaceChildren();
    const { archives, annotations, images } = sorted(chosen);
    open(false);
    if (archives.length > 1) wrong?.replaceChildren(notice("warn", `${archives.length} archives at once: only ${archives[0]?.path} is imported now.`, "Drop the others afterwards, one at a time."));
    if (archives.length) { openImport(archives.slice(0, 1)); if (images.length) sending.add(images); }
    else if (annotations.length && chosen.length > AT_ONCE) { sending.add(images); openImport(annotations); }
    else if (annotations.length) openImport([...images, ...annotations]);
    else if (images.length) sending.add(images);
    else wrong?.replaceChildren(notice("warn", "There is no file in what was dropped."));
  };
  const picked = (input: HTMLInputElement): void => {
    take([...(input.files ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
    input.value = "";
  };
  const files = one<HTMLInputElement>("#fill-files", panel), folder = one<HTMLInputElement>("[data-folder]", panel);
  files?.addEventListener("change", () => picked(files));
  folder?.addEventListener("change", () => picked(folder));
  if (files?.files?.length) picked(files);  // chosen before this was loaded
  one("[data-choose-folder]", panel)?.addEventListener("click", (event) => { event.preventDefault(); folder?.click(); });
  one("[data-fill-close]", panel)?.addEventListener("click", () => { panel.hidden = true; });
  const zone = one("[data-drop]", panel);
  let depth = 0;
  const holds = (event: DragEvent): boolean => [...(event.dataTransfer?.types ?? [])].includes("Files") && !one("dialog[open]");
  document.addEventListener("dragenter", (event) => { if (holds(event)) { depth += 1; zone?.classList.add("over"); document.body.classList.add("st-dropping"); } });
  document.addEventListener("dragleave", (event) => { if (holds(event)) { depth -= 1; if (depth <= 0) { depth = 0; zone?.classList.remove("over"); document.body.classList.remove("st-dropping"); } } });
  document.addEventListener("dragover", (event) => { if (holds(event)) event.preventDefault(); });
  document.addEventListener("drop", (event) => {
    depth = 0;
    zone?.classList.remove("over");
    document.body.classList.remove("st-dropping");
    if (!holds(event) || !event.dataTransfer) return;
    event.preventDefault();
    dropped(event.dataTransfer).then(take).catch((error: unknown) => problem(wrong, error));
  });
  return () => open(true);
}

function browsing(root: HTMLElement, id: string, changed: () => void): () => void {
  const place = one("[data-grid]", root), found = one("[data-found]", root), none = one("[data-none]", root), search = one<HTMLInputElement>("#items-q", root);
  const bar = one("[data-selection]", root), wrong = one("[data-grid-problem]", root), goodbye = one<HTMLDialogElement>("#delete-items", root);
  if (!place || !bar || !goodbye) return () => undefined;
  const colours = new Map(all("[data-class]", root).map((row) => [row.dataset["was"] ?? "", Number(one<HTMLSelectElement>("[data-f=colour]", row)?.value ?? 1)]));
  const grid = new Grid(place, id, colours, {
    selection: () => {
      const count = grid?.selected.size ?? 0, [first] = grid?.selected ?? [];
      bar.hidden = !count;
      const says = one("[data-selected-count]", bar), annotate = one<HTMLAnchorElement>("[data-annotate-selected]", bar), every = one("[data-select-all]", bar);
      if (says) says.textContent = `${count} selected`;
      if (annotate && first) annotate.href = `/annotate/${id}/${first}`;
      if (every) { every.textContent = `Select all ${grid?.total ?? ""}`; every.hidden = count === grid?.total; }
    },
    total: (total) => { if (found) found.textContent = `${total} found`; if (none) none.hidden = total > 0 || !filtered(); },
    problem: (error) => problem(wrong, error),
    remove: () => ask(),
  });
  const filtered = (): boolean => [...FILTERS, "problem"].some((key) => new URLSearchParams(location.search).has(key));
  const query = async (): Promise<Record<string, string>> => {
    const at = new URLSearchParams(location.search), asked: Record<string, string> = {};
    for (const key of FILTERS) { const value = at.get(key); if (value) asked[key] = value; }
    const code = at.get("problem");
    if (code) {
      const health = await call<{ problems: Problem[] }>("GET", `/api/datasets/${id}/health`);
      const named = health.problems.find((each) => each.code === code);
      const word = one("[data-problem-word]", root);
      if (word && named) word.textContent = named.title;
      asked["ids"] = named?.item_ids.join(",") || "none";
    }
    return asked;
  };
  const look = (): void => {
    const at = new URLSearchParams(location.search);
    for (const chip of all<HTMLAnchorElement>("[data-chip]", root)) {
      const key = chip.dataset["chip"] ?? "", value = chip.dataset["value"] ?? "", on = key === "problem" ? at.has("problem") : at.get(key) === value;
      if (on) chip.setAttribute("aria-current", "true"); else chip.removeAttribute("aria-current");
      if (key === "problem") chip.hidden = !on;
      const url = new URL(location.href);
      if (on) url.searchParams.delete(key); else url.searchParams.set(key, value);
      chip.href = url.pathname + url.search;
    }
    wrong?.replaceChildren();
    query().then((asked) => grid.show(asked)).catch((error: unknown) => problem(wrong, error));
  };
  const go = (url: URL): void => { history.pushState(null, "", url); look(); };
  root.addEventListener("click", (event) => {
    if (event instanceof MouseEvent && (event.ctrlKey || event.metaKey)) return;
    const chip = from(event, "[data-chip], [data-all-items]"), health = from(event, "[data-problem-link]");
    if (chip instanceof HTMLAnchorElement) { event.preventDefault(); go(new URL(chip.href)); }
    if (health instanceof HTMLAnchorElement) { event.preventDefault(); show(root, "items", false); go(new URL(health.href)); place.scrollIntoView({ block: "nearest" }); }
  });
  let timer = 0;
  search?.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      const url = new URL(location.href);
      if (search.value.trim()) url.searchParams.set("q", search.value.trim()); else url.searchParams.delete("q");
      history.replaceState(null, "", url);
      look();
    }, 200);
  });
  addEventListener("popstate", () => { if (search) search.value = new URLSearchParams(location.search).get("q") ?? ""; look(); });

  const ask = (): void => {
    const count = grid.selected.size, title = one("#delete-items-title", goodbye), going = one("[data-going]", goodbye);
    if (title) title.textContent = `Delete ${count} item${count === 1 ? "" : "s"}?`;
    if (going) going.textContent = "Their annotations go with them. Versions made before keep them. This cannot be undone.";
    goodbye.showModal();
  };
  one("[data-delete-selected]", bar)?.addEventListener("click", ask);
  one("[data-clear]", bar)?.addEventListener("click", () => grid.clear());
  one("[data-select-all]", bar)?.addEventListener("click", () => void grid.selectAll((share) => { const says = one("[data-selected-count]", bar); if (says) says.textContent = `${Math.round(100 * share)}\u2009%`; }).catch((error: unknown) => problem(wrong, error)));
  goodbye.addEventListener("close", () => {
    if (goodbye.returnValue === "delete") void remove([...grid.selected]);
    goodbye.returnValue = "";
  });
  const remove = async (ids: string[]): Promise<void> => {
    try {
      for (let at = 0; at < ids.length; at += 5000) await call("POST", `/api/datasets/${id}/items/delete`, { ids: ids.slice(at, at + 5000) });
      grid.clear();
      toast(`${ids.length} item${ids.length === 1 ? "" : "s"} deleted`);
    } catch (error) {
      problem(wrong, error);
    }
    changed();
  };
  const counting = throttled(() => void splitCounts(root, id), 3000);
  look();
  counting();
  restore(place);
  return () => { grid.refresh(); counting(); };
}

/** How many items each part of the split has: asked, because cards decide it. */
async function splitCounts(root: HTMLElement, id: string): Promise<void> {
  for (const chip of all("[data-chip=split]", root)) {
    const page = await call<{ total: number }>("GET", `/api/datasets/${id}/items?limit=1&split=${chip.dataset["value"]}`).catch(() => null);
    const place = one("[data-chip-count]", chip);
    if (place && page) place.textContent = String(page.total);
  }
}

/** Coming back, the list is where it was: the browser restores before there are rows to scroll to. */
function restore(grid: HTMLElement): void {
  const key = `rcg-grid:${location.pathname}`;
  addEventListener("pagehide", () => sessionStorage.setItem(key, String(scrollY)));
  const [entry] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  const at = Number(sessionStorage.getItem(key) ?? 0);
  if (!at || entry?.type === "navigate") return;
  const watch = new ResizeObserver(() => { if (grid.offsetHeight > 0) { scrollTo(0, at); if (scrollY >= at - 2) watch.disconnect(); } });
  watch.observe(grid);
  setTimeout(() => watch.disconnect(), 3000);
}
