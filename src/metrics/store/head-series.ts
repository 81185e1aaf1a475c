import type { FloatHistogram } from "../../series/float-histogram.ts";
import type { Labels } from "../../series/labels.ts";
import type { ChunkArena } from "../chunks/chunk-arena.ts";
import { ChunkEncoding } from "../chunks/chunk-encoding.ts";
import { HistogramChunkWriter } from "../chunks/histogram-chunk.ts";
import { XorChunkWriter } from "../chunks/xor-chunk.ts";
import { BLOCK_RANGE_MS, CHUNK_SAMPLES, CHUNK_SAMPLES_MAX } from "./limits.ts";

const NEVER = Number.NEGATIVE_INFINITY;

/** One series of the head: its labels, its closed chunks in the arena, and the chunk that takes samples. */
export class HeadSeries {
  readonly ref: number;
  readonly labels: Labels;
  /** Handles of closed chunks, oldest first; none overlaps another, none crosses a block boundary. */
  closed: number[] = [];
  /** The WAL holds the series' labels under its ref. */
  logged = false;
  /** Batches that hold the series and are not committed yet; it is not collected while there are any. */
  pendingBatches = 0;
  /** The batch that counted itself in `pendingBatches` last; saves it from doing so twice. */
  holder: object | undefined;
  /** The batch that appended last, and what it appended, to check the batch against itself. */
  batch: object | undefined;
  batchTimestampMs = NEVER;
  batchHigh = 0;
  batchLow = 0;

  #floats: XorChunkWriter | undefined;
  #histograms: HistogramChunkWriter | undefined;
  #openMinMs = 0;
  /** Time at which the open chunk must end. */
  #openEndMs = 0;

  constructor(ref: number, labels: Labels) {
    this.ref = ref;
    this.labels = labels;
  }

  /** Time of the newest sample; -Infinity while there is none. */
  get lastTimestampMs(): number {
    return this.#floats?.lastTimestampMs ?? this.#histograms?.lastTimestampMs ?? NEVER;
  }

  /** True when the newest sample is a float of exactly these bits. */
  lastValueIs(high: number, low: number): boolean {
    return this.#floats?.lastValueIs(high, low) ?? false;
  }

  get empty(): boolean {
    return this.closed.length === 0 && this.#open === undefined;
  }

  get hasOpenChunk(): boolean {
    return this.#open !== undefined;
  }

  /** Time of the oldest sample; Infinity while there is none. */
  firstTimestampMs(arena: ChunkArena): number {
    if (this.closed.length > 0) return arena.minTimeMs(this.closed[0]!);
    return this.#open === undefined ? Number.POSITIVE_INFINITY : this.#openMinMs;
  }

  /** The chunk under way. Borrowed: its bytes are valid until the next append. */
  get openChunk(): { encoding: number; minTimeMs: number; maxTimeMs: number; data: Uint8Array } | undefined {
    const open = this.#open;
    if (open === undefined) return undefined;
    const encoding = open === this.#floats ? ChunkEncoding.Xor : ChunkEncoding.FloatHistogram;
    return { encoding, minTimeMs: this.#openMinMs, maxTimeMs: open.lastTimestampMs, data: open.view() };
  }

  /** Appends a float; false, and nothing happens, when it is not later than the newest sample. */
  append(timestampMs: number, high: number, low: number, arena: ChunkArena): boolean {
    if (timestampMs <= this.lastTimestampMs) return false;
    if (this.#histograms !== undefined || this.#mustCut(timestampMs)) this.#cut(arena);
    this.#floats ??= this.#begin(timestampMs, new XorChunkWriter());
    this.#floats.append(timestampMs, high, low);
    this.#estimateEnd(this.#floats.count, timestampMs);
    return true;
  }

  /** Appends a native histogram; false when it is not later than the newest sample. */
  appendHistogram(timestampMs: number, histogram: FloatHistogram, arena: ChunkArena): boolean {
    if (timestampMs <= this.lastTimestampMs) return false;
    if (this.#floats !== undefined || this.#mustCut(timestampMs)) this.#cut(arena);
    if (this.#histograms !== undefined && !this.#histograms.accepts(histogram)) this.#cut(arena);
    this.#histograms ??= this.#begin(timestampMs, new HistogramChunkWriter(histogram));
    this.#histograms.append(timestampMs, histogram);
    this.#estimateEnd(this.#histograms.count, timestampMs);
    return true;
  }

  /** Frees the chunks that end before `minTimeMs`, the open one too; returns how many. */
  truncate(minTimeMs: number, arena: ChunkArena): number {
    let count = 0;
    while (count < this.closed.length && arena.maxTimeMs(this.closed[count]!) < minTimeMs) {
      arena.free(this.closed[count]!);
      count++;
    }
    if (count > 0) this.closed = this.closed.slice(count);
    const open = this.#open;
    if (open !== undefined && open.lastTimestampMs < minTimeMs) {
      this.#floats = undefined;
      this.#histograms = undefined;
      count++;
    }
    return count;
  }

  get #open(): XorChunkWriter | HistogramChunkWriter | undefined {
    return this.#floats ?? this.#histograms;
  }

  #begin<T>(timestampMs: number, writer: T): T {
    this.#openMinMs = timestampMs;
    this.#openEndMs = rangeEnd(timestampMs);
    return writer;
  }

  #mustCut(timestampMs: number): boolean {
    const open = this.#open;
    return open !== undefined && (timestampMs >= this.#openEndMs || open.count >= CHUNK_SAMPLES_MAX);
  }

  /** Moves the open chunk into the arena. */
  #cut(arena: ChunkArena): void {
    const open = this.openChunk;
    if (open === undefined) return;
    // Not pushed: an array that grows by pushing keeps room for sixteen more, in every series.
    this.closed = this.closed.concat(arena.add(open.encoding, open.minTimeMs, open.maxTimeMs, open.data));
    this.#floats = undefined;
    this.#histograms = undefined;
  }

  /**
   * After a quarter of its samples a chunk's end is set so that the chunks up to the block's end become about equal.
   * Source: Prometheus tsdb/head_append.go, computeChunkEndTime.
   */
  #estimateEnd(count: number, timestampMs: number): void {
    if (count !== CHUNK_SAMPLES / 4) return;
    const start = this.#openMinMs;
    const end = rangeEnd(start);
    const chunks = Math.floor((end - start) / ((timestampMs - start + 1) * 4));
    this.#openEndMs = chunks > 1 ? start + Math.floor((end - start) / chunks) : end;
  }
}

/** End (exclusive) of the aligned block range that holds a time. */
export function rangeEnd(timestampMs: number): number {
  return (Math.floor(timestampMs / BLOCK_RANGE_MS) + 1) * BLOCK_RANGE_MS;
}
