// One event stream for all tabs: the tab that holds the lock listens to the server and tells the others. A browser
// allows six HTTP/1.1 connections per server, and each stream would hold one.
export interface LiveEvent { kind: string; id: string; data: Record<string, unknown> }
type Listener = (event: LiveEvent) => void;

const KINDS = ["progress", "state", "log", "metric", "sample", "run", "capture", "reset", "hello"];
const listeners = new Set<Listener>();
const channel = new BroadcastChannel("rcg-events");

export function listen(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(event: LiveEvent): void {
  for (const listener of listeners) listener(event);
}

function follow(release: () => void): void {
  // After a broken line the browser sends the last id by itself; a new page starts at the present, and takes its state
  // from the server once more when "hello" says that it listens.
  const source = new EventSource("/api/events");
  const take = (kind: string) => (message: MessageEvent<string>): void => {
    let data: Record<string, unknown> = {};
    try { data = JSON.parse(message.data) as Record<string, unknown>; } catch { return; }
    const event = { kind, id: message.lastEventId, data };
    channel.postMessage(event);
    tell(event);
  };
  for (const kind of KINDS) source.addEventListener(kind, take(kind));
  source.onmessage = take("message");
  source.onerror = () => {
    // The browser connects again by itself unless the server refused; then the lock goes to whoever asks next.
    if (source.readyState === EventSource.CLOSED) setTimeout(release, 5000);
  };
}

export function start(): void {
  channel.onmessage = (message: MessageEvent<LiveEvent>) => tell(message.data);
  const lead = (): void => {
    const lock = navigator.locks;
    void lock.request("rcg-events", () => new Promise<void>((resolve) => follow(resolve))).then(lead);
  };
  if ("locks" in navigator) lead();
}
