import type { Labels } from "../series/labels.ts";

/** One log line as it came in. */
export interface Entry {
  /** Unix time: whole ms, and the nanoseconds past them (0 to 999,999). */
  readonly timestampMs: number;
  readonly subMsNs: number;
  /** UTF-8, usually; stored byte by byte as sent. */
  readonly line: Uint8Array;
  /** Structured metadata, flat name, value pairs in the order sent. */
  readonly metadata: readonly string[];
}

/** Entries of one stream, as one push brings them. */
export interface StreamEntries {
  readonly labels: Labels;
  readonly entries: readonly Entry[];
}

/** Order in time. */
export function compareTimes(leftMs: number, leftNs: number, rightMs: number, rightNs: number): number {
  return leftMs === rightMs ? leftNs - rightNs : leftMs - rightMs;
}
