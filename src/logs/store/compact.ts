import type { Labels } from "../../series/labels.ts";
import type { Entry } from "../entry.ts";
import type { Block } from "./block.ts";
import { metadataOf, type Rows, startOf } from "./rows.ts";
import { RowsBuilder } from "./rows-builder.ts";
import type { Segment } from "./segment.ts";
import type { BlockToWrite } from "./segment-write.ts";

/** Flushes that a merged file holds at each level, and how many files of the level below make one. */
const LEVELS = [
  { flushesMin: 1, filesMerged: 6 },
  { flushesMin: 6, filesMerged: 4 },
] as const;
const FLUSHES_MAX = 24;
/** Retention deletes whole files, so none may span more than this. */
const SPAN_MAX_MS = 24 * 3_600_000;
const BYTES_MAX = 64 * 1024 * 1024;
/** Blocks of this many line bytes on average are large enough as they are. */
const BLOCK_BYTES_ENOUGH = 256 * 1024;

/** A block that is to be merged cannot be read; its file stays as it is. */
export class BlockDamaged extends Error {
  override readonly name = "BlockDamaged";
}

/**
 * The oldest run of neighbouring files of one level whose blocks are small; empty where there is none. A quiet gateway
 * flushes once an hour, a few kilobytes per stream: merged by six and again by four, a day is one file.
 */
export function segmentsToMerge(segments: readonly Segment[]): Segment[] {
  for (let start = 0; start < segments.length; start++) {
    const level = levelOf(segments[start]!);
    if (level === undefined) continue;
    const run = segments.slice(start, start + level.filesMerged);
    if (run.length === level.filesMerged && run.every((segment) => levelOf(segment) === level) && fits(run)) return run;
  }
  return [];
}

function levelOf({ range, hasDamage }: Segment): (typeof LEVELS)[number] | undefined {
  const flushes = range.last - range.first + 1;
  if (hasDamage || flushes >= FLUSHES_MAX) return undefined;
  return LEVELS.findLast(({ flushesMin }) => flushes >= flushesMin);
}

function fits(run: readonly Segment[]): boolean {
  const sum = (of: (segment: Segment) => number): number => run.reduce((total, segment) => total + of(segment), 0);
  const blocks = sum((segment) => segment.blocks.length);
  const lineBytes = sum((segment) => segment.blocks.reduce((total, block) => total + block.lineBytes, 0));
  const spanMs = Math.max(...run.map(({ maxMs }) => maxMs)) - Math.min(...run.map(({ minMs }) => minMs));
  return sum(({ bytes }) => bytes) <= BYTES_MAX && spanMs <= SPAN_MAX_MS && lineBytes / blocks < BLOCK_BYTES_ENOUGH;
}

/** The rows of all files, stream by stream, in blocks as large as they may be. @throws BlockDamaged */
export async function* mergedBlocks(run: readonly Segment[]): AsyncGenerator<BlockToWrite> {
  const byStream = new Map<Labels, Block[]>();
  for (const { blocks } of run) {
    for (const block of blocks) {
      const known = byStream.get(block.labels);
      if (known === undefined) byStream.set(block.labels, [block]);
      else known.push(block);
    }
  }
  for (const [labels, blocks] of byStream) {
    let builder = new RowsBuilder();
    for (const block of blocks.sort((left, right) => left.minMs - right.minMs)) {
      const rows = await block.read({ lines: true, metadata: true });
      if (rows === undefined) throw new BlockDamaged("a block to be merged cannot be read");
      for (let row = 0; row < rows.count; row++) {
        if (builder.full) {
          yield { labels, builder };
          builder = new RowsBuilder();
        }
        builder.append(entryAt(rows, row));
      }
    }
    if (builder.count > 0) yield { labels, builder };
  }
}

function entryAt(rows: Rows, row: number): Entry {
  const lines = rows.lines!;
  return {
    timestampMs: rows.timestampsMs[row]!,
    subMsNs: rows.subMsNs[row]!,
    line: lines.bytes.subarray(startOf(lines, row), lines.ends[row]),
    metadata: metadataOf(rows, row),
  };
}
