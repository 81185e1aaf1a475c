import type { Logger } from "pino";
import { Counter, Gauge, type Registry } from "prom-client";
import { compressSync } from "snappy";
import { request } from "undici";
import { QUEUED_REQUESTS_MAX, RETRY_MAX_MS, RETRY_MIN_MS, SERIES_PER_REQUEST_MAX, WRITE_TIMEOUT_MS } from "./limits.ts";
import { encodeWriteRequest, type WrittenSeries } from "./remote-write-encode.ts";

export interface RemoteWriterOptions {
  /** Base URL of metrics; `/api/v1/write` is appended. */
  readonly url: string;
  readonly key: string | undefined;
  readonly logger: Logger;
  readonly registry: Registry;
}

/** Sends series by remote write 1.0, in order, one request at a time, from a bounded queue. */
export class RemoteWriter {
  readonly #options: RemoteWriterOptions;
  readonly #queue: { body: Uint8Array; samples: number }[] = [];
  readonly #sent: Counter;
  readonly #dropped: Counter<"reason">;
  #sending: Promise<void> | undefined;
  readonly #stop = new AbortController();
  #failing = false;

  constructor(options: RemoteWriterOptions) {
    this.#options = options;
    const registers = [options.registry];
    this.#sent = new Counter({
      name: "tempo_metrics_generator_storage_samples_sent_total",
      help: "Samples that metrics took by remote write.",
      registers,
    });
    this.#dropped = new Counter({
      name: "tempo_metrics_generator_storage_samples_dropped_total",
      help: "Samples that were not delivered, by reason (queue_full, refused, shutdown).",
      labelNames: ["reason"],
      registers,
    });
    const queue = this.#queue;
    new Gauge({
      name: "tempo_metrics_generator_storage_queued_requests",
      help: `Remote-write requests that wait; the limit is ${QUEUED_REQUESTS_MAX}.`,
      registers,
      collect() {
        this.set(queue.length);
      },
    });
  }

  /** Queues the series; never waits. */
  write(series: readonly WrittenSeries[]): void {
    for (let start = 0; start < series.length; start += SERIES_PER_REQUEST_MAX) {
      const part = series.slice(start, start + SERIES_PER_REQUEST_MAX);
      const samples = part.reduce((sum, { samples: ofSeries }) => sum + ofSeries.length, 0);
      if (this.#queue.length >= QUEUED_REQUESTS_MAX) {
        // The one under way is at the front and stays.
        const [oldest] = this.#queue.splice(1, 1);
        this.#dropped.inc({ reason: "queue_full" }, oldest?.samples ?? 0);
      }
      this.#queue.push({ body: encodeWriteRequest(part), samples });
    }
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
    });
  }

  /** Tries what is queued for at most `graceMs`, then gives up on the rest. */
  async close(graceMs: number): Promise<void> {
    const timer = setTimeout(() => this.#stop.abort(), graceMs);
    await this.#sending;
    clearTimeout(timer);
    this.#dropped.inc(
      { reason: "shutdown" },
      this.#queue.reduce((sum, { samples }) => sum + samples, 0),
    );
  }

  async #send(): Promise<void> {
    let pauseMs = RETRY_MIN_MS;
    while (this.#queue.length > 0 && !this.#stop.signal.aborted) {
      const { body, samples } = this.#queue[0]!;
      const outcome = await this.#post(body);
      if (outcome === "retry") {
        await this.#pause(pauseMs);
        pauseMs = Math.min(pauseMs * 2, RETRY_MAX_MS);
        continue;
      }
      pauseMs = RETRY_MIN_MS;
      this.#queue.shift();
      if (outcome === "sent") this.#sent.inc(samples);
      else this.#dropped.inc({ reason: "refused" }, samples);
    }
  }

  async #post(body: Uint8Array): Promise<"sent" | "refused" | "retry"> {
    const { url, key } = this.#options;
    try {
      const response = await request(`${url}/api/v1/write`, {
        method: "POST",
        headers: {
          "content-type": "application/x-protobuf",
          "content-encoding": "snappy",
          "x-prometheus-remote-write-version": "0.1.0",
          "user-agent": "gatewayz-traces",
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        },
        body: pack(body),
        headersTimeout: WRITE_TIMEOUT_MS,
        bodyTimeout: WRITE_TIMEOUT_MS,
        signal: this.#stop.signal,
      });
      const text = (await response.body.text()).slice(0, 200);
      if (response.statusCode < 300) {
        if (this.#failing) this.#options.logger.info("metrics takes span metrics again");
        this.#failing = false;
        return "sent";
      }
      this.#report(`status ${response.statusCode}: ${text}`);
      return response.statusCode === 429 || response.statusCode >= 500 ? "retry" : "refused";
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#report((error as Error).message);
      return "retry";
    }
  }

  /** One line per change of state: metrics may be away for hours. */
  #report(error: string): void {
    if (!this.#failing) this.#options.logger.warn({ error }, "cannot write span metrics");
    this.#failing = true;
  }

  #pause(ms: number): Promise<void> {
    const { signal } = this.#stop;
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      timer.unref();
      signal.addEventListener("abort", done);
    });
  }
}

/** Below a millisecond for a full request; in the thread pool each thread would keep a heap of its own for it. */
function pack(body: Uint8Array): Buffer {
  return compressSync(Buffer.from(body.buffer, body.byteOffset, body.byteLength)) as Buffer;
}
