import { setTimeout as sleep } from "node:timers/promises";
import { Agent, request } from "undici";
import type { Logger } from "../../runtime/logger.ts";
import { loadFactor, type PlannedRequest, planRequest } from "./plan.ts";

/** Requests open at once; when that many are, the next ones are left out. */
const CONCURRENT_MAX = 8;
const REQUEST_TIMEOUT_MS = 90_000;
const MODELS_TIMEOUT_MS = 5_000;
const MODELS_EVERY_MS = 60_000;
/** Pause while the gateway lists no model or does not answer. */
const RETRY_PAUSE_MS = 2_000;
/** Open requests may end by themselves this long when the demo closes. */
const CLOSE_GRACE_MS = 1_000;
const USER_AGENT = "gatewayz-demo/1.0";
const ANTHROPIC_VERSION = "2023-06-01";

export interface DemoTrafficOptions {
  /** Public URL of the gateway, loopback. */
  readonly baseUrl: string;
  readonly apiKey: string;
  /** Mean; the load swings around it. */
  readonly requestsPerSecond: number;
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

export interface DemoTraffic {
  running(): boolean;
  start(): void;
  stop(): void;
  /** Stops for good; what is open then is cancelled after a second. */
  close(): Promise<void>;
}

/** Demo requests through the public API, as any client would send them. Not running until `start`. Never throws. */
export function startDemoTraffic(options: DemoTrafficOptions): DemoTraffic {
  return new Generator(options);
}

class Generator implements DemoTraffic {
  readonly #options: DemoTrafficOptions;
  readonly #agent = new Agent({ connections: CONCURRENT_MAX + 1 });
  readonly #open = new Set<Promise<void>>();
  #models: readonly string[] = [];
  #modelsAtMs = 0;
  /** Ends the loop that runs; undefined while none does. */
  #loop: AbortController | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: DemoTrafficOptions) {
    this.#options = options;
    options.signal.addEventListener("abort", () => this.stop(), { once: true });
  }

  running(): boolean {
    return this.#loop !== undefined;
  }

  start(): void {
    if (this.#loop !== undefined || this.#closing !== undefined || this.#options.signal.aborted) return;
    this.#loop = new AbortController();
    this.#options.logger.info({ requestsPerSecond: this.#options.requestsPerSecond }, "demo traffic started");
    void this.#run(this.#loop.signal);
  }

  stop(): void {
    if (this.#loop === undefined) return;
    this.#loop.abort();
    this.#loop = undefined;
    this.#options.logger.info("demo traffic stopped");
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const ready = await this.#refreshModels();
      if (ready && !signal.aborted && this.#open.size < CONCURRENT_MAX) this.#sendOne();
      const pauseMs = ready ? this.#pauseMs() : RETRY_PAUSE_MS;
      // The only rejection is the abort, which ends the loop.
      await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Time to the next request: exponential, as independent clients make it. */
  #pauseMs(): number {
    const perSecond = this.#options.requestsPerSecond * loadFactor(Date.now());
    return (-Math.log(1 - Math.random()) * 1_000) / perSecond;
  }

  /** True when there are models to ask. */
  async #refreshModels(): Promise<boolean> {
    const nowMs = Date.now();
    if (nowMs - this.#modelsAtMs < MODELS_EVERY_MS) return this.#models.length > 0;
    try {
      const reply = await request(`${this.#options.baseUrl}/v1/models`, {
        dispatcher: this.#agent,
        headers: { authorization: `Bearer ${this.#options.apiKey}`, "user-agent": USER_AGENT },
        signal: AbortSignal.timeout(MODELS_TIMEOUT_MS),
      });
      this.#models = modelIds(await reply.body.json());
      if (this.#models.length > 0) this.#modelsAtMs = nowMs;
    } catch (error) {
      // The gateway is starting or stopping; the next round asks again.
      this.#options.logger.debug({ error: (error as Error).message }, "demo traffic: no model list");
    }
    return this.#models.length > 0;
  }

  #sendOne(): void {
    const planned = planRequest(this.#models, Math.random);
    if (planned === undefined) return;
    const sending = this.#send(planned)
      .catch((error: Error) => {
        // Failures are what the demo shows: the gateway has counted and logged them.
        this.#options.logger.debug({ error: error.message }, "demo request failed");
      })
      .finally(() => this.#open.delete(sending));
    this.#open.add(sending);
  }

  async #send({ path, body, headers }: PlannedRequest): Promise<void> {
    const { baseUrl, apiKey } = this.#options;
    const key =
      path === "/v1/messages"
        ? { "x-api-key": apiKey, "anthropic-version": ANTHROPIC_VERSION }
        : { authorization: `Bearer ${apiKey}` };
    const reply = await request(`${baseUrl}${path}`, {
      method: "POST",
      dispatcher: this.#agent,
      headers: { "content-type": "application/json", "user-agent": USER_AGENT, ...headers, ...key },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    // Read as a client would, and kept nowhere.
    for await (const _ of reply.body);
  }

  close(): Promise<void> {
    this.stop();
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    const grace = new AbortController();
    const ended = Promise.allSettled(this.#open);
    // The only rejection is our own abort, by which the timer ends with the requests.
    await Promise.race([ended, sleep(CLOSE_GRACE_MS, undefined, { signal: grace.signal }).catch(() => undefined)]);
    grace.abort();
    await this.#agent.destroy();
    await ended;
  }
}

/** The models that can chat; the others stand in the list too. */
function modelIds(list: unknown): string[] {
  const data = (list as { data?: unknown } | null)?.data;
  if (!Array.isArray(data)) return [];
  return data
    .filter((entry: { kind?: unknown } | null) => (entry?.kind ?? "chat") === "chat")
    .map((entry: { id?: unknown } | null) => entry?.id)
    .filter((id): id is string => typeof id === "string" && id !== "");
}
