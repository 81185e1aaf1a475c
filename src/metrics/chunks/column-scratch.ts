import type { FloatHistogram } from "../../series/float-histogram.ts";
import type { Labels } from "../../series/labels.ts";
import type { SeriesColumns } from "../../series/queryable.ts";
import { bitsOf } from "../../series/stale.ts";
import { StorageError } from "../../storage/storage-error.ts";
import { ChunkEncoding } from "./chunk-encoding.ts";
import { decodeFloatHistogramChunk, decodeIntegerHistogramChunk } from "./histogram-chunk.ts";
import { STALE_HIGH, STALE_LOW } from "./value-bits.ts";
import { chunkSampleCount, decodeXorChunk } from "./xor-chunk.ts";

const INITIAL_SAMPLES = 4_096;

/** Room into which the chunks of one series are decoded, one series after the other; grown, never shrunk. */
export class ColumnScratch {
  #timestamps = new Float64Array(INITIAL_SAMPLES);
  #values = new Float64Array(INITIAL_SAMPLES);
  #bits = bitsOf(this.#values);
  #histograms: (FloatHistogram | undefined)[] | undefined;
  #length = 0;
  #inOrder = true;

  clear(): void {
    this.#length = 0;
    this.#histograms = undefined;
    this.#inOrder = true;
  }

  /** Decodes a chunk behind what is there. @throws StorageError for bytes that are no such chunk. */
  decode(encoding: number, bytes: Uint8Array, start: number, end: number): void {
    const count = chunkSampleCount(bytes, start, end);
    this.#reserve(count);
    const first = this.#length;
    if (encoding === ChunkEncoding.Xor) {
      decodeXorChunk(bytes, start, end, this.#timestamps, this.#bits, first);
      this.#length = first + count;
      if (this.#histograms !== undefined) this.#histograms.length = this.#length;
    } else if (encoding === ChunkEncoding.FloatHistogram) {
      decodeFloatHistogramChunk(bytes, start, end, this.#addHistogram);
    } else if (encoding === ChunkEncoding.Histogram) {
      decodeIntegerHistogramChunk(bytes, start, end, this.#addHistogram);
    } else throw new StorageError("STORAGE_CORRUPT", `unknown chunk encoding ${encoding}`);
    if (first > 0 && count > 0 && this.#timestamps[first]! <= this.#timestamps[first - 1]!) this.#inOrder = false;
  }

  /** Removes the samples of [startMs, endMs]: what a tombstone of a block says. */
  removeRange(startMs: number, endMs: number): void {
    let kept = 0;
    for (let index = 0; index < this.#length; index++) {
      const timestampMs = this.#timestamps[index]!;
      if (timestampMs < startMs || timestampMs > endMs) this.#move(index, kept++);
    }
    this.#length = kept;
    if (this.#histograms !== undefined) this.#histograms.length = kept;
  }

  /** Copies out what lies in [minTimeMs, maxTimeMs]; undefined when nothing does. */
  take(labels: Labels, minTimeMs: number, maxTimeMs: number): SeriesColumns | undefined {
    if (!this.#inOrder) this.#sort();
    const timestamps = this.#timestamps;
    const start = firstNotBelow(timestamps, this.#length, minTimeMs);
    let end = start;
    if (this.#length > 0 && timestamps[this.#length - 1]! <= maxTimeMs) end = this.#length;
    else end = firstAbove(timestamps, this.#length, maxTimeMs);
    if (end <= start) return undefined;
    const columns = { labels, timestamps: timestamps.slice(start, end), values: this.#values.slice(start, end) };
    const histograms = this.#histograms?.slice(start, end);
    return histograms?.some((histogram) => histogram !== undefined) ? { ...columns, histograms } : columns;
  }

  readonly #addHistogram = (timestampMs: number, histogram: FloatHistogram | undefined): void => {
    const at = this.#length++;
    this.#histograms ??= [];
    this.#histograms.length = at;
    this.#histograms.push(histogram);
    this.#timestamps[at] = timestampMs;
    if (histogram !== undefined) this.#values[at] = Number.NaN;
    else {
      this.#bits[2 * at] = STALE_LOW;
      this.#bits[2 * at + 1] = STALE_HIGH;
    }
  };

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#timestamps.length) return;
    const size = Math.max(needed, this.#timestamps.length * 2);
    const timestamps = new Float64Array(size);
    const values = new Float64Array(size);
    timestamps.set(this.#timestamps.subarray(0, this.#length));
    const bits = bitsOf(values);
    bits.set(this.#bits.subarray(0, this.#length * 2));
    this.#timestamps = timestamps;
    this.#values = values;
    this.#bits = bits;
  }

  /** Overlapping blocks: sorts by time, keeps the first of equal times. */
  #sort(): void {
    const order = Uint32Array.from({ length: this.#length }, (_, index) => index);
    const from = this.#timestamps.slice(0, this.#length);
    const bits = this.#bits.slice(0, this.#length * 2);
    const histograms = this.#histograms?.slice();
    order.sort((left, right) => from[left]! - from[right]! || left - right);
    let kept = 0;
    for (const index of order) {
      if (kept > 0 && this.#timestamps[kept - 1] === from[index]) continue;
      this.#timestamps[kept] = from[index]!;
      this.#bits[2 * kept] = bits[2 * index]!;
      this.#bits[2 * kept + 1] = bits[2 * index + 1]!;
      if (histograms !== undefined) this.#histograms![kept] = histograms[index];
      kept++;
    }
    this.#length = kept;
    if (this.#histograms !== undefined) this.#histograms.length = kept;
    this.#inOrder = true;
  }

  #move(from: number, to: number): void {
    this.#timestamps[to] = this.#timestamps[from]!;
    this.#bits[2 * to] = this.#bits[2 * from]!;
    this.#bits[2 * to + 1] = this.#bits[2 * from + 1]!;
    if (this.#histograms !== undefined) this.#histograms[to] = this.#histograms[from];
  }
}

function firstNotBelow(sorted: Float64Array, length: number, bound: number): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

function firstAbove(sorted: Float64Array, length: number, bound: number): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! <= bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
