// The phone: which session, what is to be taken, and what happens on a tap.
import { ApiError, call, explain } from "../lib/api";
import { all, from, one } from "../lib/dom";
import type { LiveEvent } from "../lib/live";
import { Aim } from "./aim";
import { Asked } from "./asked";
import { allowSound, stayOn, tick, tremble } from "./awake";
import { Camera, CameraError } from "./camera";
import { Files } from "./files";
import { Guide, type Look } from "./guide";
import { Lamp } from "./lamp";
import { type Held, hold, sentence } from "./lock";
import { Options } from "./options";
import { Screen, asking, picturesOf } from "./screen";
import { measureLights } from "./settle";
import { Stopped, askLight, shootSide } from "./shoot";
import { type Entry, Spool } from "./spool";
import { memoryStore, openStore, sendFrame } from "./store";
import { type Session, isOpen, lightWord } from "./types";

const TELL_MS = 600;

export class Phone {
  private readonly screen = new Screen();
  private readonly asked = new Asked((pending) => this.ask(pending?.words ?? null));
  private readonly aim = new Aim(this.screen, () => (this.stopper || this.screen.place !== "shoot" ? null : this.session));
  private readonly lamp = new Lamp();
  private spool!: Spool;
  private files: Files | null = null;  // in place of the camera
  private wanted: string | null = null;  // a session that could not be fetched yet
  private session: Session | null = null;
  private camera: Camera | null = null;
  private guide: Guide | null = null;
  private held: { for: string; how: Held } | null = null;
  private stopper: AbortController | null = null;
  private now: string | null = null;
  private retake: string | null = null;
  private toldAt = 0;
  private dims = "";  // said beside the figures where the browser lets the screen go dark
  private readonly options = new Options();

  async start(): Promise<void> {
    const store = await openStore().catch(() => null);
    if (!store) this.screen.problem("This browser keeps nothing for this page.", "Frames wait in memory: do not reload before they are sent. A window that is not private keeps them.");
    this.spool = new Spool(store ?? memoryStore(), sendFrame, {
      waiting: (entries, problem) => { this.screen.waiting(entries, problem); this.draw(); },
      taken: (_entry, answer) => this.take(answer.session),
      refused: (entry, error) => this.refused(entry, error),
    });
    await this.spool.open();
    for (const [target, name] of [[window, "online"], [window, "pageshow"], [document, "visibilitychange"]] as [EventTarget, string][]) target.addEventListener(name, () => this.woken());
    document.addEventListener("click", (event) => this.click(event));
    this.options.bind(this.screen.auto, {
      canMeasure: () => Boolean(this.session && this.camera && this.session.rig?.acknowledged_by !== "person"),
      measureLights: () => void this.measureLights(),
      useFiles: () => this.withFiles(),
      cancel: () => void this.cancel(),
    });
  }

  /** Shows a session; an older state of it than what is shown is left aside. */
  take(session: Session): void {
    if (this.session?.id !== session.id) { if (!isOpen(session)) return; this.begin(session); return; }
    if (session.revision < this.session.revision) return;
    const turned = session.side !== this.session.side;
    this.session = session;
    if (session.state === "cancelled") { this.cancelled(); return; }
    if (turned) this.retake = null;
    this.checked(session);
    this.screen.head(session);
    this.draw();
    this.settle();
  }

  begin(session: Session): void {
    this.session = session;
    this.held = null; this.retake = null; this.now = null;
    history.replaceState(null, "", `/capture/?session=${session.id}`);
    this.screen.head(session);
    this.screen.calm();
    this.screen.trouble("");
    this.screen.open("shoot");
    this.draw();
    if (this.files) this.withFiles(); else void this.look();
  }

  /** Whether a card is being photographed: a new version of this page waits. */
  get busy(): boolean { return this.screen.place === "shoot" || (this.session !== null && isOpen(this.session)); }

  async goOn(id: string): Promise<void> {
    this.wanted = null;
    try {
      const session = await call<Session>("GET", `/api/capture/sessions/${id}`);
      if (isOpen(session)) { this.begin(session); return; }
      this.session = session;
      this.settle();
    } catch (error) {
      const known = explain(error);
      if (known.status === 404) { this.leave(); return; }
      this.wanted = id;
      this.screen.trouble(known.detail, "It goes on as soon as the server answers. Frames on this phone are kept.");
    }
  }

