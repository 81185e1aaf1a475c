import type { MetricSet } from "./metric-set.ts";

/** An entry waits at most this long before a push is tried, unless the queue says otherwise. */
const FLUSH_DELAY_MS = 200;
/** After a failed push the next try waits, doubling up to this. */
const BACKOFF_MIN_MS = 500;
const BACKOFF_MAX_MS = 10_000;
/** What is queued at the end is pushed for at most this long. */
const CLOSE_TIMEOUT_MS = 3_000;

/** Thrown by `send` for an answer that trying again will not change (4xx but 429): the batch is dropped and counted. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
}

export interface PushQueueOptions<Entry> {
  /** Value of the label `queue_name`. */
  readonly name: string;
  /** Entries held; when full new ones are dropped and counted. */
  readonly entriesMax: number;
  /** Most entries of one push; that many waiting start a push at once. */
  readonly batchMax: number;
  /** How long an entry may wait for others; 200 when left out. */
  readonly flushDelayMs?: number;
  readonly set: MetricSet;
  /** Resolves when the peer acknowledged all of `batch`. */
  send(batch: readonly Entry[]): Promise<void>;
}

/** A bounded queue in front of a peer: pushes in batches, one at a time, tries again with back-off, counts what is lost. */
export class PushQueue<Entry> {
  readonly #options: PushQueueOptions<Entry>;
  readonly #flushDelayMs: number;
  readonly #entries: Entry[] = [];
  #timer: NodeJS.Timeout | undefined;
  #pushing: Promise<void> | undefined;
  #backoffMs = 0;
  #closed = false;

  constructor(options: PushQueueOptions<Entry>) {
    this.#options = options;
    this.#flushDelayMs = options.flushDelayMs ?? FLUSH_DELAY_MS;
    const { set, name } = options;
    set.gauge("gatewayz_telemetry_queue_entries_max").child(name).set(options.entriesMax);
    set.counter("gatewayz_telemetry_sent_total").child(name);
    set.counter("gatewayz_telemetry_dropped_total").child(name, "queue_full");
    set.onCollect(() => set.gauge("queue_size").child(name).set(this.#entries.length));
  }

  push(entry: Entry): void {
    if (this.#closed || this.#entries.length >= this.#options.entriesMax) {
      this.#drop(1, this.#closed ? "closing" : "queue_full");
      return;
    }
    this.#entries.push(entry);
    if (this.#entries.length >= this.#options.batchMax && this.#backoffMs === 0) this.#pushNow();
    else this.#schedule(this.#flushDelayMs);
  }

  #schedule(delayMs: number): void {
    if (this.#timer !== undefined || this.#pushing !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#pushNow();
    }, delayMs);
    this.#timer.unref();
  }

  #pushNow(): void {
    if (this.#pushing !== undefined || this.#entries.length === 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pushing = this.#pushBatch().finally(() => {
      this.#pushing = undefined;
      if (this.#entries.length === 0 || this.#closed) return;
      if (this.#backoffMs > 0) this.#schedule(this.#backoffMs);
      else if (this.#entries.length >= this.#options.batchMax) this.#pushNow();
      else this.#schedule(this.#flushDelayMs);
    });
  }

  /** The batch stays in the queue until it is acknowledged, so that it counts against the limit. */
  async #pushBatch(): Promise<void> {
    const { set, name, batchMax } = this.#options;
    const batch = this.#entries.slice(0, batchMax);
    try {
      await this.#options.send(batch);
      this.#backoffMs = 0;
      this.#entries.splice(0, batch.length);
      set.counter("gatewayz_telemetry_sent_total").child(name).inc(batch.length);
    } catch (error) {
      set.counter("gatewayz_telemetry_push_failures_total").child(name).inc();
      if (error instanceof RefusedError) {
        this.#entries.splice(0, batch.length);
        this.#drop(batch.length, "refused");
      } else this.#backoffMs = Math.min(BACKOFF_MAX_MS, Math.max(BACKOFF_MIN_MS, this.#backoffMs * 2));
    }
  }

  #drop(count: number, reason: string): void {
    this.#options.set.counter("gatewayz_telemetry_dropped_total").child(this.#options.name, reason).inc(count);
  }

  /** Pushes what is queued until the queue is empty, a push fails, or the time is over; then drops and counts the rest. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    let late: NodeJS.Timeout | undefined;
    const deadline = new Promise<"late">((resolve) => {
      late = setTimeout(() => resolve("late"), CLOSE_TIMEOUT_MS);
    });
    await Promise.race([this.#drain(), deadline]);
    clearTimeout(late);
    if (this.#entries.length > 0) this.#drop(this.#entries.splice(0).length, "closing");
  }

  async #drain(): Promise<void> {
    await this.#pushing;
    while (this.#entries.length > 0) {
      await this.#pushBatch();
      if (this.#backoffMs > 0) return;
    }
  }
}
