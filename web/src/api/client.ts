/** An answer other than 2xx, or none at all (`status` 0). `message` is the engine's own text where it gave one. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Longest error text shown; engines may answer with a page of HTML. */
const ERROR_TEXT_CHARS_MAX = 600;

/** Asks the server for JSON. Throws `ApiError`; an abort rejects with the DOM's `AbortError` as fetch does. */
export async function getJson<T>(url: string, signal?: AbortSignal): Promise<T> {
  return requestJson<T>(url, { signal });
}

/** Posts JSON and reads JSON. Throws as `getJson`. */
export async function postJson<T>(url: string, body: unknown, signal?: AbortSignal): Promise<T> {
  return requestJson<T>(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
}

/** Posts a form, as Prometheus' query endpoints take it, so that long queries do not hit URL limits. */
export async function postForm<T>(url: string, fields: Record<string, string>, signal?: AbortSignal): Promise<T> {
  return requestJson<T>(url, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(fields).toString(),
    signal,
  });
}

async function requestJson<T>(url: string, init: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, {
      credentials: "same-origin",
      ...init,
      headers: { accept: "application/json", ...init.headers },
    });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError(0, "The dashboards server does not answer. Is it still running?");
  }
  if (response.status === 401) renewSession();
  const text = await response.text();
  if (!response.ok) throw new ApiError(response.status, errorText(response, text));
  if (text === "") return undefined as T;
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new ApiError(response.status, `The answer to ${url.split("?")[0]} is not JSON: ${text.slice(0, 120)}`);
  }
}

/** Whether an error only says that the caller cancelled. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** The engine's own words: `error` (Prometheus), `message` (Grafana), or plain text (Loki, Tempo). */
function errorText(response: Response, text: string): string {
  let message = text.trim();
  try {
    const body = JSON.parse(text) as { error?: unknown; message?: unknown };
    const named = body.error ?? body.message;
    if (typeof named === "string") message = named;
    else if (named !== null && typeof named === "object" && "message" in named) message = String(named.message);
  } catch {
    // Plain text is the message itself.
  }
  if (message === "" || message.startsWith("<")) message = `${response.status} ${response.statusText}`.trim();
  return message.slice(0, ERROR_TEXT_CHARS_MAX);
}

/** After a reload that did not help, only the login form does. */
const RELOAD_AGAIN_AFTER_MS = 10_000;
const RELOADED_KEY = "gatewayz.reloadedAt";

/**
 * The session is over. Loading the page again lets the server decide: where no password is asked for it opens a new
 * session, elsewhere it shows the login form.
 */
function renewSession(): void {
  if (typeof window === "undefined" || window.location.pathname === "/login") return;
  const lastMs = Number(window.sessionStorage.getItem(RELOADED_KEY) ?? 0);
  window.sessionStorage.setItem(RELOADED_KEY, String(Date.now()));
  if (Date.now() - lastMs > RELOAD_AGAIN_AFTER_MS) {
    window.location.reload();
    return;
  }
  const back = window.location.pathname + window.location.search;
  window.location.assign(`/login?next=${encodeURIComponent(back)}`);
}