  hear(event: LiveEvent): void {
    if (event.kind === "hello" || event.kind === "reset") { void this.reload(); return; }
    if (event.kind === "progress" && event.data["job_id"] === this.session?.job_id) this.screen.grading(Number(event.data["progress"] ?? 0));
    if (event.kind === "state" && event.data["job_id"] === this.session?.job_id) void this.graded();
    if (event.kind === "state" && event.data["job_kind"] === "frame_look" && event.data["state"] === "done" && event.data["subject"] === `session:${this.session?.id}`) void this.reload();
    if (event.kind !== "capture") return;
    if (this.session) this.asked.hear(event, this.session);
    if (event.data["type"] !== "session") return;
    const state = event.data["state"] as Session;
    const waitsForOne = this.screen.place === "choose" || (this.screen.place === "done" && !this.sideMissing().length);
    if (state.id === this.session?.id || (waitsForOne && state.state === "ready" && state.revision === 0)) this.take(state);
  }

  private async reload(): Promise<void> {
    if (!this.session) { await (this.wanted ? this.goOn(this.wanted) : this.begunSince()); return; }
    const session = await call<Session>("GET", `/api/capture/sessions/${this.session.id}`).catch(() => null);
    if (session) this.take(session);
    void this.spool.flush();
  }

  /** Takes up what the desk began between the page's making and its first event. */
  private async begunSince(): Promise<void> {
    const known = new Set(all("[data-open]").map((each) => each.dataset["open"]));
    const open = await call<{ items: Session[] }>("GET", "/api/capture/sessions?open=true").catch(() => null);
    const fresh = open?.items.find((session) => session.state === "ready" && !known.has(session.id));
    if (fresh && !this.session) this.begin(fresh);
  }

  // The camera, and what it sees

  private async look(): Promise<void> {
    this.screen.button("Shoot", false);
    try {
      if (this.camera && !this.camera.live) { this.camera.close(); this.camera = null; }
      this.camera ??= await Camera.open(this.screen.video);
    } catch (error) {
      const known = error instanceof CameraError ? error : new CameraError(String(error), "");
      this.screen.advise(known.message);
      this.screen.problem(known.message, known.hint, { word: "Try again", run: () => void this.look() }, { word: "Use the camera app", run: () => this.withFiles() });
      return;
    }
    if (!this.camera.takesPhotos) this.options.mode = "stream";
    this.dims = await stayOn() ? "" : ". This browser does not keep the screen on: touch it now and then.";
    this.guide?.end();
    this.guide = new Guide(this.camera, (look) => this.seen(look));
    this.guide.start();
    this.aim.start();
  }

  /** Photographs of the camera app from now on: it has to be told apart from what this page measures by. */
  private withFiles(): void {
    const input = one<HTMLInputElement>("[data-file]");
    if (!input) return;
    this.guide?.stop();
    this.camera?.close();
    this.camera = null;
    this.files ??= new Files(input, () => { this.screen.button("Open camera", true, true); this.screen.advise(`${this.now === "ambient" ? "The lights are off" : `Light ${this.now} is on`}. Take its photograph.`); });
    this.screen.held("Photographs of a camera app alter brightness: this side will be marked as not photometric.");
    this.screen.advise("Each light comes on in turn; your camera app takes the photograph. Not photometric.");
    this.screen.button("Begin", this.todo().length > 0);
  }

  private seen(look: Look): void {
    if (this.stopper || this.screen.place !== "shoot" || !this.session) return;
    this.screen.outlineOf(look);
    const left = this.todo();
    this.screen.advise(this.retake ? `Take ${this.retake === "ambient" ? "the frame without light" : `light ${this.retake}`} again. ${look.words}` : left.length ? look.words : "Every frame of this side is taken.");
    this.screen.button(this.retake ? "Retake" : "Shoot", left.length > 0, look.good);
    this.screen.figures(`${this.camera?.width ?? 0} × ${this.camera?.height ?? 0} px, ${look.fps} looks a second, ${look.ms.toFixed(0)} ms each${look.beside ? "" : ", in the page itself"}${this.dims}`);
    this.mirror(look.words, look.gates as unknown as Record<string, boolean>, null);
    if (this.options.auto && this.guide?.steady && left.length && !this.retake) void this.shoot();
  }

  private mirror(words: string, gates: Record<string, boolean>, light: string | null): void {
    const now = performance.now();
    if (!this.session || now - this.toldAt < TELL_MS) return;
    this.toldAt = now;
    void call("POST", `/api/capture/sessions/${this.session.id}/guidance`, { words, gates, light }).catch(() => undefined);
  }

  // The frames

  private sideMissing(): string[] {
    const { session } = this;
    if (!session) return [];
    const waiting = new Set(this.spool.of(session.id, session.side).map((entry) => entry.light));
    return session.missing.filter((light) => !waiting.has(light));
  }

  private todo(): string[] { return this.retake ? [this.retake] : this.sideMissing(); }

