import type { FieldRef, Query } from "../../languages/traceql/ast.ts";
import { impliedType } from "../../languages/traceql/check.ts";
import { formatDurationNs } from "../../languages/traceql/duration.ts";
import { type AttributeScope, attributeScopes } from "../store/span-block.ts";
import type { TraceStore } from "../store/trace-store.ts";
import { BlockFacts } from "./block-facts.ts";
import { compileValue } from "./compile.ts";
import { columnsOf } from "./field-getter.ts";
import { columnRequests, fieldsOf, Pipeline } from "./pipeline.ts";
import { blockFilter } from "./prune.ts";
import { QueryBudget } from "./query-budget.ts";
import { KIND_WORDS, type Scalar, STATUS_WORDS, type Value } from "./values.ts";

/** Most names or values of one answer where the request names no limit. */
export const TAGS_MAX = 10_000;
/** Most bytes of one answer, as Tempo's max_bytes_per_tag_values_query. */
const ANSWER_BYTES_MAX = 5_000_000;

/** Attribute names in use by scope, sorted; keys of our own columns of intrinsics are left out. */
export async function tagNames(
  store: TraceStore,
  startMs: number,
  endMs: number,
): Promise<Record<AttributeScope, string[]>> {
  const names: Record<AttributeScope, Set<string>> = {
    span: new Set(),
    resource: new Set(),
    event: new Set(),
    link: new Set(),
    instrumentation: new Set(),
  };
  for await (const { scope, key } of store.attributeKeys(startMs, endMs)) {
    if (!key.startsWith("\0")) names[scope].add(key);
  }
  const sorted = {} as Record<AttributeScope, string[]>;
  for (const scope of attributeScopes) sorted[scope] = [...names[scope]].sort();
  return sorted;
}

/** A value with the type by which TraceQL writes it: keywords stand without quotes. */
export interface TagValue {
  readonly type: "string" | "int" | "float" | "bool" | "duration" | "keyword";
  readonly value: string;
}

export interface TagValuesOptions {
  readonly field: FieldRef;
  /** Only values of spans that match. */
  readonly query: Query | undefined;
  readonly startMs: number;
  readonly endMs: number;
  readonly limit: number;
  readonly signal: AbortSignal | undefined;
}

/** Distinct values of a field, up to the limit, in order of their text. */
export async function tagValues(store: TraceStore, options: TagValuesOptions): Promise<TagValue[]> {
  const { field, query } = options;
  const keywords = keywordsOf(field);
  if (keywords !== undefined) return keywords.map((value) => ({ type: "keyword", value }));
  const found = new Map<string, TagValue>();
  let bytes = 0;
  const add = (value: Scalar): boolean => {
    const rendered = render(value, field);
    const key = `${rendered.type}\0${rendered.value}`;
    if (!found.has(key)) {
      bytes += rendered.value.length;
      found.set(key, rendered);
    }
    return found.size < options.limit && bytes < ANSWER_BYTES_MAX;
  };
  await collect(store, options, query, add);
  return [...found.values()].sort((left, right) => (left.value < right.value ? -1 : 1));
}

async function collect(
  store: TraceStore,
  { field, startMs, endMs, signal }: TagValuesOptions,
  query: Query | undefined,
  add: (value: Scalar) => boolean,
): Promise<void> {
  const requests = [...columnsOf(field), ...(query === undefined ? [] : columnRequests(fieldsOf(query)))];
  const budget = new QueryBudget(signal);
  const filter = query === undefined ? undefined : blockFilter(query);
  for await (const block of store.blocks(startMs, endMs, requests, filter)) {
    await budget.pause();
    const facts = new BlockFacts(block);
    const getter = compileValue(field, facts);
    const visit = (row: number): boolean => addAll(getter(row), add);
    if (query === undefined) {
      for (let row = 0; row < block.rowCount; row++) if (!visit(row)) return;
      continue;
    }
    const pipeline = new Pipeline(query.elements, facts);
    for (let trace = 0; trace < block.traceCount; trace++) {
      for (const { rows } of pipeline.run(trace)) for (const row of rows) if (!visit(row)) return;
    }
  }
}

function addAll(value: Value, add: (value: Scalar) => boolean): boolean {
  if (value === undefined) return true;
  return typeof value === "object" ? value.every(add) : add(value);
}

/** The values of an intrinsic that has only words. */
function keywordsOf(field: FieldRef): readonly string[] | undefined {
  if (field.type !== "intrinsic") return undefined;
  if (field.name === "status") return [...STATUS_WORDS].sort();
  return field.name === "kind" ? [...KIND_WORDS].sort() : undefined;
}

function render(value: Scalar, field: FieldRef): TagValue {
  if (typeof value === "string") return { type: "string", value };
  if (typeof value === "boolean") return { type: "bool", value: String(value) };
  if (impliedType(field) === "duration") return { type: "duration", value: formatDurationNs(value) };
  return { type: Number.isInteger(value) ? "int" : "float", value: String(value) };
}
