// Weights to begin with: added files, models' weights and official ones; a file is added, an official one fetched, right here.
import { call, explain, send } from "../../lib/api";
import { h, icon } from "../../lib/dom";
import { listen } from "../../lib/live";
import { bytes } from "../../lib/time";
import { follow, type Job, problem } from "../studio/job";
import type { Choice } from "./plan";

interface WeightsFile { id: string; sha256: string; name: string; bytes: number; source: string; backbone: string | null }
interface Official { backbone: string; trained_on: string; file_name: string | null; host: string | null; about_bytes: number | null; weights: WeightsFile | null; job_id: string | null }
interface Listing { files: WeightsFile[]; models: { name: string; sha256: string; backbone: string }[]; official: Official[] }
type Choose = (value: unknown) => void;

const KIND = "official_weights";

/** What can be chosen, and the buttons below the choice. Forms come and go with the plan; this stays, with what is under way. */
export class Shelf {
  choices: Choice[] = [];
  readonly element: HTMLElement;
  private official: Official[] = [];
  private backbone = "";
  private choose: Choose = () => undefined;
  private redraw = (): void => undefined;
  private readonly input = h("input", { type: "file", accept: ".safetensors,.pt,.pth,.bin", hidden: true, "data-weights-file": true });
  private readonly add = h("button", { type: "button", class: "button small", "data-weights-add": true }, icon("upload"), "Add a file\u2026");
  private readonly get = h("button", { type: "button", class: "button small", "data-weights-official": true, hidden: true });
  private readonly from = h("span", { class: "small faint", hidden: true });
  private readonly adding = h("div", { "aria-live": "polite" });
  private readonly getting = h("div", { "aria-live": "polite" });
  private readonly followed = new Set<string>();
  private readonly asked = new Set<string>();

  constructor() {
    this.element = h("div", { class: "stack tight tr-weights" }, h("div", { class: "row" }, this.add, this.get, this.input), this.from, h("div", {}, this.adding, this.getting));
    this.add.addEventListener("click", () => this.input.click());
    this.input.addEventListener("change", () => { const file = this.input.files?.[0]; this.input.value = ""; if (file) void this.upload(file); });
    this.get.addEventListener("click", () => void this.fetch(this.backbone));
    listen((event) => {
      // One that another page or the command line asked for; one of ours is followed already.
      if (event.kind === "state" && event.data["job_kind"] === KIND && !this.followed.has(String(event.data["job_id"]))) this.load().catch(() => undefined);
    });
  }

  /** Binds it to the form that shows it now. */
  attach(choose: Choose, redraw: () => void): void {
    this.choose = choose;
    this.redraw = redraw;
  }

  /** The plan's backbone: whose official weights are offered. */
  of(backbone: string): void {
    this.backbone = backbone;
    this.offer();
  }

  async load(): Promise<void> {
    const found = await call<Listing>("GET", "/api/weights");
    this.official = found.official;
    this.choices = [
      ...found.files.map((each): Choice => ({ value: named(each), title: `${each.name}${each.source === "official" ? `, official for ${each.backbone ?? "?"}` : `, ${bytes(each.bytes)}`}` })),
      ...found.models.map((each): Choice => ({ value: named(each), title: `Those of ${each.name}, ${each.backbone}` })),
    ];
    this.offer();
    this.redraw();
    for (const each of found.official) if (each.job_id && !this.followed.has(each.job_id)) void this.watch(each.job_id, each.backbone);
  }

  private offer(): void {
    const one = this.official.find((each) => each.backbone === this.backbone);
    const wanted = one !== undefined && one.weights === null;
    this.get.hidden = !wanted;
    this.from.hidden = !wanted;
    if (!one || !wanted) return;
    const size = one.about_bytes === null ? "" : `about ${bytes(one.about_bytes)}`;
    this.get.replaceChildren(icon("download"), ["Get official weights", [size, one.host && `from ${one.host}`].filter(Boolean).join(" ")].filter(Boolean).join(": "));
    this.get.disabled = one.job_id !== null;
    this.from.textContent = one.job_id ? "" : `${one.file_name ?? "The official file"} for ${one.backbone}, trained on ${one.trained_on}. Nothing is fetched before you ask.`;
  }

  private async upload(file: File): Promise<void> {
    const bar = h("progress", { class: "bar", max: 1, value: 0, "aria-label": `Upload of ${file.name}` }), says = h("span", { class: "truncate" }, `Sending ${file.name}`);
    const stop = new AbortController();
    this.adding.replaceChildren(h("div", { class: "progress" }, bar, h("div", { class: "says" }, says, h("button", { class: "button quiet small", type: "button", onclick: () => stop.abort() }, "Cancel"))));
    this.add.disabled = true;
    const form = new FormData();
    form.append("files", file, file.name);
    try {
      const answer = await send<{ files: { weights: WeightsFile | null }[] }>("POST", "/api/weights", form, (share) => {
        bar.value = share;
        says.textContent = share < 1 ? `Sending ${file.name}, ${bytes(share * file.size)} of ${bytes(file.size)}` : `Checking ${file.name}`;
      }, undefined, stop.signal);
      this.adding.replaceChildren();
      await this.load();
      const made = answer.files[0]?.weights;
      if (made) this.choose(named(made));
    } catch (error) {
      problem(this.adding, error);
    } finally {
      this.add.disabled = false;
    }
  }

  private async fetch(backbone: string): Promise<void> {
    this.get.disabled = true;
    this.asked.add(backbone);
    try {
      const answer = await call<{ weights: WeightsFile | null; job: Job | null }>("POST", "/api/weights/official", { backbone });
      if (answer.job) await this.watch(answer.job.id, backbone);
      else { await this.load(); this.chosen(backbone); }
    } catch (error) {
      problem(this.getting, error);
      this.asked.delete(backbone);
      this.get.disabled = false;
    }
  }

  /** Follows a download to its end, once, wherever it was asked for. */
  private async watch(id: string, backbone: string): Promise<void> {
    if (this.followed.has(id)) return;
    this.followed.add(id);
    try {
      await follow(await call<Job>("GET", `/api/jobs/${id}`), this.getting);
      await this.load();
      this.chosen(backbone);
    } catch (error) {
      await this.load().catch(() => undefined);
      problem(this.getting, explain(error));
    } finally {
      this.asked.delete(backbone);
      this.followed.delete(id);
    }
  }

  /** Chooses official weights that were asked for on this page, if their backbone is still the plan's. */
  private chosen(backbone: string): void {
    const here = this.official.find((each) => each.backbone === backbone)?.weights;
    if (here && this.asked.has(backbone) && this.backbone === backbone) this.choose(named(here));
  }
}

const named = (each: { sha256: string; name: string }): { sha256: string; name: string } => ({ sha256: each.sha256, name: each.name });
