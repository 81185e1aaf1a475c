import type { SeriesColumns } from "../../series/queryable.ts";
import { bitsOf } from "../../series/stale.ts";
import type { Block } from "../blocks/block.ts";
import type { BlockChunk } from "../blocks/block-format.ts";
import type { BlockSeries, NewBlock } from "../blocks/block-writer.ts";
import type { IndexedSeries } from "../blocks/index-reader.ts";
import type { Refs } from "../blocks/postings.ts";
import { compareLabelsUtf8 } from "../blocks/utf8-order.ts";
import { ChunkArena } from "../chunks/chunk-arena.ts";
import { ColumnScratch } from "../chunks/column-scratch.ts";
import { HeadSeries } from "./head-series.ts";
import { BLOCK_RANGE_FACTOR, BLOCK_RANGE_MAX_MS, BLOCK_RANGE_MS } from "./limits.ts";

/** The ranges that blocks grow to: 2 h, 6 h, 18 h, … up to a tenth of the retention time. */
export function blockRanges(retentionMs: number): number[] {
  const largestMs = Math.min(retentionMs / 10, BLOCK_RANGE_MAX_MS);
  const ranges = [BLOCK_RANGE_MS];
  while (ranges.at(-1)! * BLOCK_RANGE_FACTOR <= largestMs) ranges.push(ranges.at(-1)! * BLOCK_RANGE_FACTOR);
  return ranges;
}

/**
 * The blocks to merge next: those of one aligned range, when the range is full or surely gets no more blocks.
 * The newest block is left alone, so that what may still be written by somebody else is not merged too early.
 * Source: Prometheus tsdb/compact.go, selectDirs.
 *
 * @param blocks  Sorted by their first time.
 */
export function planMerge<T extends Pick<Block, "meta">>(blocks: readonly T[], ranges: readonly number[]): T[] {
  const newest = blocks.at(-1);
  if (newest === undefined) return [];
  const older = blocks.slice(0, -1);
  for (const rangeMs of ranges.slice(1)) {
    const groups = new Map<number, T[]>();
    for (const block of older) {
      const start = Math.floor(block.meta.minTime / rangeMs) * rangeMs;
      if (block.meta.maxTime > start + rangeMs) continue;
      const group = groups.get(start);
      if (group === undefined) groups.set(start, [block]);
      else group.push(block);
    }
    for (const [start, group] of groups) {
      if (group.length < 2) continue;
      const endMs = Math.max(...group.map(({ meta }) => meta.maxTime));
      const full = group[0]!.meta.minTime === start && endMs === start + rangeMs;
      if (full || newest.meta.minTime >= start + rangeMs) return group;
    }
  }
  return [];
}

/** Several blocks as one to write: series merged in the order of their labels, chunks taken over where they can be. */
export function mergedBlock(blocks: readonly Block[]): NewBlock {
  const symbols = new Set<string>();
  for (const block of blocks) for (const symbol of block.index.symbols) symbols.add(symbol);
  return {
    minTimeMs: Math.min(...blocks.map(({ meta }) => meta.minTime)),
    maxTimeMs: Math.max(...blocks.map(({ meta }) => meta.maxTime)),
    level: Math.max(...blocks.map(({ meta }) => meta.compaction.level)) + 1,
    parents: blocks.map(({ meta }) => meta),
    symbols,
    series: mergeSeries(blocks),
  };
}

/** Walks one block's series in order. */
class Cursor {
  readonly block: Block;
  readonly #refs: Refs;
  #at = -1;
  current: IndexedSeries | undefined;

  constructor(block: Block) {
    this.block = block;
    this.#refs = block.index.all();
    this.next();
  }

  get ref(): number {
    return this.#refs[this.#at]!;
  }

  next(): void {
    this.#at++;
    this.current = this.#at < this.#refs.length ? this.block.index.series(this.ref) : undefined;
  }
}

function* mergeSeries(blocks: readonly Block[]): Generator<BlockSeries> {
  const cursors = blocks.map((block) => new Cursor(block));
  for (;;) {
    let first: IndexedSeries | undefined;
    for (const { current } of cursors) {
      if (current === undefined) continue;
      if (first === undefined || compareLabelsUtf8(current.labels, first.labels) < 0) first = current;
    }
    if (first === undefined) return;
    const { labels } = first;
    const same = cursors.filter(({ current }) => current && compareLabelsUtf8(current.labels, labels) === 0);
    yield { labels, chunks: mergeChunks(same) };
    for (const cursor of same) cursor.next();
  }
}

function mergeChunks(cursors: readonly Cursor[]): BlockChunk[] {
  const chunks: BlockChunk[] = [];
  let deleted = false;
  for (const { block, current, ref } of cursors) {
    for (const chunk of current!.chunks) chunks.push(block.chunk(chunk));
    deleted ||= block.deletedOf(ref).length > 0;
  }
  chunks.sort((left, right) => left.minTimeMs - right.minTimeMs);
  const overlap = chunks.some((chunk, index) => index > 0 && chunk.minTimeMs <= chunks[index - 1]!.maxTimeMs);
  return overlap || deleted ? encodeAgain(cursors, chunks) : chunks;
}

/** Overlapping chunks and deleted ranges: decodes all samples and cuts new chunks. */
function encodeAgain(cursors: readonly Cursor[], chunks: readonly BlockChunk[]): BlockChunk[] {
  const { labels } = cursors[0]!.current!;
  const scratch = new ColumnScratch();
  for (const { encoding, data } of chunks) scratch.decode(encoding, data, 0, data.length);
  for (const { block, ref } of cursors) {
    for (const range of block.deletedOf(ref)) scratch.removeRange(range.minTimeMs, range.maxTimeMs);
  }
  const columns = scratch.take(labels, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
  return columns === undefined ? [] : encodeColumns(columns);
}

/** Cuts chunks as the head does, by letting a series of the head do it. */
function encodeColumns(columns: SeriesColumns): BlockChunk[] {
  const arena = new ChunkArena();
  const series = new HeadSeries(0, columns.labels);
  const bits = bitsOf(columns.values);
  for (const [index, timestampMs] of columns.timestamps.entries()) {
    const histogram = columns.histograms?.[index];
    if (histogram === undefined) series.append(timestampMs, bits[2 * index + 1]!, bits[2 * index]!, arena);
    else series.appendHistogram(timestampMs, histogram, arena);
  }
  const chunks: BlockChunk[] = series.closed.map((handle) => ({
    encoding: arena.encoding(handle),
    minTimeMs: arena.minTimeMs(handle),
    maxTimeMs: arena.maxTimeMs(handle),
    data: arena.data(handle),
  }));
  const open = series.openChunk;
  return open === undefined ? chunks : [...chunks, open];
}
