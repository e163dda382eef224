// The phone's own database of frames that wait, by the hash of their bytes.
import { ApiError, call, errorOf } from "../lib/api";
import type { Entry, Store, Taken } from "./spool";

const wanted = <T>(request: IDBRequest<T>): Promise<T> => new Promise((resolve, reject) => { request.onsuccess = () => resolve(request.result); request.onerror = () => reject(request.error ?? new Error("the browser's database failed")); });

export async function openStore(): Promise<Store> {
  const request = indexedDB.open("rcg-capture", 1);
  request.onupgradeneeded = () => request.result.createObjectStore("frames", { keyPath: "sha256" });
  const db = await wanted(request);
  const write = (change: (frames: IDBObjectStore) => void): Promise<void> => new Promise((resolve, reject) => {
    // On the disk before the next light is asked for; browsers that know no durability ignore the wish.
    const transaction = db.transaction("frames", "readwrite", { durability: "strict" });
    change(transaction.objectStore("frames"));
    transaction.oncomplete = () => resolve();
    transaction.onerror = transaction.onabort = () => reject(fullOr(transaction.error));
  });
  return {
    all: () => wanted(db.transaction("frames").objectStore("frames").getAll() as IDBRequest<Entry[]>),
    put: (entry) => write((frames) => frames.put(entry)),
    remove: (sha256) => write((frames) => frames.delete(sha256)),
  };
}

/** What a full phone says, in words: the light is taken again once there is room. */
function fullOr(error: DOMException | null): Error {
  if (error && error.name !== "QuotaExceededError") return error;
  return new ApiError(0, "phone_full", "This phone has no room for the frame.", "Make room on it, or wait until the frames that wait are sent; then go on.");
}

/** Where there is no database (some private windows) frames wait in memory, and a reload loses them: the page says so. */
export function memoryStore(): Store {
  const kept = new Map<string, Entry>();
  return {
    all: () => Promise.resolve([...kept.values()]),
    put: (entry) => { kept.set(entry.sha256, entry); return Promise.resolve(); },
    remove: (sha256) => { kept.delete(sha256); return Promise.resolve(); },
  };
}

export async function hashOf(bytes: ArrayBuffer): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The bytes first, then what they are. The server hashes them itself. */
export async function sendFrame(entry: Entry): Promise<Taken> {
  let answer: Response;
  try {
    answer = await fetch(`/api/blobs/${entry.sha256}`, { method: "PUT", body: entry.bytes, headers: { "content-type": entry.type, accept: "application/json" } });
  } catch {
    throw errorOf(0, { error: "unreachable", detail: "RCG does not answer." }) satisfies ApiError;
  }
  const body: unknown = await answer.json().catch(() => null);
  if (!answer.ok) throw errorOf(answer.status, body);
  if ((body as { sha256?: string } | null)?.sha256 !== entry.sha256) throw errorOf(0, { detail: "The server confirmed another file." });
  return call<Taken>("PUT", `/api/capture/sessions/${entry.session}/frames/${entry.light}`, { sha256: entry.sha256, ...entry.meta });
}
