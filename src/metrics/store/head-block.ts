import type { BlockChunk } from "../blocks/block-format.ts";
import type { BlockSeries, NewBlock } from "../blocks/block-writer.ts";
import { compareLabelsUtf8 } from "../blocks/utf8-order.ts";
import type { Head } from "./head.ts";
import type { HeadSeries } from "./head-series.ts";

/**
 * The head's part [minTimeMs, maxTimeMs) as a block to write. Chunks end at block boundaries, so they are taken as they
 * are; no sample is decoded.
 */
export function headBlock(head: Head, minTimeMs: number, maxTimeMs: number): NewBlock {
  return {
    minTimeMs,
    maxTimeMs,
    level: 1,
    parents: [],
    symbols: symbolsOf(head, minTimeMs, maxTimeMs),
    series: seriesOf(head, minTimeMs, maxTimeMs),
  };
}

function symbolsOf(head: Head, minTimeMs: number, maxTimeMs: number): Set<string> {
  const symbols = new Set<string>();
  for (const series of head.allSeries()) {
    if (!touches(head, series, minTimeMs, maxTimeMs)) continue;
    for (const text of series.labels.pairs) symbols.add(text);
  }
  return symbols;
}

function* seriesOf(head: Head, minTimeMs: number, maxTimeMs: number): Generator<BlockSeries> {
  const inRange = [...head.allSeries()].filter((series) => touches(head, series, minTimeMs, maxTimeMs));
  inRange.sort((left, right) => compareLabelsUtf8(left.labels, right.labels));
  for (const series of inRange) {
    yield { labels: series.labels, chunks: chunksOf(head, series, minTimeMs, maxTimeMs) };
  }
}

function chunksOf(head: Head, series: HeadSeries, minTimeMs: number, maxTimeMs: number): BlockChunk[] {
  const { arena } = head;
  const chunks: BlockChunk[] = [];
  const add = (chunk: BlockChunk): void => {
    if (chunk.maxTimeMs >= minTimeMs && chunk.minTimeMs < maxTimeMs) chunks.push(chunk);
  };
  for (const handle of series.closed) {
    add({
      encoding: arena.encoding(handle),
      minTimeMs: arena.minTimeMs(handle),
      maxTimeMs: arena.maxTimeMs(handle),
      data: arena.data(handle),
    });
  }
  const open = series.openChunk;
  if (open !== undefined) add(open);
  return chunks;
}

function touches(head: Head, series: HeadSeries, minTimeMs: number, maxTimeMs: number): boolean {
  return series.firstTimestampMs(head.arena) < maxTimeMs && series.lastTimestampMs >= minTimeMs;
}
