// The page that is a light: paints patch k white on black, and answers when two frames have been drawn.
import { call, explain } from "../../lib/api";
import { h, one } from "../../lib/dom";
import * as live from "../../lib/live";

interface Config { rig: string; count: number; patch: number; turn_deg: number; mirrored: boolean }
interface Asked { seq: number; light: string | null; ack: boolean }
const LOOK_MS = 1000;
const APART_MS = 1000 / 3;  // at most three changes a second: photosensitive epilepsy

const drawn = (): Promise<void> => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve())));
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Where patch k is: its centre and diameter in pixels, for a field of that size. */
export function patchAt(index: number, config: Config, width: number, height: number): { x: number; y: number; size: number } {
  const size = config.patch * Math.min(width, height);
  const angle = ((config.turn_deg + (360 * index) / config.count) * Math.PI) / 180;
  const right = Math.sin(angle) * (config.mirrored ? -1 : 1), up = Math.cos(angle);
  // On the rim of the screen, not on a circle: the further apart, the more light comes from the side.
  const reach = 1 / Math.max(Math.abs(right), Math.abs(up));
  return { x: width / 2 + (right * reach * (width - size)) / 2, y: height / 2 - (up * reach * (height - size)) / 2, size };
}

export function mount(root: HTMLElement): void {
  const config = JSON.parse(root.dataset["config"] ?? "{}") as Config;
  const field = one("[data-field]", root), panel = one("[data-start-panel]", root), status = one("[data-status]", root), problem = one("[data-problem]", root);
  if (!field || !panel) return;
  const patches = Array.from({ length: config.count }, () => h("div", { class: "lamp-patch", hidden: true }));
  field.append(...patches);
  let running = false, wanted: Asked | null = null, working = false, changed = 0, newest = 0, lock: WakeLockSentinel | null = null;

  const lay = (): void => patches.forEach((patch, index) => {
    const { x, y, size } = patchAt(index, config, field.clientWidth, field.clientHeight);
    patch.style.left = `${x - size / 2}px`;
    patch.style.top = `${y - size / 2}px`;
    patch.style.width = patch.style.height = `${size}px`;
  });
  const paint = (light: string | null): void => patches.forEach((patch, index) => patch.toggleAttribute("hidden", !(light === "all" || light === String(index + 1))));
  const showing = (): string => patches.map((patch) => Number(!patch.hidden)).join("");

  const work = async (): Promise<void> => {
    if (working) return;
    working = true;
    while (running && wanted && !document.hidden) {
      const before = showing(), left = changed + APART_MS - performance.now();
      if (left > 0) await pause(left);
      const asked: Asked | null = wanted;
      if (!asked) break;
      wanted = null;
      paint(asked.light);
      if (showing() !== before) changed = performance.now();
      await drawn();
      // Somebody tapped meanwhile: what is on the screen is not what was asked for, so it is not acknowledged.
      if (!running) { wanted = wanted ?? asked; break; }
      if (status) status.textContent = asked.light === null ? "Dark" : asked.light === "all" ? "Every light is on" : `Light ${asked.light} is on`;
      if (asked.ack) await call("POST", `/api/rigs/${config.rig}/ack`, { seq: asked.seq }).catch((error: unknown) => {
        const known = explain(error);
        if (known.status !== 409 && problem) problem.textContent = `${known.detail} ${known.hint}`;
      });
    }
    working = false;
  };
  const take = (asked: Asked): void => {
    if (asked.seq <= newest) return;  // heard of twice: by the event and by looking
    newest = asked.seq;
    wanted = asked;
    void work();
  };
  const look = async (): Promise<void> => {
    const now = await call<{ pending: Asked | null; light: string | null }>("GET", `/api/rigs/${config.rig}/light`).catch((error: unknown) => {
      if (explain(error).status === 404) { stop(); if (problem) problem.textContent = "This rig was deleted. Open the page of another one: Capture, Rigs."; }
      return null;
    });
    if (now?.pending) take({ ...now.pending, ack: true });
  };
  const keepAwake = async (): Promise<void> => {
    if (!running || document.hidden || !("wakeLock" in navigator)) return;
    lock = await navigator.wakeLock.request("screen").catch(() => null);
  };

  const start = (): void => {
    running = true;
    panel.hidden = true;
    root.classList.add("running");
    lay();
    void document.documentElement.requestFullscreen?.().catch(() => undefined).then(lay);
    void keepAwake();
    void look();
  };
  const stop = (): void => {
    if (!running) return;
    running = false;
    paint(null);
    root.classList.remove("running");
    panel.hidden = false;
    void lock?.release();
    if (document.fullscreenElement) void document.exitFullscreen();
  };

  const wake = one("[data-wake]", root);
  if (wake) wake.hidden = "wakeLock" in navigator;
  one("[data-start]", root)?.addEventListener("click", (event) => { event.stopPropagation(); start(); });
  root.addEventListener("click", (event) => { if (running && !(event.target instanceof Element && event.target.closest("[data-start]"))) stop(); });
  document.addEventListener("keydown", (event) => { if (running && !["Control", "Meta", "Alt", "Shift"].includes(event.key)) stop(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { void keepAwake(); void look(); } });
  addEventListener("resize", lay);
  // Events are quick; looking makes up for one that was lost, as when a tab that held the stream was put to sleep.
  setInterval(() => { if (running && !document.hidden) void look(); }, LOOK_MS);
  live.listen((event) => {
    if (event.kind === "reset" || event.kind === "hello") void look();
    if (event.kind === "capture" && event.data["type"] === "light" && event.data["rig"] === config.rig) {
      take({ seq: Number(event.data["seq"]), light: event.data["light"] as string | null, ack: event.data["ack"] === true });
    }
  });
  live.start();
}