  private async shoot(): Promise<void> {
    const { session } = this, camera = this.files ?? this.camera;
    const lights = this.todo();
    if (!session || !camera || this.stopper || !lights.length) return;
    allowSound();
    const stop = this.stopper = new AbortController();
    this.screen.calm();
    this.screen.stop.hidden = false;
    this.screen.outlineOf(null);
    this.guide?.stop();
    this.asked.watch(session);
    try {
      if (camera instanceof Camera) await this.holdCamera(session, camera);
      await shootSide(session, lights, camera, this.files ? "file" : this.options.mode, this.files ? [] : this.held?.how.held ?? [], this.spool, {
        asking: (light) => { this.now = light; this.draw(); this.screen.button("…", false); this.screen.advise(asking(light)); this.mirror(asking(light), {}, light); },
        lit: () => undefined,
        kept: (light) => { if (this.now === light) this.now = null; this.retake = null; tick(); tremble(20); this.draw(); },
        away: () => this.screen.advise("RCG does not answer. Going on as soon as it does."),
      }, stop.signal);
      tick(1320, 0.15);
      tremble([30, 60, 30]);
    } catch (error) {
      if (!(error instanceof Stopped) && !stop.signal.aborted) this.failed(error);
    } finally {
      this.stopper = null;
      this.now = null;
      this.asked.done();
      this.screen.stop.hidden = true;
      this.draw();
      if (!this.sideMissing().length) this.screen.advise("Sending the frames.");
      else if (this.files) this.withFiles();
      else { this.guide?.start(); void this.aim.light(); }
      this.settle();
    }
  }

  /** Switches every light on and off while the camera watches. */
  private async measureLights(): Promise<void> {
    const { session, camera } = this;
    if (!session || !camera || this.stopper) return;
    const stop = this.stopper = new AbortController();
    this.guide?.stop();
    this.screen.calm();
    this.screen.stop.hidden = false;
    this.screen.button("…", false);
    let words = "";
    try {
      await this.holdCamera(session, camera);
      words = await measureLights(session, camera, (says) => this.screen.advise(says), stop.signal);
    } catch (error) {
      this.failed(error);
    }
    this.stopper = null;
    this.screen.stop.hidden = true;
    if (words) this.screen.remark(words);
    this.guide?.start();
    void this.aim.light();
  }

  private async holdCamera(session: Session, camera: Camera): Promise<void> {
    const key = `${session.id}:${session.side}`;
    if (this.held?.for === key) return;
    const able = camera.capabilities;
    const any = ["exposureMode", "whiteBalanceMode", "focusMode"].some((name) => Array.isArray(able[name]) && (able[name] as string[]).includes("manual"));
    if (any) {
      this.screen.advise("Setting the exposure. Hold still.");
      if (session.rig && session.rig.acknowledged_by !== "person") await askLight(session.id, "all");
    }
    const how = any ? await hold(camera) : { held: [], not: ["exposure", "white balance", "focus"], notes: [] };
    this.held = { for: key, how };
    this.screen.held([sentence(how), ...how.notes].join(" "));
  }

  private failed(error: unknown): void {
    const known = error instanceof CameraError ? { detail: error.message, hint: error.hint } : explain(error);
    tremble([80, 40, 80]);
    this.screen.problem(known.detail, known.hint, { word: "Go on", run: () => void this.shoot() });
  }

  private refused(entry: Entry, error: ApiError): void {
    tremble([80, 40, 80]);
    this.screen.problem(error.detail, error.hint);
    if (entry.session === this.session?.id) void this.reload();
  }

  private ask(words: string | null): void {
    if (!this.stopper || !this.session) return;
    if (words === null) { this.screen.button("…", false); return; }  // answered: a tap would go nowhere
    this.screen.advise(words);
    if (this.session.rig?.acknowledged_by === "person") { this.screen.button("Lit", true, true); tremble(15); }
  }

  // What comes after a side

  private settle(): void {
    const { session } = this;
    if (!session || this.stopper || session.missing.length || this.spool.of(session.id, session.side).length) return;
    const wrong = this.lamp.wrong(session)[0];
    if (wrong) { this.takeAgain(wrong.light); return; }
    if (this.screen.place === "shoot") { this.guide?.stop(); this.aim.stop(); }
    if (session.next_side) {
      this.screen.grading(null);
      this.screen.done(`The ${session.side} is done`, `Turn the card over: the ${session.next_side} comes now.`, [
        { word: `Photograph the ${session.next_side}`, primary: true, icon: "camera", run: () => void this.turn() }, this.again(session)]);
      return;
    }
    this.camera?.close();
    this.camera = null;
    const name = session.card?.name ?? "The card";
    this.screen.done(`${name} is taken`, session.problem ? `${session.problem.detail} ${session.problem.hint}` : "It is being graded. The next card need not wait.", [
      { word: "Next card", primary: true, icon: "camera", run: () => void this.nextCard() },
      ...(session.card ? [{ word: "Look at the card", run: () => location.assign(`/grade/cards/${session.card?.id}`) }] : []),
      this.again(session), { word: "Done", run: () => this.leave() }]);
    document.dispatchEvent(new Event("rcg-idle"));
    void this.graded();
  }

