import { Counter, Gauge, type Registry } from "prom-client";
import { compressSync } from "snappy";
import { request } from "undici";
import type { Logger } from "../../runtime/logger.ts";
import { type Labels, METRIC_NAME } from "../../series/labels.ts";
import { ByteWriter } from "../../storage/varint.ts";

/** Samples that wait to be sent; past it the oldest are dropped and counted. */
const QUEUE_SAMPLES_MAX = 50_000;
const BATCH_SAMPLES_MAX = 2_000;
const TIMEOUT_MS = 10_000;
const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 30_000;

/** One sample of one series, the metric's name among its labels. */
export interface Sample {
  readonly labels: Labels;
  readonly timestampMs: number;
  /** `stale` writes Prometheus' staleness marker. */
  readonly value: number | "stale";
}

export interface RemoteWriterOptions {
  /** Base URL of the metrics role; `/api/v1/write` is appended. */
  readonly url: string;
  readonly key: string | undefined;
  readonly logger: Logger;
  readonly registry: Registry;
}

/** Sends samples by Prometheus remote write 1.0, one request at a time, in order. */
export class RemoteWriter {
  readonly #options: RemoteWriterOptions;
  #queue: Sample[] = [];
  #sending: Promise<void> | undefined;
  #backoffMs = 0;
  #retryTimer: NodeJS.Timeout | undefined;
  #closed = false;
  /** True while the peer does not take samples; each change is logged once. */
  #failing = false;
  readonly #sent: Counter;
  readonly #dropped: Counter;
  readonly #retried: Counter;

  constructor(options: RemoteWriterOptions) {
    this.#options = options;
    const registers = [options.registry];
    const counter = (name: string, help: string) =>
      new Counter({ name: `loki_ruler_wal_prometheus_remote_storage_${name}`, help, registers });
    this.#sent = counter("samples_total", "Samples of recording rules sent.");
    this.#dropped = counter(
      "samples_dropped_total",
      "Samples dropped because the queue was full or they were refused.",
    );
    this.#retried = counter("samples_retried_total", "Samples of failed requests that are sent again.");
    const pending = (): number => this.#queue.length;
    new Gauge({
      name: "loki_ruler_wal_prometheus_remote_storage_samples_pending",
      help: `Samples waiting to be sent; the limit is ${QUEUE_SAMPLES_MAX}.`,
      registers,
      collect() {
        this.set(pending());
      },
    });
  }

  enqueue(samples: readonly Sample[]): void {
    if (this.#closed) return;
    this.#queue.push(...samples);
    const excess = this.#queue.length - QUEUE_SAMPLES_MAX;
    if (excess > 0) {
      this.#queue = this.#queue.slice(excess);
      this.#dropped.inc(excess);
    }
    if (this.#retryTimer === undefined) this.#start();
  }

  /** Sends what waits, one try per batch. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#start();
    await this.#sending;
  }

  #start(): void {
    this.#sending ??= this.#drain().finally(() => {
      this.#sending = undefined;
    });
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue.slice(0, BATCH_SAMPLES_MAX);
      try {
        const refused = await this.#post(batch);
        this.#queue = this.#queue.slice(batch.length);
        if (refused === undefined) this.#sent.inc(batch.length);
        else this.#dropped.inc(batch.length);
        this.#backoffMs = 0;
        this.#report(refused);
      } catch (error) {
        this.#retried.inc(batch.length);
        this.#report((error as Error).message);
        this.#retryLater();
        return;
      }
    }
  }

  #retryLater(): void {
    if (this.#closed) return;
    this.#backoffMs = Math.min(BACKOFF_MAX_MS, this.#backoffMs * 2 || BACKOFF_FIRST_MS);
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = undefined;
      this.#start();
    }, this.#backoffMs);
    this.#retryTimer.unref();
  }

  /** One log line per change of state. */
  #report(problem: string | undefined): void {
    const failing = problem !== undefined;
    if (failing === this.#failing) return;
    this.#failing = failing;
    const { logger, url } = this.#options;
    if (failing) logger.warn({ url, error: problem }, "metrics do not take the samples of recording rules");
    else logger.info({ url }, "metrics take the samples of recording rules again");
  }

  /** @returns Why the samples were refused for good. @throws Error where sending again may work. */
  async #post(batch: readonly Sample[]): Promise<string | undefined> {
    const { url, key } = this.#options;
    const reply = await request(`${url}/api/v1/write`, {
      method: "POST",
      headers: {
        "content-type": "application/x-protobuf",
        "content-encoding": "snappy",
        "x-prometheus-remote-write-version": "0.1.0",
        "user-agent": "gatewayz-logs",
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      },
      body: compressSync(Buffer.from(encodeWriteRequest(batch))),
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
    });
    const text = (await reply.body.text()).slice(0, 200);
    if (reply.statusCode < 300) return undefined;
    const problem = `${reply.statusCode}: ${text}`;
    if (reply.statusCode >= 500 || reply.statusCode === 429) throw new Error(problem);
    return problem;
  }
}

/**
 * WriteRequest { repeated TimeSeries timeseries = 1 }, TimeSeries { repeated Label labels = 1; repeated Sample samples
 * = 2 }, Label { name = 1; value = 2 }, Sample { double value = 1; int64 timestamp = 2 }.
 */
export function encodeWriteRequest(samples: readonly Sample[]): Uint8Array {
  const request = new ByteWriter(samples.length * 128);
  const series = new ByteWriter();
  const part = new ByteWriter();
  for (const { labels, timestampMs, value } of samples) {
    series.clear();
    for (const [name, text] of sortedByName(labels)) {
      part.clear();
      part.u8(0x0a);
      part.uvarintText(name);
      part.u8(0x12);
      part.uvarintText(text);
      embed(series, 0x0a, part);
    }
    part.clear();
    part.u8(0x09);
    writeDouble(part, value);
    part.u8(0x10);
    part.uvarint(timestampMs);
    embed(series, 0x12, part);
    embed(request, 0x0a, series);
  }
  return request.view();
}

function sortedByName(labels: Labels): [string, string][] {
  const pairs = [...labels.entries()];
  return pairs.filter(([name]) => name === METRIC_NAME).concat(pairs.filter(([name]) => name !== METRIC_NAME));
}

function embed(target: ByteWriter, tag: number, message: ByteWriter): void {
  target.u8(tag);
  target.uvarint(message.length);
  target.bytes(message.view());
}

/** Little-endian; the marker's bits are written apart, since arithmetic may change a NaN's payload. */
function writeDouble(target: ByteWriter, value: number | "stale"): void {
  if (value === "stale") {
    target.u32le(0x00000002);
    target.u32le(0x7ff00000);
    return;
  }
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  target.u32le(view.getUint32(4));
  target.u32le(view.getUint32(0));
}
