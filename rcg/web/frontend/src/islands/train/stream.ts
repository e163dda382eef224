// One run's rows: the whole history once, then the shared event stream; a gap is filled by asking after the last row.
import { call } from "../../lib/api";
import { type LiveEvent, listen } from "../../lib/live";
import { History } from "./history";
import { type Row, isRecord, num } from "./rows";

interface Rows { events: Row[]; last_seq: number; more?: boolean }
const PAGE = 2000;
/** Steps of a long run that are asked for at first; a chart is not wider than that. */
const POINTS = 4000;

export interface Follower { history: History; stop(): void }

/**
 * Follows a run.
 *
 * @param changed told after rows were taken in; `whole` when the history was read anew.
 * @param failed told why the history could not be read.
 */
export function follow(id: string, changed: (whole: boolean) => void, failed: (error: unknown) => void): Follower {
  const history = new History();
  let asking = false, again = false, waiting: Row[] = [];

  const ask = async (): Promise<void> => {
    if (asking) { again = true; return; }
    asking = true;
    try {
      do {
        again = false;
        for (;;) {
          const page = await call<Rows>("GET", `/api/training/${id}/events?after=${history.last}&${history.last < 0 ? `points=${POINTS}` : `limit=${PAGE}`}`);
          for (const row of page.events) history.take(row);
          if (!page.more) history.last = Math.max(history.last, page.last_seq);
          if (!page.more || !page.events.length) break;
        }
        const held = waiting;
        waiting = [];
        for (const row of held) take(row);
        changed(true);
      } while (again);
    } catch (error) {
      failed(error);
    } finally {
      asking = false;
    }
  };
  const take = (row: Row): void => {
    if (row.seq <= history.last) return;
    // An attempt that goes on from an earlier step: what was computed past it no longer counts, and the server knows
    // what that is.
    const from = row.kind === "start" ? num(row["from_step"]) : null;
    if (from !== null && history.reached() > from) { history.clear(); again = true; return; }
    if (row.seq > history.last + 1) { again = true; return; }
    history.take(row);
  };
  const hear = (event: LiveEvent): void => {
    if (event.kind === "reset" || event.kind === "hello") { void ask(); return; }
    if (event.kind !== "run" || event.data["run_id"] !== id || !isRecord(event.data["row"])) return;
    const row = event.data["row"] as Row;
    if (asking) { waiting.push(row); return; }
    take(row);
    if (again) void ask(); else changed(false);
  };
  const stop = listen(hear);
  void ask();
  return { history, stop };
}
