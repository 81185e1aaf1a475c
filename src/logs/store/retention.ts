import { itemsOverBudget } from "../../storage/size-budget.ts";
import type { Segment } from "./segment.ts";

/** A wall clock that moves this much against the monotonic one was set, by hand or by a broken time server. */
const CLOCK_JUMP_MS = 3_600_000;

/** The same of a clock that is this far ahead of the newest data: after a start in the year 2100, for one. */
const AHEAD_OF_DATA_MS = 365 * 24 * 3_600_000;

/** Says before which time data is too old, and does not believe a clock that jumped. */
export class RetentionClock {
  readonly #offsetMs = Date.now() - performance.now();

  /** Nothing at or after the returned time is deleted for its age. */
  cutoffMs(newestMs: number, retentionMs: number): number {
    const nowMs = Date.now();
    if (Math.abs(nowMs - performance.now() - this.#offsetMs) > CLOCK_JUMP_MS) return Number.NEGATIVE_INFINITY;
    if (nowMs - newestMs > AHEAD_OF_DATA_MS) return Number.NEGATIVE_INFINITY;
    return nowMs - retentionMs;
  }
}

/** What is deleted, and why. */
export interface DoomedSegment {
  readonly segment: Segment;
  readonly reason: "age" | "size" | "blocks";
}

/**
 * Segments that are wholly older than `cutoffMs`, then the oldest ones until segments and `fixedBytes` (the WAL, files
 * that wait to be unlinked) fit `bytesMax`, then the oldest until no more than `blocksMax` blocks are to be remembered.
 */
export function segmentsToDelete(
  segments: readonly Segment[],
  cutoffMs: number,
  fixedBytes: number,
  bytesMax: number,
  blocksMax: number,
): DoomedSegment[] {
  const reasons = new Map<Segment, DoomedSegment["reason"]>();
  for (const segment of segments) if (segment.maxMs < cutoffMs) reasons.set(segment, "age");
  const over = (reason: "size" | "blocks", sizeOf: (segment: Segment) => number, fixed: number, max: number): void => {
    const left = segments.filter((segment) => !reasons.has(segment));
    const items = left.map((segment) => ({
      name: segment.path,
      bytes: sizeOf(segment),
      maxTimeMs: segment.maxMs,
      segment,
    }));
    for (const { segment } of itemsOverBudget(items, fixed, max)) reasons.set(segment, reason);
  };
  over("size", ({ bytes }) => bytes, fixedBytes, bytesMax);
  over("blocks", ({ blocks }) => blocks.length, 0, blocksMax);
  return [...reasons].map(([segment, reason]) => ({ segment, reason }));
}
