// The worker behind the camera page: it opens without the server, so that frames that wait are not lost sight of.
// Pages come from the network first; hashed files for ever; nothing of /api is ever kept. A new one waits until no card is
// being photographed. The server writes SHELL before this script.
interface Waits extends Event { waitUntil(work: Promise<unknown>): void }
interface Fetches extends Waits { readonly request: Request; respondWith(answer: Promise<Response>): void }
interface Says extends Waits { readonly data: unknown }
interface Worker {
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: "install" | "activate", listen: (event: Waits) => void): void;
  addEventListener(type: "fetch", listen: (event: Fetches) => void): void;
  addEventListener(type: "message", listen: (event: Says) => void): void;
}
declare const SHELL: { build: string; files: string[] };
const worker = self as unknown as Worker;
const NAME = `rcg-capture-${SHELL.build}`, PAGE = "/capture/";

worker.addEventListener("install", (event) => event.waitUntil(caches.open(NAME).then(async (cache) => {
  await cache.addAll(SHELL.files);
  await keepPage(cache, await fetch(PAGE, { cache: "no-cache" }));
})));

worker.addEventListener("activate", (event) => event.waitUntil(caches.keys().then(async (names) => {
  await Promise.all(names.filter((name) => name.startsWith("rcg-capture-") && name !== NAME).map((name) => caches.delete(name)));
  await worker.clients.claim();
})));

worker.addEventListener("message", (event) => { if (event.data === "apply") event.waitUntil(worker.skipWaiting()); });

worker.addEventListener("fetch", (event) => {
  const { request } = event, url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate" && url.pathname === PAGE) event.respondWith(page(request));
  else if (SHELL.files.includes(url.pathname)) event.respondWith(file(request));
});

async function page(request: Request): Promise<Response> {
  const cache = await caches.open(NAME);
  try {
    const answer = await fetch(request);
    if (answer.ok && new URL(request.url).search === "") await keepPage(cache, answer.clone());
    return answer;
  } catch (error) {
    const kept = await cache.match(PAGE);
    if (kept) return kept;
    throw error;
  }
}

/** Keeps the camera's page, but not the one to which an unpaired phone is sent. */
async function keepPage(cache: Cache, answer: Response): Promise<void> {
  if (answer.ok && !answer.redirected) await cache.put(PAGE, answer);
}

async function file(request: Request): Promise<Response> {
  return (await caches.match(request)) ?? fetch(request);
}