  private again(session: Session): { word: string; run: () => void } {
    return { word: "Take a frame again", run: () => this.takeAgain(session.wanted.find((light) => light !== "ambient") ?? null) };
  }

  private takeAgain(light: string | null): void {
    if (this.screen.place === "shoot" && this.retake === light) return;
    const away = this.screen.place !== "shoot";
    this.screen.open("shoot");
    this.retake = light;
    this.draw();
    if (this.files) this.withFiles(); else if (away || !this.camera) void this.look(); else this.guide?.start();
  }

  /** Says what the server found of the side that a lamp was held at. */
  private checked(session: Session): void {
    const news = this.lamp.news(session);
    if (!news) return;
    if ("words" in news) { this.screen.remark(news.words); return; }
    const { frame } = news;
    tremble([80, 40, 80]);
    this.screen.problem(frame.check?.words ?? "", "Hold the lamp at the mat's number, and take this frame again.",
      { word: `Take ${lightWord(frame.light)} again`, run: () => { if (!this.stopper) this.takeAgain(frame.light); } },
      { word: "Keep it", run: () => { this.lamp.keep(frame); this.retake = null; this.draw(); this.settle(); } });
  }

  private async turn(): Promise<void> {
    try {
      const session = await call<Session>("POST", `/api/capture/sessions/${this.session?.id}/side`, {});
      this.session = session;
      this.begin(session);
    } catch (error) { this.screen.says(`${explain(error).detail} ${explain(error).hint}`); }
  }

  private async nextCard(): Promise<void> {
    try {
      this.begin(await call<Session>("POST", `/api/capture/sessions/${this.session?.id}/next-card`, {}));
    } catch (error) { this.screen.says(`${explain(error).detail} ${explain(error).hint}`); }
  }

  private async graded(): Promise<void> {
    const id = this.session?.job_id;
    if (!id || this.screen.place !== "done") return;
    const job = await call<{ id: string; state: string; progress: number; result: { grade_id?: string } | null; error: { detail: string } | null }>("GET", `/api/jobs/${id}`).catch(() => null);
    if (!job || job.id !== this.session?.job_id || this.screen.place !== "done") return;
    this.screen.grading(job.state === "queued" || job.state === "running" ? job.progress : null);
    if (job.state === "failed" || job.state === "dead") this.screen.says(`The grading failed: ${job.error?.detail ?? "no reason was given"}`);
    const grade = job.result?.grade_id;
    if (job.state !== "done" || !grade) return;
    this.screen.report(grade);
  }

  private async cancel(): Promise<void> {
    if (!this.session) return;
    try {
      await call("POST", `/api/capture/sessions/${this.session.id}/cancel`);
      this.cancelled();
    } catch (error) { this.failed(error); }
  }

  private cancelled(): void {
    this.stopper?.abort();
    this.leave();
    this.screen.advise("");
  }

  private leave(): void {
    this.stopper?.abort();
    this.guide?.stop();
    this.aim.stop();
    this.camera?.close();
    this.camera = null;
    this.session = null;
    location.assign("/capture/");
  }

  // Small things

  private draw(): void {
    const { session } = this;
    if (!session) return;
    const waiting = this.spool.of(session.id, session.side), kept = new Set(waiting.map((entry) => entry.light));
    const sent = new Set(session.frames.filter((frame) => frame.side === session.side).map((frame) => frame.light));
    this.screen.ring(session, (light) => (light === this.now ? "now" : kept.has(light) ? "kept" : sent.has(light) ? "sent" : ""));
    this.screen.thumbs(picturesOf(session, waiting), this.retake, (light) => { if (!this.stopper) { this.retake = this.retake === light ? null : light; this.draw(); this.guide?.start(); } });
  }

  private woken(): void {
    void this.spool.flush();
    if (document.visibilityState !== "visible" || !(this.session ?? this.wanted)) return;
    void this.reload();
    if (this.screen.place === "shoot" && this.camera && !this.camera.live) void this.look();
  }

  private click(event: Event): void {
    const open = from(event, "[data-go-on]");
    if (open) void this.goOn(open.dataset["goOn"] ?? "");
    if (from(event, "[data-go]")) {
      if (this.files?.waits) this.files.open();
      else if (this.asked.pending && this.session?.rig?.acknowledged_by === "person") { this.screen.button("…", false); void this.asked.answer(this.session).catch((error: unknown) => this.failed(error)); }
      else void this.shoot();
    }
    if (from(event, "[data-stop]")) { this.stopper?.abort(); this.files?.stop(); this.screen.advise("Stopping after this light."); }
    if (from(event, "[data-leave]")) this.leave();
  }
}
