// A rig's page: its lights to try, its settings.
import { call, explain } from "../../lib/api";
import { all, from, h, notice, one } from "../../lib/dom";
import { listen } from "../../lib/live";
import { toast, toastError } from "../../lib/toast";
import type { Places } from "./places";
import { chosenKind, readConfig, readPlaces, showKind } from "./rig-form";
import { mark, sideView, sideWords, topView } from "./ring";

interface Ack { light: string | null; took_ms: number; wait_ms: number }
interface Now { open: boolean; light: string | null; pending: { seq: number; light: string | null; words: string } | null; answered: string | null; notes: string[] }
interface Tested { answered: string; notes: string[]; lights: { light: string; took_ms: number }[]; median_ms: number; p95_ms: number; says: string }
const THIN = "\u2009";
const said = (light: string | null): string => (light === null ? "Dark" : light === "all" ? "Every light is on" : `Light ${light} is on`);

export function mount(root: HTMLElement): void {
  const id = root.dataset["rig"] ?? "", form = one<HTMLFormElement>("[data-form]", root);
  let places = JSON.parse(root.dataset["places"] ?? "{}") as Places;
  let busy = false, shown_seq = 0;

  const draw = (): void => {
    one("[data-top]", root)?.replaceChildren(topView(places, id ? (light) => void show(light) : undefined));
    one("[data-side]", root)?.replaceChildren(sideView(places));
    const words = one("[data-side-says]", root), scale = one("[data-scale]", root);
    if (words) words.textContent = sideWords(places);
    if (scale) scale.textContent = places.kind === "named" ? "Not to scale: the lights' places are not known." : places.kind === "directions" ? "Not to scale: far lights have a direction only." : "To scale, in millimetres.";
  };
  const state = (text: string): void => { const place = one("[data-state]", root); if (place) place.textContent = text; };
  const trouble = (error?: unknown): void => {
    const place = one("[data-trouble]", root);
    if (error === undefined) { place?.replaceChildren(); return; }
    const known = explain(error);
    state("");
    place?.replaceChildren(notice("bad", known.detail, known.hint, known.data ? JSON.stringify(known.data, null, 1) : ""));
  };
  const ask = (pending: Now["pending"]): void => {
    const box = one("[data-asked]", root), words = one("[data-words]", root), tap = one("[data-tap]", root);
    if (!box || !words || !tap) return;
    box.hidden = !pending || root.dataset["told"] !== "person";
    words.textContent = pending?.words ?? "";
    tap.dataset["seq"] = String(pending?.seq ?? "");
    if (!box.hidden && shown_seq !== pending?.seq) { shown_seq = pending?.seq ?? 0; tap.focus({ preventScroll: true }); box.scrollIntoView({ block: "center" }); }
  };
  const setBusy = (on: boolean): void => {
    busy = on;
    for (const button of all<HTMLButtonElement>("[data-test], [data-release]", root)) button.disabled = on;
  };

  const show = async (light: string | null): Promise<void> => {
    trouble();
    state("Waiting for the acknowledgement");
    const looking = root.dataset["told"] === "person" ? setInterval(() => void now(), 1000) : 0;  // makes up for a lost event
    try {
      const ack = await call<Ack>("POST", `/api/rigs/${id}/light`, { light });
      mark(root, ack.light);
      state(`${said(ack.light)}, acknowledged in ${ack.took_ms.toFixed(1)}${THIN}ms`);
    } catch (error) {
      if (explain(error).code === "light_superseded") return;
      mark(root, null);
      ask(null);
      trouble(error);
    } finally {
      clearInterval(looking);
    }
  };
  const test = async (): Promise<void> => {
    trouble();
    setBusy(true);
    state("Testing");
    try {
      const result = await call<Tested>("POST", `/api/rigs/${id}/test`, {});
      state(`${result.lights.length} lights answered: ${result.answered}`);
      shown(result);
    } catch (error) {
      mark(root, null);
      trouble(error);
    }
    setBusy(false);
  };
  const shown = (result: Tested): void => {
    one("[data-trip]", root)?.replaceChildren(h("span", { class: "figure" }, `${result.median_ms.toFixed(1)}${THIN}ms`), ", at most ", h("span", { class: "figure" }, `${result.p95_ms.toFixed(1)}${THIN}ms`));
    one("[data-notes]", root)?.replaceChildren(...[...result.notes, result.says].map((text) => h("li", {}, text)));
    const table = one("[data-tested]", root);
    if (table) table.hidden = false;
    one("[data-tested] tbody", root)?.replaceChildren(...result.lights.map((item) => h("tr", {}, h("td", {}, item.light), h("td", { class: "digits" }, `${item.took_ms.toFixed(1)}${THIN}ms`))));
  };
  const now = async (): Promise<void> => {
    const found = await call<Now>("GET", `/api/rigs/${id}/light`).catch(() => null);
    if (!found) return;
    mark(root, found.light);
    ask(found.pending);
    if (found.open && found.answered && !busy && !found.pending) state(`${said(found.light)}: ${found.answered}`);
  };

  root.addEventListener("click", (event) => {
    const light = from(event, "[data-light]");
    if (light) void show(light.dataset["light"] || null);
    if (from(event, "[data-test]")) void test();
    if (from(event, "[data-release]")) call("DELETE", `/api/rigs/${id}/light`).then(() => { trouble(); mark(root, null); ask(null); state("The device is as it was found"); }).catch(trouble);
    const tap = from(event, "[data-tap]");
    if (tap) {
      const seq = Number(tap.dataset["seq"]);
      ask(null);
      call("POST", `/api/rigs/${id}/ack`, { seq }).catch(toastError);
    }
    if (from(event, "[data-default]")) call("PATCH", `/api/rigs/${id}`, { is_default: true }).then(() => location.reload()).catch(toastError);
    if (from(event, "[data-delete]")) one<HTMLDialogElement>("#rg-delete", root)?.showModal();
    const kind = from(event, "[data-kinds] button");
    if (kind && form) {
      for (const each of all("[data-kinds] button", form)) each.setAttribute("aria-pressed", String(each === kind));
      showKind(form);
      preview();
    }
  });
  const dialog = one<HTMLDialogElement>("#rg-delete", root);
  dialog?.addEventListener("close", () => {
    if (dialog.returnValue === "delete") call("DELETE", `/api/rigs/${id}`).then(() => location.assign("/capture/rigs")).catch(toastError);
  });

  const preview = (): void => {
    const read = form ? readPlaces(form) : "";
    if (typeof read !== "string") { places = read; draw(); }
  };
  const problem = (what: string, now = ""): void => one("[data-problem]", root)?.replaceChildren(...(what ? [notice("bad", what, now)] : []));
  one<HTMLSelectElement>("[data-driver-choice]", root)?.addEventListener("change", (event) => {
    location.replace(`?driver=${(event.target as HTMLSelectElement).value}`);
  });
  form?.addEventListener("input", (event) => {
    if (event.target instanceof HTMLElement && event.target.matches("[data-driver-choice]")) return;
    showKind(form);
    // What was measured stays drawn until somebody changes what was told.
    if (!root.dataset["measured"] || (event.target instanceof HTMLElement && event.target.closest("[aria-labelledby=rg-places]"))) preview();
  });
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    const read = readPlaces(form), name = one<HTMLInputElement>("[data-name]", form)?.value.trim() ?? "";
    problem("");
    if (!name) { problem("The rig needs a name."); one("[data-name]", form)?.focus(); return; }
    if (typeof read === "string") { problem(read); return; }
    const body: Record<string, unknown> = { name, config: readConfig(form), lights: read };
    const settle = one<HTMLInputElement>("[data-settle]", form);
    if (settle && settle.value !== settle.defaultValue) body["settle_ms"] = settle.value.trim() ? Number(settle.value) : null;
    if (id && root.dataset["driver"] !== root.dataset["current"]) body["driver"] = root.dataset["driver"];
    const done = id ? call<{ id: string }>("PATCH", `/api/rigs/${id}`, body) : call<{ id: string }>("POST", "/api/rigs", { ...body, driver: root.dataset["driver"] });
    done.then((rig) => {
      if (!id) { location.assign(`/capture/rigs/${rig.id}`); return; }
      toast("Saved");
      location.replace(location.pathname);
    }).catch((error: unknown) => { const known = explain(error); problem(known.detail, known.hint); });
  });

  if (form) showKind(form);
  if (root.dataset["measured"]) { places = JSON.parse(root.dataset["measured"]) as Places; draw(); }
  else if (form && chosenKind(form) !== "list") preview();
  else draw();
  if (!id) return;
  void now();
  listen((event) => {
    if (event.kind === "reset" || event.kind === "hello") void now();
    if (event.kind !== "capture" || event.data["rig"] !== id) return;
    if (event.data["type"] === "lit") { mark(root, event.data["light"] as string | null); ask(null); }
    if (event.data["type"] === "light" && event.data["ack"] === true) ask({ seq: Number(event.data["seq"]), light: event.data["light"] as string | null, words: String(event.data["words"] ?? "") });
  });
}
