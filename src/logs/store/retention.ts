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

/** Segments that are wholly older than `cutoffMs`, then the oldest ones until segments and WAL fit `bytesMax`. */
export function segmentsToDelete(
  segments: readonly Segment[],
  cutoffMs: number,
  walBytes: number,
  bytesMax: number,
): { segment: Segment; reason: "age" | "size" }[] {
  const old = segments.filter((segment) => segment.maxMs < cutoffMs);
  const rest = segments.filter((segment) => segment.maxMs >= cutoffMs);
  const items = rest.map((segment) => ({
    name: segment.path,
    bytes: segment.bytes,
    maxTimeMs: segment.maxMs,
    segment,
  }));
  return [
    ...old.map((segment) => ({ segment, reason: "age" as const })),
    ...itemsOverBudget(items, walBytes, bytesMax).map(({ segment }) => ({ segment, reason: "size" as const })),
  ];
}
