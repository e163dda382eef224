// Which item is looked at: a place in the dataset's list of ready items, fetched as it is needed.
import { call } from "../../lib/api";
import type { DatasetOf, ItemOf } from "./types";

interface Page { items: ItemOf[]; total: number }
export interface Place { item: ItemOf; index: number; total: number }

export class Items {
  private readonly pages = new Map<number, ItemOf>();
  private total = 0;

  constructor(readonly dataset: DatasetOf) {}

  /** The item at a place; places wrap round. Null when there is none. */
  async at(index: number): Promise<Place | null> {
    const wanted = this.total ? (index + this.total) % this.total : Math.max(0, index);
    if (!this.pages.has(wanted)) await this.load(Math.floor(wanted / 50) * 50);
    const item = this.pages.get(wanted);
    return item ? { item, index: wanted, total: this.total } : null;
  }

  /** Finds an item by its id among the first few hundred; the first one when it is not there. */
  async find(id: string | null): Promise<Place | null> {
    for (let offset = 0; id && offset < 400 && (!this.total || offset < this.total); offset += 50) {
      await this.load(offset);
      for (const [index, item] of this.pages) if (item.id === id) return { item, index, total: this.total };
    }
    return this.at(0);
  }

  private async load(offset: number): Promise<void> {
    const page = await call<Page>("GET", `/api/datasets/${this.dataset.id}/items?state=ready&offset=${offset}&limit=50`);
    this.total = page.total;
    page.items.forEach((item, index) => this.pages.set(offset + index, item));
  }
}
