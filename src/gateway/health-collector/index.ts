import { Agent } from "undici";
import type { RoleContext } from "../../runtime/role.ts";
import { fetchJson, type HealthAddress, parseAddress } from "./fetch-json.ts";
import { HealthFamily, type Payload, type PayloadName } from "./metrics.ts";

const CONNECT_TIMEOUT_MS = 5_000;
/** At a start the health service comes up and fills seconds later: until it has, it is asked this often, for so long. */
const STARTING_INTERVAL_MS = 2_000;
const STARTING_MS = 60_000;
/** A service that starts beside the gateway answers by then; before, its silence is no news. */
const QUIET_MS = 10_000;
/** The first requests of clients go before the first round. */
const FIRST_ROUND_AFTER_MS = 200;

export interface HealthCollectorOptions {
  readonly context: RoleContext;
}

export interface HealthCollector {
  /** Stops polling; a round that is under way ends by itself. */
  close(): void;
}

/** Path → the payload that its answer is; `/health` only says whether the service is up. */
const PATHS: readonly { readonly path: string; readonly payload: PayloadName | undefined }[] = [
  { path: "/health", payload: undefined },
  { path: "/status", payload: "status" },
  { path: "/metrics", payload: "metrics" },
  { path: "/cache/stats", payload: "cache" },
];

/**
 * Polls the health service, first soon and then every `gateway.collectorInterval`, and exports the
 * `gatewayz_health_*` family into `context.registry`. Without an address the family is exported with `up` 0.
 */
export function startHealthCollector({ context }: HealthCollectorOptions): HealthCollector {
  const { config, logger, registry } = context;
  const family = new HealthFamily(registry);
  if (config.peers.health === undefined) {
    logger.info("Health service metrics collector is off: set HEALTH_SERVICE_URL to switch it on");
    return { close() {} };
  }
  const address = parseAddress(config.peers.health);
  const poller = new Poller(context, address, family);
  logger.info(
    { healthServiceUrl: address.url, intervalSeconds: config.gateway.collectorInterval / 1_000 },
    "Health service metrics collector started",
  );
  poller.start();
  context.signal.addEventListener("abort", () => poller.close(), { once: true });
  return { close: () => poller.close() };
}

class Poller {
  readonly #context: RoleContext;
  readonly #address: HealthAddress;
  readonly #family: HealthFamily;
  readonly #agent = new Agent({ connections: PATHS.length, connect: { timeout: CONNECT_TIMEOUT_MS } });
  readonly #startedAtMs = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  /**
   * Rounds in which the service had checked all the models it knows. Two make sure: the four endpoints are asked at the
   * same time, so that one may still tell the count of a moment before.
   */
  #filledRounds = 0;
  /** What the newest log line about it said; undefined before the first round. */
  #reported: boolean | undefined;

  constructor(context: RoleContext, address: HealthAddress, family: HealthFamily) {
    this.#context = context;
    this.#address = address;
    this.#family = family;
  }

  start(): void {
    this.#timer = setTimeout(() => void this.run(), FIRST_ROUND_AFTER_MS);
    this.#timer.unref();
  }

  /** One round after the other; the next begins one interval after this one began. Never rejects. */
  async run(): Promise<void> {
    const beganMs = performance.now();
    await this.#round();
    if (this.#closed) return;
    const delayMs = Math.max(0, this.#intervalMs() - (performance.now() - beganMs));
    this.#timer = setTimeout(() => void this.run(), delayMs);
    this.#timer.unref();
  }

  #intervalMs(): number {
    const { collectorInterval } = this.#context.config.gateway;
    const starting = this.#filledRounds < 2 && performance.now() - this.#startedAtMs < STARTING_MS;
    return starting ? Math.min(STARTING_INTERVAL_MS, collectorInterval) : collectorInterval;
  }

  async #round(): Promise<void> {
    const timeoutMs = this.#context.config.gateway.collectorTimeout;
    const answers = await Promise.allSettled(
      PATHS.map(({ path }) => fetchJson(this.#address, path, timeoutMs, this.#agent)),
    );
    if (this.#closed) return;
    const family = this.#family;
    const [health] = answers;
    const up = health!.status === "fulfilled" && health!.value.status < 300;
    family.setUp(up);
    if (answers.some(({ status }) => status === "fulfilled")) family.setLastSuccess(Math.floor(Date.now() / 1_000));
    else {
      family.countError();
      family.setUnknown();
    }
    const problems = answers.flatMap((answer, index) => this.#apply(answer, PATHS[index]!.payload));
    this.#report(up, health!.status === "rejected" ? reasonOf(health!.reason) : problems[0]);
  }

  /** Applies one answer; returns what was wrong with it. */
  #apply(answer: PromiseSettledResult<Awaited<ReturnType<typeof fetchJson>>>, name: PayloadName | undefined): string[] {
    if (answer.status === "rejected") return [reasonOf(answer.reason)];
    if (name === undefined) return [];
    try {
      const { payload } = answer.value;
      this.#family.apply(name, payload);
      if (name === "metrics" && isFilled(payload)) this.#filledRounds++;
      return [];
    } catch (error) {
      this.#family.countError();
      return [reasonOf(error)];
    }
  }

  /** One line per change of state, not one per round. */
  #report(up: boolean, problem: string | undefined): void {
    if (this.#reported === up) return;
    if (!up && this.#reported === undefined && performance.now() - this.#startedAtMs < QUIET_MS) return;
    const healthServiceUrl = this.#address.url;
    const { logger } = this.#context;
    if (up) logger.info({ healthServiceUrl, problem }, "Health service is up");
    else logger.warn({ healthServiceUrl, problem }, "Health service is down; the gateway keeps serving");
    this.#reported = up;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    // Destroying ends the requests of a round that is under way; their errors are the round's, which is over.
    void this.#agent.destroy();
  }
}

/** The distribution counts every model that was checked at least once. */
function isFilled({ status_distribution, total_models }: Payload): boolean {
  if (!(Number(total_models) > 0)) return false;
  const counts = Object.values((status_distribution ?? {}) as Record<string, unknown>);
  return counts.reduce<number>((sum, count) => sum + Number(count), 0) >= Number(total_models);
}

function reasonOf(error: unknown): string {
  const { message, code } = error as Error & { code?: string };
  return message || code || String(error);
}
