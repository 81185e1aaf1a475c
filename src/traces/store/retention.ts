import type { SegmentSummary } from "./segment-set.ts";

/** How far the wall clock may be ahead of the newest segment before its jump is not believed. */
const CLOCK_AHEAD_MAX_MS = 24 * 60 * 60 * 1000;

export interface RetentionLimits {
  readonly nowMs: number;
  readonly retentionMs: number;
  /** Of all segments and the log together. */
  readonly bytesMax: number;
  readonly walBytes: number;
}

export interface Expired {
  readonly segment: SegmentSummary;
  readonly reason: "age" | "size";
}

/**
 * Which segments (oldest first) go. Age counts from when a segment was written, not from its spans' times, which are
 * the clients' clocks; and a clock that jumped ahead deletes nothing, because "now" is at most a day after the newest
 * segment.
 */
export function expiredSegments(segments: readonly SegmentSummary[], limits: RetentionLimits): Expired[] {
  const newestMs = segments.reduce((newest, { createdAtMs }) => Math.max(newest, createdAtMs), 0);
  const nowMs = Math.min(limits.nowMs, newestMs + CLOCK_AHEAD_MAX_MS);
  const expired: Expired[] = [];
  let bytes = limits.walBytes;
  const kept: SegmentSummary[] = [];
  for (const segment of segments) {
    if (segment.createdAtMs + limits.retentionMs < nowMs) expired.push({ segment, reason: "age" });
    else {
      kept.push(segment);
      bytes += segment.fileBytes;
    }
  }
  for (const segment of kept) {
    if (bytes <= limits.bytesMax) break;
    expired.push({ segment, reason: "size" });
    bytes -= segment.fileBytes;
  }
  return expired;
}
