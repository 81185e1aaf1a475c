import type { FieldRef, Query } from "../../languages/traceql/ast.ts";
import { startMs as rowStartMs, type SpanBlock, startNs } from "../store/span-block.ts";
import type { TraceStore } from "../store/trace-store.ts";
import { anyValue, attributeKey } from "./attribute-value.ts";
import { BlockFacts } from "./block-facts.ts";
import { compileValue } from "./compile.ts";
import { type Getter, hex } from "./field-getter.ts";
import { NewestTraces } from "./newest-traces.ts";
import { columnRequests, fieldsOf, Pipeline, type Spanset } from "./pipeline.ts";
import { blockFilter } from "./prune.ts";
import { QueryBudget } from "./query-budget.ts";
import { SERVICE_NAME, TraceSummary } from "./trace-summary.ts";

export interface SearchOptions {
  readonly query: Query;
  /** Unix ms; traces that overlap the range are searched. */
  readonly startMs: number;
  readonly endMs: number;
  /** Most traces answered, the newest ones. */
  readonly limit: number;
  /** Most spans shown per spanset. */
  readonly spansPerSpanset: number;
  /** On the whole trace, ns; as the parameters minDuration and maxDuration. */
  readonly minDurationNs: number;
  readonly maxDurationNs: number;
  readonly signal: AbortSignal | undefined;
}

export interface SearchResult {
  readonly traces: TraceSummary[];
  readonly inspectedTraces: number;
  readonly inspectedSpans: number;
  readonly inspectedBlocks: number;
}

/** Parts of one trace that lie in different blocks start at most this far apart, else the older part is not found. */
const SPLIT_TRACE_MS = 60_000;

/** Intrinsics that every result carries in fields of its own, so that they are no attributes too. */
const SHOWN_ELSEWHERE: ReadonlySet<string> = new Set([
  "name",
  "duration",
  "traceDuration",
  "rootName",
  "rootServiceName",
  "trace:id",
  "span:id",
]);

/** Finds the newest traces that match. Parts of a trace from several blocks become one result. */
export async function searchTraces(store: TraceStore, options: SearchOptions): Promise<SearchResult> {
  const { query, startMs, endMs, limit } = options;
  const fields = fieldsOf(query);
  const requests = [...columnRequests(fields), SERVICE_NAME];
  const shown = fields.filter((field) => field.type !== "intrinsic" || !SHOWN_ELSEWHERE.has(field.name));
  const found = new NewestTraces(limit);
  const budget = new QueryBudget(options.signal);
  const filter = blockFilter(query, (blockEndMs) => blockEndMs >= found.cutoffMs - SPLIT_TRACE_MS);
  let inspectedTraces = 0;
  let inspectedSpans = 0;
  let inspectedBlocks = 0;
  for await (const block of store.blocks(startMs, endMs, requests, filter)) {
    await budget.pause();
    inspectedBlocks++;
    inspectedSpans += block.rowCount;
    const facts = new BlockFacts(block);
    const pipeline = new Pipeline(query.elements, facts);
    const shownValues = shown.map((field) => ({ field, getter: compileValue(field, facts) }));
    // Backwards: a block's traces are in order of their start, and the newest are wanted.
    for (let trace = block.traceCount - 1; trace >= 0; trace--) {
      const traceStartMs = rowStartMs(block, block.traceStarts[trace]!);
      if (traceStartMs < found.cutoffMs - SPLIT_TRACE_MS) break;
      if (traceStartMs > endMs || traceStartMs + facts.traceDurations[trace]! / 1e6 < startMs) continue;
      // Too old for a result of its own, but it may be another part of one.
      if (traceStartMs < found.cutoffMs && !found.has(hex(block.traceIds, trace, 16))) continue;
      inspectedTraces++;
      const durationNs = facts.traceDurations[trace]!;
      if (durationNs < options.minDurationNs || durationNs > options.maxDurationNs) continue;
      const spansets = pipeline.run(trace);
      if (spansets.length === 0) continue;
      const summary = new TraceSummary(facts, trace);
      for (const spanset of spansets) summary.spansets.push(renderSpanset(block, spanset, shownValues, options));
      found.add(summary);
    }
  }
  return { traces: found.take(), inspectedTraces, inspectedSpans, inspectedBlocks };
}

interface ShownValue {
  readonly field: FieldRef;
  readonly getter: Getter;
}

function renderSpanset(
  block: SpanBlock,
  { rows, attributes }: Spanset,
  shown: readonly ShownValue[],
  options: SearchOptions,
): SpansetJson {
  const spans = rows.slice(0, options.spansPerSpanset).map((row) => renderSpan(block, row, shown));
  const labels = attributes.map(({ key, value }) => ({ key, value: anyValue(value, undefined) }));
  return { spans, matched: rows.length, ...(labels.length > 0 ? { attributes: labels } : {}) };
}

export interface SpanJson {
  readonly spanID: string;
  readonly name?: string;
  readonly startTimeUnixNano: string;
  readonly durationNanos: string;
  readonly attributes?: readonly object[];
}

export interface SpansetJson {
  readonly spans: readonly SpanJson[];
  readonly matched: number;
  readonly attributes?: readonly object[];
}

function renderSpan(block: SpanBlock, row: number, shown: readonly ShownValue[]): SpanJson {
  const attributes: object[] = [];
  for (const { field, getter } of shown) {
    const value = getter(row);
    if (value !== undefined) attributes.push({ key: attributeKey(field), value: anyValue(value, field) });
  }
  return {
    spanID: hex(block.spanIds, row, 8),
    name: block.strings.text(block.names[row]!),
    startTimeUnixNano: startNs(block, row).toString(),
    durationNanos: String(block.durationNs[row]!),
    ...(attributes.length > 0 ? { attributes } : {}),
  };
}
