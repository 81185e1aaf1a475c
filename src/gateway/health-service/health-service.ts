import { Agent, request } from "undici";
import { parseJson } from "../../runtime/body.ts";
import { readText } from "../../runtime/read-text.ts";
import { GatewayError } from "../errors.ts";
import { isObject, stringAt } from "../json.ts";

/** A person waits for the answer; a health service that takes longer is not healthy. */
const TIMEOUT_MS = 2_000;
/** Many readers of one page ask the health service once. */
const FRESH_MS = 2_000;
/** How long the last answer stands in for one that does not come. */
const STALE_MS = 60_000;
const CACHE_ENTRIES_MAX = 200;
const CONNECTIONS_MAX = 8;
const ANSWER_BYTES_MAX = 8 * 1024 * 1024; // 8 MiB; 5,000 models are about 3 MiB
const RETRY_AFTER_SECONDS = 5;

/** An answer of the health service, and how old it is. */
export interface HealthAnswer {
  readonly body: unknown;
  readonly ageMs: number;
}

interface Entry {
  body: unknown;
  /** Unix ms; undefined before the first answer. */
  fetchedAtMs: number | undefined;
  running: Promise<unknown> | undefined;
}

/**
 * Asks the health service on behalf of clients. Reads are cached for a moment, asked once for all who wait, and answered
 * from the last answer for a minute after the service has gone; after that HEALTH_SERVICE_UNAVAILABLE says so.
 */
export class HealthService {
  readonly #url: string | undefined;
  readonly #key: string;
  readonly #now: () => number;
  readonly #agent = new Agent({ connections: CONNECTIONS_MAX, connect: { timeout: TIMEOUT_MS } });
  readonly #cache = new Map<string, Entry>();

  /**
   * @param url `http://host:port`, or undefined where no health service is known.
   * @param adminKey Sent with every question; the health service asks for it where it changes something.
   * @param signal Ends its connections, and the questions that are under way.
   */
  constructor(url: string | undefined, adminKey: string, signal: AbortSignal, now: () => number = Date.now) {
    this.#url = url;
    this.#key = adminKey;
    this.#now = now;
    signal.addEventListener("abort", () => void this.#agent.destroy(), { once: true });
  }

  get configured(): boolean {
    return this.#url !== undefined;
  }

  /**
   * @param path With query.
   * @throws GatewayError HEALTH_SERVICE_UNAVAILABLE; ENTRY_NOT_FOUND and INVALID_REQUEST as the service says.
   */
  async get(path: string): Promise<HealthAnswer> {
    const entry = this.#entry(path);
    const age = (): number =>
      entry.fetchedAtMs === undefined ? Number.POSITIVE_INFINITY : this.#now() - entry.fetchedAtMs;
    if (age() >= FRESH_MS) {
      entry.running ??= this.#ask("GET", path, undefined)
        .then((body) => {
          entry.body = body;
          entry.fetchedAtMs = this.#now();
        })
        .finally(() => {
          entry.running = undefined;
        });
      try {
        await entry.running;
      } catch (error) {
        const away = error instanceof GatewayError && error.code === "HEALTH_SERVICE_UNAVAILABLE";
        if (!away || age() >= STALE_MS) throw error;
      }
    }
    return { body: entry.body, ageMs: age() };
  }

  /** As `get`, for what changes something; never cached. */
  async send(method: "POST" | "PUT" | "DELETE", path: string, body: unknown): Promise<unknown> {
    const answer = await this.#ask(method, path, body);
    this.#cache.clear();
    return answer;
  }

  #entry(path: string): Entry {
    let entry = this.#cache.get(path);
    if (entry === undefined) {
      if (this.#cache.size >= CACHE_ENTRIES_MAX) this.#cache.delete(this.#cache.keys().next().value!);
      entry = { body: undefined, fetchedAtMs: undefined, running: undefined };
      this.#cache.set(path, entry);
    }
    return entry;
  }

  async #ask(method: "GET" | "POST" | "PUT" | "DELETE", path: string, body: unknown): Promise<unknown> {
    if (this.#url === undefined) throw unavailable("none is configured (HEALTH_SERVICE_URL).");
    let status: number;
    let value: unknown;
    try {
      const reply = await request(`${this.#url}${path}`, {
        method,
        dispatcher: this.#agent,
        headers: {
          authorization: `Bearer ${this.#key}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        body: body === undefined ? null : JSON.stringify(body),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      status = reply.statusCode;
      value = parseJson(await readText(reply.body, ANSWER_BYTES_MAX));
    } catch (error) {
      throw unavailable(reasonOf(error as Error));
    }
    if (status < 300) return value;
    const said = isObject(value) ? (stringAt(value, "message") ?? stringAt(value, "error")) : undefined;
    if (status === 404)
      throw new GatewayError("ENTRY_NOT_FOUND", { what: "entry of the health service at", name: path });
    if (status === 400) throw new GatewayError("INVALID_REQUEST", { reason: said ?? "The health service refused it." });
    if (status === 409) throw new GatewayError("CONFLICT", { reason: said ?? "The health service refused it." });
    // Its 503 comes with a body that says what does not work, which is an answer.
    if (status === 503 && method === "GET" && isObject(value)) return value;
    throw unavailable(`it answered ${status}${said === undefined ? "" : ` (${said})`}.`);
  }
}

function unavailable(reason: string): GatewayError {
  return new GatewayError("HEALTH_SERVICE_UNAVAILABLE", { reason }, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}

function reasonOf(error: Error & { code?: string }): string {
  if (error.name === "TimeoutError") return `no answer within ${TIMEOUT_MS / 1_000} s.`;
  return error.code === "ECONNREFUSED"
    ? "nothing listens at its address."
    : `${error.message || error.code || "the connection failed"}.`;
}
