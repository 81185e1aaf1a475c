import type { DestinationStream } from "pino";
import { Counter, Gauge, type Registry } from "prom-client";
import { request } from "undici";

/** Lines waiting to be sent; when full the oldest are dropped and counted. */
const QUEUE_LINES_MAX = 5_000;
const BATCH_LINES_MAX = 500;
const FLUSH_INTERVAL_MS = 300;
const PUSH_TIMEOUT_MS = 5_000;
/** After a failed push the next try waits, doubling up to this. */
const BACKOFF_MAX_MS = 10_000;

/** The contract's label values (Python's level names), so that one selector finds every service's warnings. */
const LEVEL_LABELS: Readonly<Record<string, string>> = {
  trace: "DEBUG",
  debug: "DEBUG",
  info: "INFO",
  warn: "WARNING",
  error: "ERROR",
  fatal: "CRITICAL",
};

export interface LogShipperOptions {
  /** Base URL of the logs role. */
  readonly url: string;
  readonly key: string | undefined;
  readonly service: string;
  readonly environment: string;
  readonly registry: Registry;
}

interface Line {
  readonly level: string;
  readonly nanoseconds: string;
  readonly text: string;
}

/**
 * Sends a role's own log lines to the logs role by Loki's push API. It never logs through the logger it serves, so
 * that a failing push cannot feed itself; failures are counted in `gatewayz_log_shipper_*`.
 */
export class LogShipper implements DestinationStream {
  readonly #options: LogShipperOptions;
  readonly #queue: Line[] = [];
  readonly #dropped: Counter;
  readonly #failures: Counter;
  readonly #timer: NodeJS.Timeout;
  #sequence = 0;
  #lastMs = 0;
  #backoffMs = 0;
  #nextTryMs = 0;
  #sending: Promise<void> | undefined;

  constructor(options: LogShipperOptions) {
    this.#options = options;
    const registers = [options.registry];
    this.#dropped = new Counter({
      name: "gatewayz_log_shipper_dropped_lines_total",
      help: "Own log lines dropped because the logs role did not take them in time.",
      registers,
    });
    this.#failures = new Counter({
      name: "gatewayz_log_shipper_failed_pushes_total",
      help: "Pushes of own log lines that failed.",
      registers,
    });
    const queue = this.#queue;
    new Gauge({
      name: "gatewayz_log_shipper_queue_lines",
      help: `Own log lines waiting to be pushed; the limit is ${QUEUE_LINES_MAX}.`,
      registers,
      collect() {
        this.set(queue.length);
      },
    });
    this.#timer = setInterval(() => void this.flush(), FLUSH_INTERVAL_MS);
    this.#timer.unref();
  }

  write(text: string): void {
    if (this.#queue.length >= QUEUE_LINES_MAX) {
      this.#queue.shift();
      this.#dropped.inc();
    }
    const level = LEVEL_LABELS[/"level":"([a-z]+)"/.exec(text)?.[1] ?? "info"] ?? "INFO";
    this.#queue.push({ level, nanoseconds: this.#timestamp(), text: text.trimEnd() });
  }

  /** Lines of one millisecond get distinct nanoseconds, so that their order survives. */
  #timestamp(): string {
    const nowMs = Date.now();
    this.#sequence = nowMs === this.#lastMs ? this.#sequence + 1 : 0;
    this.#lastMs = nowMs;
    return `${nowMs}${String(this.#sequence % 1_000_000).padStart(6, "0")}`;
  }

  /** Sends what is queued, one push at a time; never throws. */
  async flush(): Promise<void> {
    if (this.#sending !== undefined) return this.#sending;
    if (this.#queue.length === 0 || Date.now() < this.#nextTryMs) return;
    const batch = this.#queue.splice(0, BATCH_LINES_MAX);
    this.#sending = this.#push(batch)
      .then(() => {
        this.#backoffMs = 0;
      })
      .catch(() => {
        this.#failures.inc();
        this.#backoffMs = Math.min(BACKOFF_MAX_MS, this.#backoffMs * 2 || FLUSH_INTERVAL_MS);
        this.#nextTryMs = Date.now() + this.#backoffMs;
        const room = Math.max(0, QUEUE_LINES_MAX - this.#queue.length);
        this.#dropped.inc(Math.max(0, batch.length - room));
        this.#queue.unshift(...batch.slice(Math.max(0, batch.length - room)));
      })
      .finally(() => {
        this.#sending = undefined;
      });
    return this.#sending;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
    await this.flush();
  }

  async #push(batch: readonly Line[]): Promise<void> {
    const { url, key, service, environment } = this.#options;
    const byLevel = groupByLevel(batch);
    const streams = [...byLevel].map(([level, lines]) => ({
      stream: { app: "gatewayz-stack", service, level, env: environment, environment },
      values: lines.map((line) => [line.nanoseconds, line.text]),
    }));
    const reply = await request(`${url}/loki/api/v1/push`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) },
      body: JSON.stringify({ streams }),
      headersTimeout: PUSH_TIMEOUT_MS,
      bodyTimeout: PUSH_TIMEOUT_MS,
    });
    await reply.body.dump();
    // 4xx will not be taken at the next try either; such lines are lost and counted, not retried for ever.
    if (reply.statusCode >= 400 && reply.statusCode < 500 && reply.statusCode !== 429) this.#dropped.inc(batch.length);
    else if (reply.statusCode >= 300) throw new Error(`logs role answered ${reply.statusCode}`);
  }
}

function groupByLevel(batch: readonly Line[]): Map<string, Line[]> {
  const groups = new Map<string, Line[]>();
  for (const line of batch) {
    const group = groups.get(line.level);
    if (group === undefined) groups.set(line.level, [line]);
    else group.push(line);
  }
  return groups;
}
