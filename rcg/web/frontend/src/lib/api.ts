// One way to call the server, and one form of error: what, why, what now.
export class ApiError extends Error {
  constructor(readonly status: number, readonly code: string, readonly detail: string, readonly hint: string, readonly data: unknown = null) {
    super(detail);
  }
}

export function errorOf(status: number, body: unknown): ApiError {
  const json = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const text = (key: string, otherwise: string): string => (typeof json[key] === "string" ? json[key] : otherwise);
  return new ApiError(status, text("error", "http_error"), text("detail", `The server answered ${status}.`), text("hint", ""), json["data"] ?? null);
}

const unreachable = (): ApiError =>
  new ApiError(0, "unreachable", "RCG does not answer.", "See whether the server still runs on its computer: rcg serve.");

export async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const init: RequestInit = { method, headers: { accept: "application/json" } };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { accept: "application/json", "content-type": "application/json" };
  }
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch {
    throw unreachable();
  }
  const text = await response.text();
  let json: unknown = null;
  try { json = text ? JSON.parse(text) : null; } catch { json = null; }
  if (response.status === 401 && !("bare" in document.body.dataset)) {
    location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
  }
  if (!response.ok) throw errorOf(response.status, json);
  return json as T;
}

/** Sends a file and tells how far it is; fetch cannot do that. */
export function send<T>(method: string, path: string, file: Blob | FormData, progress: (fraction: number) => void, type?: string, stop?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.onabort = () => reject(new ApiError(0, "cancelled", "Cancelled; nothing of the file was kept.", ""));
    stop?.addEventListener("abort", () => request.abort());
    request.open(method, path);
    request.responseType = "json";
    request.setRequestHeader("accept", "application/json");
    if (type) request.setRequestHeader("content-type", type);
    request.upload.onprogress = (event) => { if (event.lengthComputable) progress(event.loaded / event.total); };
    request.onerror = () => reject(unreachable());
    request.onload = () => (request.status < 300 ? resolve(request.response as T) : reject(errorOf(request.status, request.response)));
    request.send(file);
  });
}

export function explain(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError(0, "page_error", error instanceof Error ? error.message : String(error), "Reload the page and try again.");
}
