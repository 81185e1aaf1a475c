import type { Labels } from "../../series/labels.ts";
import { METADATA_PER_TARGET_MAX } from "../limits.ts";
import type { MetricMetadata } from "../store/appender.ts";

/** What is known about one series of a target, by the bytes that the target writes for it. */
export interface CachedSeries {
  /** Metric name and braces as they stand in the body. */
  readonly raw: Uint8Array;
  /** Labels as stored; undefined where relabelling drops the series. */
  readonly labels: Labels | undefined;
  /** The store's reference, 0 until the first append. */
  ref: number;
  /** Scrape in which the series was seen last. */
  seenIn: number;
  /** Place in the order of the scrape in which it was seen last. */
  position: number;
  /** True while the store holds samples that end without a staleness marker. */
  live: boolean;
  /** What `live` becomes when the running scrape is stored. */
  liveNext: boolean;
  /** The newest exemplar as it stood in the body. */
  exemplar?: Uint8Array;
}

/**
 * The series of one target. Bodies hardly change from scrape to scrape, so the series that followed in the last one is
 * compared first, byte by byte; only a surprise costs a map lookup, and only a new series is parsed and relabelled.
 */
export class ScrapeCache {
  readonly #byRaw = new Map<string, CachedSeries>();
  #order: CachedSeries[] = [];
  #nextOrder: CachedSeries[] = [];
  #position = 0;
  #scrape = 0;
  #metadata = new Map<string, { type: string; help: string; unit: string; seenIn: number }>();

  get size(): number {
    return this.#byRaw.size;
  }

  get metadata(): ReadonlyMap<string, MetricMetadata> {
    return this.#metadata;
  }

  begin(): void {
    this.#scrape++;
    this.#position = 0;
    this.#nextOrder = [];
  }

  /** Raw bytes of the series that probably comes next. */
  expected(): Uint8Array | undefined {
    return this.#order[this.#position]?.raw;
  }

  /** Takes the expected series. */
  takeExpected(): CachedSeries {
    return this.#take(this.#order[this.#position]!);
  }

  /** The series written as `bytes[start, end)`, or undefined when it is new; then `add` it. */
  find(bytes: Uint8Array, start: number, end: number): CachedSeries | undefined {
    const series = this.#byRaw.get(rawKey(bytes, start, end));
    return series === undefined ? undefined : this.#take(series);
  }

  add(bytes: Uint8Array, start: number, end: number, labels: Labels | undefined): CachedSeries {
    // A copy: the body is garbage after the scrape, and a view (as Buffer's own slice is one) would keep it all.
    const raw = Buffer.from(bytes.subarray(start, end));
    const series: CachedSeries = {
      raw,
      labels,
      ref: 0,
      seenIn: 0,
      position: this.#position - 1,
      live: false,
      liveNext: false,
    };
    this.#byRaw.set(rawKey(raw, 0, raw.length), series);
    return this.#take(series);
  }

  #take(series: CachedSeries): CachedSeries {
    this.#position = series.position + 1;
    series.seenIn = this.#scrape;
    series.position = this.#nextOrder.length;
    this.#nextOrder.push(series);
    return series;
  }

  noteMetadata(metric: string, field: "type" | "help" | "unit", text: string): void {
    const known = this.#metadata.get(metric);
    if (known !== undefined) {
      known[field] = text;
      known.seenIn = this.#scrape;
    } else if (this.#metadata.size < METADATA_PER_TARGET_MAX) {
      const fresh = { type: "unknown", help: "", unit: "", seenIn: this.#scrape };
      fresh[field] = text;
      this.#metadata.set(metric, fresh);
    }
  }

  /** Series with samples in the store that the running scrape did not bring, and that no other spelling brought. */
  vanished(): CachedSeries[] {
    const gone: CachedSeries[] = [];
    for (const series of this.#byRaw.values()) {
      if (series.live && series.seenIn !== this.#scrape) gone.push(series);
    }
    if (gone.length === 0) return gone;
    const present = new Set(this.#nextOrder.filter(({ ref }) => ref !== 0).map(({ ref }) => ref));
    return gone.filter(({ ref }) => !present.has(ref));
  }

  /** Every series whose samples end without a staleness marker. */
  live(): CachedSeries[] {
    return [...this.#byRaw.values()].filter((series) => series.live);
  }

  /** Ends a scrape that was stored: what it did not bring is forgotten. */
  commit(): void {
    for (const [key, series] of this.#byRaw) {
      if (series.seenIn === this.#scrape) series.live = series.liveNext;
      else this.#byRaw.delete(key);
    }
    for (const [metric, { seenIn }] of this.#metadata) if (seenIn !== this.#scrape) this.#metadata.delete(metric);
    this.#order = this.#nextOrder;
  }

  /** Ends a scrape that failed: the order of the last good one stays, and what was learnt about series stays true. */
  abandon(): void {
    this.#order = [...this.#byRaw.values()];
    for (const [index, series] of this.#order.entries()) series.position = index;
  }
}

/** One byte per character: exact for any bytes, and cheaper than UTF-8. */
function rawKey(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
}
