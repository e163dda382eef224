// What this computer is doing, asked for gently and only while somebody looks.
import { call } from "../lib/api";
import { all, one } from "../lib/dom";
import { bytes } from "../lib/time";

interface Reading { share: number | null; figure: string; detail: string; tight: boolean }
interface Gpu { name: string; memory_used_bytes: number; memory_total_bytes: number; busy_percent: number | null }
interface System {
  cpu: { percent: number; cores: number }; memory: { available_bytes: number; total_bytes: number };
  disk: { free_bytes: number; total_bytes: number; files_bytes: number }; gpus: Gpu[]; gpu_note: string | null;
}

const percent = (share: number | null): string => (share === null ? "-" : `${Math.round(100 * share)}\u2009%`);
const reading = (share: number | null, detail: string, tight = false): Reading => ({ share, figure: percent(share), detail, tight });

function readings(system: System): Record<string, Reading> {
  const { cpu, memory, disk } = system, gpu = system.gpus[0], used = 1 - memory.available_bytes / memory.total_bytes;
  const full = 1 - disk.free_bytes / disk.total_bytes;
  return {
    cpu: reading(cpu.percent / 100, `${cpu.cores} cores`),
    memory: reading(used, `${bytes(memory.available_bytes)} free of ${bytes(memory.total_bytes)}`, used > 0.9),
    disk: reading(full, `${bytes(disk.free_bytes)} free, RCG's files take ${bytes(disk.files_bytes)}`, full > 0.95),
    gpu: gpu
      ? reading(gpu.busy_percent === null ? null : gpu.busy_percent / 100, `${gpu.name}, ${bytes(gpu.memory_total_bytes - gpu.memory_used_bytes)} free of ${bytes(gpu.memory_total_bytes)}`)
      : reading(null, system.gpu_note ?? "none found"),
  };
}

export function mount(root: HTMLElement): void {
  const show = async (): Promise<void> => {
    if (document.hidden) return;
    let system: System;
    try { system = await call<System>("GET", "/api/system"); } catch { return; }
    for (const [id, reading] of Object.entries(readings(system))) {
      const gauge = all("[data-gauge]", root).find((element) => element.dataset["gauge"] === id);
      if (!gauge) continue;
      const bar = one<HTMLProgressElement>("progress", gauge);
      if (bar) {
        bar.value = reading.share ?? 0;
        bar.classList.toggle("warn", reading.tight);
        bar.hidden = reading.share === null;
      }
      const set = (selector: string, text: string): void => { const element = one(selector, gauge); if (element) element.textContent = text; };
      set("[data-figure]", reading.figure);
      set("[data-detail]", reading.detail);
      one("[data-detail]", gauge)?.setAttribute("title", reading.detail);
    }
  };
  void show();
  setInterval(() => void show(), 4000);
  document.addEventListener("visibilitychange", () => void show());
}
