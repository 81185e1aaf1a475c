import { writeBlock } from "../blocks/block-writer.ts";
import type { BlockSet } from "./block-set.ts";
import type { Head } from "./head.ts";
import { headBlock } from "./head-block.ts";
import { rangeEnd } from "./head-series.ts";
import { HEAD_SPAN_MAX_MS } from "./limits.ts";
import type { StoreMetrics } from "./store-metrics.ts";

export interface HeadCompaction {
  readonly dir: string;
  readonly head: Head;
  readonly blocks: BlockSet;
  readonly metrics: StoreMetrics;
  readonly now: () => number;
}

/** True when the head holds so much time that its first two hours are due. */
export function isHeadCompactable(head: Head): boolean {
  return head.maxTimeMs - head.minTimeMs > HEAD_SPAN_MAX_MS;
}

/**
 * Writes the head's first aligned two hours as a block and drops them from the head. What the log still holds of them
 * is passed over by a replay, because it ends before the block does.
 * @throws StorageError; the head is as it was, but for refusing samples of that range.
 */
export async function compactHead({ dir, head, blocks, metrics, now }: HeadCompaction): Promise<void> {
  const minTimeMs = head.minTimeMs;
  const maxTimeMs = rangeEnd(minTimeMs);
  // Appenders that begin from here on cannot reach into the range that is being written.
  head.minValidTimeMs = Math.max(head.minValidTimeMs, maxTimeMs);
  const meta = await writeBlock(dir, headBlock(head, minTimeMs, maxTimeMs), now());
  if (meta !== undefined) {
    await blocks.add(meta.ulid);
    metrics.compactions.inc();
  }
  truncateHead(head, maxTimeMs, metrics);
}

/** Drops the head's part before `minTimeMs`. */
export function truncateHead(head: Head, minTimeMs: number, metrics: StoreMetrics): void {
  metrics.headTruncations.inc();
  const removed = head.truncate(minTimeMs);
  metrics.seriesRemoved.inc(removed.series);
  metrics.chunksRemoved.inc(removed.chunks);
}
