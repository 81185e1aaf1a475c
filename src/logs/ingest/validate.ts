import type { Labels } from "../../series/labels.ts";
import type { Entry, StreamEntries } from "../entry.ts";
import {
  ACTIVE_STREAMS_MAX,
  ENTRY_AGE_MAX_MS,
  ENTRY_FUTURE_MAX_MS,
  LABEL_NAME_LENGTH_MAX,
  LABEL_NAMES_MAX,
  LABEL_VALUE_LENGTH_MAX,
  LINE_BYTES_MAX,
  METADATA_BYTES_MAX,
  METADATA_PAIRS_MAX,
} from "../limits.ts";
import { formatStream } from "./stream-labels.ts";

/** What a push may add to, and what it counts as refused. */
export interface ValidationContext {
  readonly nowMs: number;
  readonly activeStreams: number;
  hasStream(labels: Labels): boolean;
  discard(reason: string, lines: number, bytes: number): void;
}

export interface ValidatedPush {
  /** What is kept. */
  readonly streams: readonly StreamEntries[];
  readonly lines: number;
  readonly bytes: number;
  /** The status and text for what was refused; undefined when all was kept. 429 where sending again may work. */
  readonly refusal: { readonly status: 400 | 429; readonly message: string } | undefined;
}

/** A reason in Loki's `loki_discarded_samples_total` with its text. */
interface Refusal {
  readonly reason: string;
  readonly message: string;
}

/** Refuses what Loki's limits refuse, stream by stream and entry by entry; the rest of the push is kept. */
export function validatePush(streams: readonly StreamEntries[], context: ValidationContext): ValidatedPush {
  const kept: StreamEntries[] = [];
  const created = new Set<string>();
  let refusal: ValidatedPush["refusal"];
  let lines = 0;
  let bytes = 0;
  for (const stream of streams) {
    const { labels } = stream;
    const invalid = labelsRefusal(labels);
    if (invalid !== undefined) {
      refusal ??= { status: 400, message: invalid.message };
      context.discard(invalid.reason, stream.entries.length, sizeOf(stream.entries));
      continue;
    }
    if (!context.hasStream(labels) && !created.has(labels.key)) {
      if (context.activeStreams + created.size >= ACTIVE_STREAMS_MAX) {
        refusal ??= { status: 429, message: streamLimitMessage(labels) };
        context.discard("stream_limit", stream.entries.length, sizeOf(stream.entries));
        continue;
      }
      created.add(labels.key);
    }
    const entries = stream.entries.filter((entry) => {
      const refused = entryRefusal(entry, labels, context.nowMs);
      if (refused === undefined) {
        lines++;
        bytes += sizeOf([entry]);
        return true;
      }
      refusal ??= { status: 400, message: refused.message };
      context.discard(refused.reason, 1, sizeOf([entry]));
      return false;
    });
    if (entries.length > 0) kept.push({ labels, entries });
  }
  return { streams: kept, lines, bytes, refusal };
}

function sizeOf(entries: readonly Entry[]): number {
  return entries.reduce(
    (sum, { line, metadata }) => metadata.reduce((own, text) => own + text.length, sum + line.length),
    0,
  );
}

function streamLimitMessage(labels: Labels): string {
  return `Maximum active stream limit exceeded when trying to create stream ${formatStream(labels)}, reduce the number of active streams (reduce labels or reduce label values), or contact your Loki administrator to see if the limit can be increased, user: 'fake'`;
}

function labelsRefusal(labels: Labels): Refusal | undefined {
  if (labels.size === 0) {
    return { reason: "missing_labels", message: "error at least one label pair is required per stream" };
  }
  const stream = (): string => formatStream(labels).slice(0, 4_096);
  if (labels.size > LABEL_NAMES_MAX) {
    return {
      reason: "max_label_names_per_series",
      message: `entry for stream '${stream()}' has ${labels.size} label names; limit ${LABEL_NAMES_MAX}`,
    };
  }
  for (const [name, value] of labels.entries()) {
    if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)) {
      return {
        reason: "invalid_labels",
        message: `Error parsing labels '${stream()}' with error: invalid label name ${JSON.stringify(name.slice(0, 200))}`,
      };
    }
    if (name.length > LABEL_NAME_LENGTH_MAX) {
      return { reason: "label_name_too_long", message: `stream '${stream()}' has label name too long: '${name}'` };
    }
    if (value.length > LABEL_VALUE_LENGTH_MAX) {
      return {
        reason: "label_value_too_long",
        message: `stream '${stream()}' has label value too long: '${value.slice(0, 200)}'`,
      };
    }
  }
  return undefined;
}

function entryRefusal(entry: Entry, labels: Labels, nowMs: number): Refusal | undefined {
  const stream = (): string => formatStream(labels);
  if (entry.timestampMs < nowMs - ENTRY_AGE_MAX_MS) {
    const message = `entry for stream '${stream()}' has timestamp too old: ${iso(entry.timestampMs)}, oldest acceptable timestamp is: ${iso(nowMs - ENTRY_AGE_MAX_MS)}`;
    return { reason: "greater_than_max_sample_age", message };
  }
  if (entry.timestampMs > nowMs + ENTRY_FUTURE_MAX_MS) {
    const message = `entry for stream '${stream()}' has timestamp too new: ${iso(entry.timestampMs)}`;
    return { reason: "too_far_in_future", message };
  }
  if (entry.line.length > LINE_BYTES_MAX) {
    const message = `Max entry size '${LINE_BYTES_MAX}' bytes exceeded for stream '${stream()}' while adding an entry with length '${entry.line.length}' bytes`;
    return { reason: "line_too_long", message };
  }
  if (entry.metadata.length / 2 > METADATA_PAIRS_MAX) {
    const message = `stream '${stream()}' has too many structured metadata labels: '${entry.metadata.length / 2}', limit: '${METADATA_PAIRS_MAX}'. Please see \`limits_config.max_structured_metadata_entries_count\` or contact your Loki administrator to increase it.`;
    return { reason: "structured_metadata_too_many", message };
  }
  const metadataBytes = entry.metadata.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (metadataBytes > METADATA_BYTES_MAX) {
    const message = `stream '${stream()}' has structured metadata too large: '${metadataBytes}' bytes, limit: '${METADATA_BYTES_MAX}' bytes. Please see \`limits_config.max_structured_metadata_size\` or contact your Loki administrator to increase it.`;
    return { reason: "structured_metadata_too_large", message };
  }
  return undefined;
}

/** RFC 3339; times beyond what a Date can show are written as their milliseconds. */
function iso(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : `${ms} ms`;
}
