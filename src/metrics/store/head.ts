import { invariant } from "../../runtime/invariant.ts";
import type { FloatHistogram } from "../../series/float-histogram.ts";
import { Labels, METRIC_NAME } from "../../series/labels.ts";
import { ChunkArena } from "../chunks/chunk-arena.ts";
import { AppendError } from "./append-error.ts";
import { ExemplarRing } from "./exemplar-ring.ts";
import { HeadIndex } from "./head-index.ts";
import { HeadSeries } from "./head-series.ts";
import { BLOCK_RANGE_MS, SERIES_MAX } from "./limits.ts";
import { MetricMetadataTable } from "./metric-metadata.ts";

/** What a truncation took away. */
export interface TruncatedHead {
  readonly series: number;
  readonly chunks: number;
}

/**
 * The newest part of the store, in memory: series by ref and by labels, their postings and their chunks. It knows
 * nothing of disk: the appender writes the WAL before it calls here, the replay reads it.
 */
export class Head {
  readonly index = new HeadIndex();
  readonly arena = new ChunkArena();
  readonly exemplars = new ExemplarRing();
  readonly metadata = new MetricMetadataTable();
  /** Samples before it belong to blocks and are refused; Unix ms. */
  minValidTimeMs = Number.NEGATIVE_INFINITY;

  readonly #byRef = new Map<number, HeadSeries>();
  /** Series by hash of their labels; a list where hashes collide. */
  readonly #byHash = new Map<number, HeadSeries | HeadSeries[]>();
  #nextRef = 1;
  #openChunks = 0;
  #minTimeMs = Number.POSITIVE_INFINITY;
  #maxTimeMs = Number.NEGATIVE_INFINITY;

  get seriesCount(): number {
    return this.#byRef.size;
  }

  get chunkCount(): number {
    return this.arena.chunks + this.#openChunks;
  }

  /** Time of the oldest sample, Infinity while there is none. */
  get minTimeMs(): number {
    return this.#minTimeMs;
  }

  /** Time of the newest sample, -Infinity while there is none. */
  get maxTimeMs(): number {
    return this.#maxTimeMs;
  }

  /** Oldest time that a new sample may have: half a block range behind the newest sample, as Prometheus. */
  get appendableFromMs(): number {
    return Math.max(this.minValidTimeMs, this.#maxTimeMs - BLOCK_RANGE_MS / 2);
  }

  get(ref: number): HeadSeries | undefined {
    return this.#byRef.get(ref);
  }

  allSeries(): Iterable<HeadSeries> {
    return this.#byRef.values();
  }

  find(labels: Labels): HeadSeries | undefined {
    const found = this.#byHash.get(hashOf(labels));
    if (found === undefined) return undefined;
    if (found instanceof HeadSeries) return samePairs(found.labels, labels) ? found : undefined;
    return found.find((series) => samePairs(series.labels, labels));
  }

  /** The series with these labels, made where it is missing. @throws AppendError SERIES_LIMIT */
  findOrCreate(labels: Labels): { series: HeadSeries; created: boolean } {
    const found = this.find(labels);
    if (found !== undefined) return { series: found, created: false };
    if (this.#byRef.size >= SERIES_MAX) throw new AppendError("SERIES_LIMIT", `the limit is ${SERIES_MAX}`);
    return { series: this.create(this.#nextRef, labels), created: true };
  }

  /** Makes a series under a ref that is larger than all before: a new one, or the WAL's. */
  create(ref: number, labels: Labels): HeadSeries {
    invariant(ref >= this.#nextRef, `series ref ${ref} comes after ${this.#nextRef - 1}`);
    const series = new HeadSeries(ref, Labels.fromSorted(this.index.intern(labels)));
    this.#nextRef = ref + 1;
    this.#byRef.set(ref, series);
    const hash = hashOf(labels);
    const others = this.#byHash.get(hash);
    if (others === undefined) this.#byHash.set(hash, series);
    else if (others instanceof HeadSeries) this.#byHash.set(hash, [others, series]);
    else others.push(series);
    this.index.add(ref, series.labels);
    return series;
  }

  /** The ref that the next series will get. */
  get nextRef(): number {
    return this.#nextRef;
  }

  /** False when the sample is not later than the series' newest one. */
  append(series: HeadSeries, timestampMs: number, high: number, low: number): boolean {
    const wasOpen = series.hasOpenChunk;
    if (!series.append(timestampMs, high, low, this.arena)) return false;
    this.#sampleAdded(wasOpen, timestampMs);
    return true;
  }

  /** False when the sample is not later than the series' newest one. */
  appendHistogram(series: HeadSeries, timestampMs: number, histogram: FloatHistogram): boolean {
    const wasOpen = series.hasOpenChunk;
    if (!series.appendHistogram(timestampMs, histogram, this.arena)) return false;
    this.#sampleAdded(wasOpen, timestampMs);
    return true;
  }

  /** Drops the chunks that end before `minTimeMs` and the series that have none left and are in nobody's batch. */
  truncate(minTimeMs: number): TruncatedHead {
    let chunks = 0;
    const removed = new Map<number, Labels>();
    let oldestMs = Number.POSITIVE_INFINITY;
    for (const series of this.#byRef.values()) {
      const wasOpen = series.hasOpenChunk;
      chunks += series.truncate(minTimeMs, this.arena);
      if (wasOpen && !series.hasOpenChunk) this.#openChunks--;
      if (series.empty && series.pendingBatches === 0) removed.set(series.ref, series.labels);
      else oldestMs = Math.min(oldestMs, series.firstTimestampMs(this.arena));
    }
    for (const [ref, labels] of removed) this.#forget(ref, labels);
    this.index.remove(new Set(removed.keys()), removed.values());
    this.metadata.keepOnly((metric) => this.index.postings(METRIC_NAME, metric).length > 0);
    this.#minTimeMs = oldestMs;
    this.minValidTimeMs = Math.max(this.minValidTimeMs, minTimeMs);
    return { series: removed.size, chunks };
  }

  #sampleAdded(wasOpen: boolean, timestampMs: number): void {
    if (!wasOpen) this.#openChunks++;
    if (timestampMs < this.#minTimeMs) this.#minTimeMs = timestampMs;
    if (timestampMs > this.#maxTimeMs) this.#maxTimeMs = timestampMs;
  }

  #forget(ref: number, labels: Labels): void {
    this.#byRef.delete(ref);
    const hash = hashOf(labels);
    const found = this.#byHash.get(hash);
    if (!Array.isArray(found)) {
      this.#byHash.delete(hash);
      return;
    }
    const kept = found.filter((series) => series.ref !== ref);
    this.#byHash.set(hash, kept.length === 1 ? kept[0]! : kept);
  }
}

/** FNV-1a over the UTF-16 units of all names and values, with a separator between them. */
function hashOf(labels: Labels): number {
  let hash = 0x811c9dc5;
  for (const text of labels.pairs) {
    for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
    hash = Math.imul(hash ^ 0xff, 0x01000193);
  }
  return hash | 0;
}

function samePairs(left: Labels, right: Labels): boolean {
  const { length } = left.pairs;
  if (length !== right.pairs.length) return false;
  for (let index = 0; index < length; index++) if (left.pairs[index] !== right.pairs[index]) return false;
  return true;
}
