// A new run: what is chosen stands in the address, every choice asks for a new plan, and launching twice is one run.
import { call, explain } from "../../lib/api";
import { all, from, h, icon, notice, one } from "../../lib/dom";
import { toastError } from "../../lib/toast";
import { changes, say } from "./diff";
import { Fields } from "./fields";
import { type Choice, type Choices, type Plan, body, plan, read } from "./plan";
import { Preflight } from "./preflight";
import { isRecord, list, num, str } from "./rows";
import { Shelf } from "./weights";

interface About { metrics: Choice[]; curl: string; dataset: string; version: number | null; arch: string; preset: string; from: string }
const WAIT_MS = 160;

export function mount(root: HTMLElement): void {
  const about = JSON.parse(root.dataset["about"] ?? "{}") as About;
  const query = new URLSearchParams(location.search);
  const choices: Choices = { dataset: about.dataset, version: about.version, architecture: about.arch, preset: about.preset, set: asked(query) };
  const place = (selector: string): HTMLElement => one(selector, root) ?? h("div");
  const launchButton = one<HTMLButtonElement>("[data-launch]", root), flightButton = one<HTMLButtonElement>("[data-preflight]", root);
  const problem = place("[data-problem]"), launching = place("[data-launch-problem]");
  const recipes: Choice[] = [], weights = new Shelf();
  const fields = new Fields(place("[data-fields]"), { metrics: about.metrics, recipes, weights }, (key, value) => { set(key, value); }, (key) => { choices.set.delete(key); soon(0); });
  const preflight = flightButton ? new Preflight(place("[data-flight]"), flightButton) : null;
  let now: Plan | null = null, token = crypto.randomUUID(), turn = 0, timer = 0, bad = false;

  const set = (key: string, value: unknown): void => {
    choices.set.set(key, value);
    soon(0);
  };
  const soon = (wait = WAIT_MS): void => {
    clearTimeout(timer);
    timer = window.setTimeout(() => void ask(), wait);
    preflight?.stale();
    ready(false);
  };
  const ready = (on: boolean): void => {
    for (const button of [launchButton, flightButton]) if (button && button.getAttribute("aria-busy") !== "true") button.disabled = !on;
  };

  const ask = async (): Promise<void> => {
    if (!choices.dataset) return;
    const mine = ++turn;
    address();
    root.setAttribute("aria-busy", "true");
    try {
      const made = await plan(choices);
      if (mine !== turn) return;
      now = made;
      bad = false;
      // What was set to what is proposed anyway is no change.
      for (const field of made.fields) if (choices.set.has(field.key) && JSON.stringify(field.value ?? null) === JSON.stringify(field.default ?? null)) choices.set.delete(field.key);
      choices.architecture = str(made.spec["architecture"], choices.architecture);
      choices.preset = str(made.spec["preset"], choices.preset);
      problem.replaceChildren();
      show(made);
      ready(true);
    } catch (error) {
      if (mine !== turn) return;
      bad = true;
      wrong(error);
    } finally {
      if (mine === turn) root.removeAttribute("aria-busy");
    }
  };

  /** The plan's own words, next to the field that they name; else above the options. */
  const wrong = (error: unknown): void => {
    const known = explain(error), data = isRecord(known.data) ? known.data : {};
    const key = str(data["field"]) || fields.keys().filter((each) => known.detail.includes(each)).sort((a, b) => b.length - a.length)[0] || "";
    const text = `${known.detail} ${known.hint}`.trim();
    if (key && fields.error(key, text)) { problem.replaceChildren(); return; }
    problem.replaceChildren(notice("bad", known.detail, known.hint));
    if (!now) void offer();
  };
  /** Without a plan there is still something to choose from. */
  const offer = async (): Promise<void> => {
    const found = read({ architectures: await call<unknown[]>("GET", `/api/architectures?dataset_id=${encodeURIComponent(choices.dataset)}`).catch(() => []) });
    if (!now) tiles(found);
    place("[data-fields]").replaceChildren(h("p", { class: "faint small" }, "The options are shown when there is something to plan for."));
  };

  const show = (made: Plan): void => {
    versions(made);
    tiles(made);
    for (const button of all("[data-preset]", root)) button.setAttribute("aria-pressed", String(button.dataset["preset"] === choices.preset));
    fields.draw(made.fields, new Set(choices.set.keys()));
    const warnings = place("[data-warnings]");
    warnings.replaceChildren(...made.warnings.map((each) => notice("warn", each.text, each.action)));
    summary(made);
    const reset = one("[data-reset-all]", root);
    if (reset) { reset.hidden = !choices.set.size; reset.textContent = `Reset all ${choices.set.size}`; }
    snippets();
    address();
  };

  const versions = (made: Plan): void => {
    const select = one<HTMLSelectElement>("[data-version]", root);
    if (!select) return;
    const words = made.versions.map((each): [string, string] => [String(each.number), `v${each.number}${each.train === null ? "" : `, ${each.train} to train on, ${each.val ?? 0} held out`}${each.note ? `, ${each.note}` : ""}`]);
    if (!words.length) words.push(["", "none yet: v1 is made of what is labelled"]);
    select.replaceChildren(...words.map(([value, word]) => h("option", { value }, word)));
    const dataset = isRecord(made.spec["dataset"]) ? made.spec["dataset"] : {};
    select.value = String(choices.version ?? num(dataset["version"]) ?? words[0]?.[0] ?? "");
    if (select.selectedIndex < 0) select.selectedIndex = 0;
  };

  const tiles = (made: Plan): void => {
    const focusedName = document.activeElement instanceof HTMLElement ? document.activeElement.dataset["arch"] : undefined;
    place("[data-architectures]").replaceChildren(...made.architectures.map((each) => {
      const on = each.name === choices.architecture;
      return h("button", { type: "button", class: "tr-arch-tile", "data-arch": each.name, "aria-pressed": String(on), "aria-disabled": each.ok ? null : "true" },
        h("span", { class: "row between together" }, h("strong", {}, each.title), each.ok ? on ? h("span", { class: "badge accent" }, icon("check"), "chosen") : h("span", { class: "badge good" }, "fits") : h("span", { class: "badge" }, icon("circle-slash"), "does not fit")),
        h("span", { class: "small muted" }, each.ok ? each.description || each.reason : each.reason));
    }));
    if (focusedName) one(`[data-arch="${CSS.escape(focusedName)}"]`, root)?.focus();
  };

  const summary = (made: Plan): void => {
    const spec = made.spec, size = list<number>(spec["input_size"]), stop = isRecord(spec["stop"]) ? spec["stop"] : {}, aim = isRecord(stop["target"]) ? stop["target"] : null;
    const rows: [string, string][] = [
      ["Steps", `${say(spec["steps"])} of ${say(spec["batch_size"])} items`],
      ["Sees", list<string>(spec["channels"]).join(", ") || "-"],
      ["At", size.length === 2 ? `${size[0]} \u00d7 ${size[1]}\u2009px` : "-"],
      ["Ends", [aim ? `at ${about.metrics.find((each) => each.value === aim["metric"])?.title ?? str(aim["metric"])} ${say(aim["value"])}` : "", stop["patience"] ? `after ${say(stop["patience"])} evaluations without a better one` : "", "when its steps are done"].filter(Boolean).join(", or ")],
    ];
    place("[data-summary]").replaceChildren(...rows.flatMap(([word, value]) => [h("dt", {}, word), h("dd", {}, value)]));
  };

  const snippets = (): void => {
    const data = { ...body(choices), ...(Object.keys(Object.fromEntries(choices.set)).length ? {} : { set: {} }) };
    const name = one<HTMLSelectElement>("[data-dataset]", root)?.selectedOptions[0]?.dataset["name"] ?? choices.dataset;
    const quote = (text: string): string => (/^[\w.,:=/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
    const cli = ["rcg train", `--dataset ${quote(name)}`, choices.version === null ? "" : `--version ${choices.version}`, `--arch ${choices.architecture}`, `--preset ${choices.preset}`,
      ...[...choices.set].map(([key, value]) => `--set ${quote(`${key}=${typeof value === "string" ? value : JSON.stringify(value)}`)}`), "--wait"].filter(Boolean).join(" \\\n  ");
    const put = (id: string, text: string): void => { const code = one(`#${id} code`, root); if (code) code.textContent = text; };
    put("same-new-cli", cli);
    put("same-new-curl", about.curl.replace("BODY", JSON.stringify(data).replaceAll("'", "'\\''")));
  };

  const address = (): void => {
    const next = new URLSearchParams();
    next.set("dataset", choices.dataset);
    if (choices.version !== null) next.set("version", String(choices.version));
    if (choices.architecture) next.set("arch", choices.architecture);
    if (choices.preset) next.set("preset", choices.preset);
    for (const [key, value] of choices.set) next.set(`set.${key}`, JSON.stringify(value));
    history.replaceState(null, "", `${location.pathname}?${next.toString()}`);
  };

  const launch = async (): Promise<void> => {
    if (!launchButton || bad || launchButton.getAttribute("aria-busy") === "true") return;
    launchButton.setAttribute("aria-busy", "true");
    launchButton.disabled = true;
    launching.replaceChildren();
    try {
      const name = one<HTMLInputElement>("#new-name", root)?.value.trim();
      const run = await call<{ id: string }>("POST", "/api/training/start", { ...body(choices), ...(name ? { name } : {}), launch_token: token });
      location.assign(`/train/runs/${run.id}`);
    } catch (error) {
      const known = explain(error);
      launching.replaceChildren(notice("bad", known.detail, known.hint));
      if (known.status === 422) wrong(error);
      launchButton.removeAttribute("aria-busy");
      launchButton.disabled = false;
    }
  };

  root.addEventListener("click", (event) => {
    const arch = from(event, "[data-arch]"), preset = from(event, "[data-preset]");
    if (arch && arch.getAttribute("aria-disabled") !== "true" && arch.dataset["arch"] !== choices.architecture) { choices.architecture = arch.dataset["arch"] ?? ""; keepFitting("model."); soon(0); }
    if (preset && preset.dataset["preset"] !== choices.preset) { choices.preset = preset.dataset["preset"] ?? ""; soon(0); }
    if (from(event, "[data-reset-all]")) { choices.set.clear(); soon(0); }
    if (from(event, "[data-preflight]")) preflight?.start(choices).catch((error: unknown) => { if (explain(error).status === 422) wrong(error); });
    if (from(event, "[data-launch]")) void launch();
  });
  /** Options of one network mean nothing to another. */
  const keepFitting = (prefix: string): void => { for (const key of [...choices.set.keys()]) if (key.startsWith(prefix)) choices.set.delete(key); };

  one<HTMLSelectElement>("[data-dataset]", root)?.addEventListener("change", (event) => {
    choices.dataset = (event.target as HTMLSelectElement).value;
    choices.version = null;
    choices.architecture = "";
    choices.set.delete("channels");
    keepFitting("model.");
    facts(root, choices.dataset);
    soon(0);
  });
  one<HTMLSelectElement>("[data-version]", root)?.addEventListener("change", (event) => { choices.version = Number((event.target as HTMLSelectElement).value) || null; soon(0); });
  const search = one<HTMLInputElement>("[data-option-search]", root), only = one<HTMLInputElement>("[data-only-changed]", root);
  const sift = (): void => fields.search(search?.value ?? "", only?.checked ?? false);
  search?.addEventListener("input", sift);
  only?.addEventListener("change", sift);
  // A page that the browser kept and shows again by "back" launches another run.
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    token = crypto.randomUUID();
    launchButton?.removeAttribute("aria-busy");
    ready(now !== null && !bad);
  });
  ready(false);
  const begin = async (): Promise<void> => {
    await weights.load().catch(toastError);
    const saved = await call<{ items?: unknown[]; recipes?: unknown[] }>("GET", "/api/recipes").catch(() => null);
    for (const each of list<unknown>(saved?.items ?? saved?.recipes).filter(isRecord)) recipes.push({ value: each["body"] ?? each["recipe"], title: str(each["name"], "Recipe") });
    if (about.from) await again(about.from, choices);
    await ask();
  };
  facts(root, choices.dataset);
  begin().catch(toastError);
}

/** Options that stand in the address, as set.KEY=JSON. */
function asked(query: URLSearchParams): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const [key, value] of query) {
    if (!key.startsWith("set.")) continue;
    try { found.set(key.slice(4), JSON.parse(value)); } catch { found.set(key.slice(4), value); }
  }
  return found;
}

/** Begins with what another run was trained with. */
async function again(run: string, choices: Choices): Promise<void> {
  const former = await call<Record<string, unknown>>("GET", `/api/training/${run}`).catch(() => null);
  if (!former) return;
  choices.architecture ||= str(former["architecture"]);
  choices.preset ||= str(former["preset"]);
  for (const change of changes(former["defaults_diff"])) if (!choices.set.has(change.key)) choices.set.set(change.key, change.value);
}

function facts(root: HTMLElement, dataset: string): void {
  for (const each of all("[data-facts-of]", root)) each.hidden = each.dataset["factsOf"] !== dataset;
}
