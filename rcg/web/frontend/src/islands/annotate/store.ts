// What was not sent yet, in the browser's own database: a reload or a crash of the browser loses none of it.
import type { Store, Waiting } from "./sender";

const LOCK = "rcg-annotate:";
const wanted = <T>(request: IDBRequest<T>): Promise<T> => new Promise((resolve, reject) => { request.onsuccess = () => resolve(request.result); request.onerror = () => reject(request.error); });

export class BrowserStore implements Store {
  private constructor(private readonly db: IDBDatabase, readonly name: string) {}

  /** Opens it for this page. The page holds a lock of its name while it lives, so that others leave its entries alone. */
  static async open(): Promise<BrowserStore> {
    const name = `${Date.now().toString(36)}-${crypto.randomUUID().slice(0, 8)}`;
    const request = indexedDB.open("rcg-annotate", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("ops", { keyPath: "key" });
    const db = await wanted(request);
    await new Promise<void>((resolve) => {
      if (!("locks" in navigator)) { resolve(); return; }
      void navigator.locks.request(LOCK + name, () => { resolve(); return new Promise<void>(() => undefined); });
    });
    return new BrowserStore(db, name);
  }

  async put(entry: Waiting): Promise<void> { await this.write((ops) => ops.put(entry)); }

  async remove(keys: string[]): Promise<void> { await this.write((ops) => keys.forEach((key) => ops.delete(key))); }

  /** What pages that live no more have left, in the order in which it was made. */
  async left(): Promise<Waiting[]> {
    const all = await wanted(this.db.transaction("ops").objectStore("ops").getAll() as IDBRequest<Waiting[]>);
    const held = "locks" in navigator ? (await navigator.locks.query()).held ?? [] : [];
    const living = new Set(held.map((lock) => lock.name));
    return all.filter((entry) => !living.has(LOCK + entry.key.split(":")[0]) && !entry.key.startsWith(`${this.name}:`)).sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  private write(change: (ops: IDBObjectStore) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      // The step is on the disk before it is called waiting; browsers that know no durability ignore the wish.
      const transaction = this.db.transaction("ops", "readwrite", { durability: "strict" });
      change(transaction.objectStore("ops"));
      transaction.oncomplete = () => resolve();
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  }
}

/** Where there is no database (some private windows), steps are only sent. */
export const NO_STORE: Store = { put: () => Promise.resolve(), remove: () => Promise.resolve() };
