import type { Head } from "./head.ts";
import {
  type AttributeScope,
  type ColumnRequest,
  findParentRows,
  type SpanBlock,
  scopeRowCount,
  type ValueColumn,
} from "./span-block.ts";
import type { StringTable } from "./string-table.ts";

/**
 * A head at one moment, its rows in block order: traces by their start, spans by theirs. Costs one copy of the fixed
 * columns; attribute columns are gathered when they are asked for. Later appends to the head do not show.
 */
export class HeadBlock implements SpanBlock {
  readonly #head: Head;
  /** Head row by block row. */
  readonly #order: Uint32Array;
  /** Block row by head row, and the same for events and links. */
  readonly #positions: Readonly<Record<"span" | "event" | "link", Uint32Array>>;
  readonly #columns = new Map<string, ValueColumn | undefined>();

  readonly rowCount: number;
  readonly traceCount: number;
  readonly strings: StringTable;
  readonly traceStarts: Uint32Array;
  readonly traceIds: Uint8Array;
  readonly spanIds: Uint8Array;
  readonly parentIds: Uint8Array;
  readonly startHigh: Uint32Array;
  readonly startLow: Uint32Array;
  readonly durationNs: Float64Array;
  readonly kinds: Uint8Array;
  readonly statuses: Uint8Array;
  readonly names: Uint32Array;
  readonly statusMessages: Uint32Array;
  readonly resources: Uint32Array;
  readonly scopes: Uint32Array;
  readonly resourceCount: number;
  readonly scopeCount: number;
  readonly parentRows: Int32Array;
  readonly eventStarts: Uint32Array;
  readonly linkStarts: Uint32Array;

  /** `only` restricts the block to these traces (numbers of the head); without it all are in. */
  constructor(head: Head, only?: readonly number[]) {
    this.#head = head;
    const { order, traceOrder, traceStarts } = orderRows(head, only);
    this.#order = order;
    this.rowCount = order.length;
    this.traceCount = traceOrder.length;
    this.strings = head.strings;
    this.traceStarts = traceStarts;
    this.traceIds = gatherWide(head.traceIds, traceOrder, 16);
    this.spanIds = gatherWide(head.spanIds, order, 8);
    this.parentIds = gatherWide(head.parentIds, order, 8);
    this.startHigh = gather(head.startHigh, order);
    this.startLow = gather(head.startLow, order);
    this.durationNs = gather(head.durationNs, order);
    this.kinds = gather(head.kinds, order);
    this.statuses = gather(head.statuses, order);
    this.names = gather(head.names, order);
    this.statusMessages = gather(head.statusMessages, order);
    this.resources = gather(head.resources, order);
    this.scopes = gather(head.scopes, order);
    this.resourceCount = head.resourceEnvelopes.length;
    this.scopeCount = head.scopeEnvelopes.length;
    this.parentRows = findParentRows(traceStarts, this.spanIds, this.parentIds);
    const span = new Uint32Array(head.rowCount).fill(ABSENT);
    for (let row = 0; row < order.length; row++) span[order[row]!] = row;
    const events = orderChildren(order, head.firstEvents, head.rowCount, head.eventCount);
    const links = orderChildren(order, head.firstLinks, head.rowCount, head.linkCount);
    this.eventStarts = events.starts;
    this.linkStarts = links.starts;
    this.#positions = { span, event: events.positions, link: links.positions };
  }

  attributeKeys(scope: AttributeScope): Iterable<string> {
    return this.#head.attributes[scope].keys;
  }

  async prepare(requests: readonly ColumnRequest[]): Promise<void> {
    for (const { scope, key } of requests) this.column(scope, key);
  }

  column(scope: AttributeScope, key: string): ValueColumn | undefined {
    const id = `${scope}\0${key}`;
    if (!this.#columns.has(id)) {
      const positions = scope === "resource" || scope === "instrumentation" ? undefined : this.#positions[scope];
      const table = this.#head.attributes[scope];
      this.#columns.set(id, table.dense(key, scopeRowCount(this, scope), positions));
    }
    return this.#columns.get(id);
  }

  async rawSpans(start: number, end: number): Promise<Uint8Array[]> {
    const spans: Uint8Array[] = [];
    for (let row = start; row < end; row++) spans.push(this.#head.rawSpan(this.#order[row]!));
    return spans;
  }

  rawResource(resource: number): Uint8Array {
    return this.#head.resourceEnvelopes[resource]!;
  }

  rawScope(scope: number): Uint8Array {
    return this.#head.scopeEnvelopes[scope]!;
  }
}

/** Marks rows of the head that the block leaves out. */
const ABSENT = 0xffffffff;

interface RowOrder {
  order: Uint32Array;
  traceOrder: Uint32Array;
  traceStarts: Uint32Array;
}

/** Rows grouped by trace, without a comparison sort over all rows: only traces are sorted, and the rows within each. */
function orderRows(head: Head, only: readonly number[] | undefined): RowOrder {
  const { rowCount, startHigh, startLow, traces } = head;
  const wanted = only === undefined ? undefined : new Set(only);
  const counts = new Uint32Array(head.traceCount);
  // The earliest start of each trace; 2^-11 of a µs is lost in the double, which only decides between close traces.
  const starts = new Float64Array(head.traceCount).fill(Number.POSITIVE_INFINITY);
  for (let row = 0; row < rowCount; row++) {
    const trace = traces[row]!;
    if (wanted !== undefined && !wanted.has(trace)) continue;
    counts[trace]!++;
    const start = startHigh[row]! * 4_294_967_296 + startLow[row]!;
    if (start < starts[trace]!) starts[trace] = start;
  }
  const traceOrder = new Uint32Array(head.traceCount)
    .map((_zero, trace) => trace)
    .filter((trace) => counts[trace]! > 0);
  traceOrder.sort((left, right) => starts[left]! - starts[right]! || left - right);
  const traceStarts = new Uint32Array(traceOrder.length + 1);
  const next = new Uint32Array(head.traceCount);
  for (let index = 0; index < traceOrder.length; index++) {
    const trace = traceOrder[index]!;
    next[trace] = traceStarts[index]!;
    traceStarts[index + 1] = traceStarts[index]! + counts[trace]!;
  }
  const order = new Uint32Array(traceStarts[traceOrder.length]!);
  for (let row = 0; row < rowCount; row++) {
    const trace = traces[row]!;
    if (wanted === undefined || wanted.has(trace)) order[next[trace]!++] = row;
  }
  const earlier = (left: number, right: number): number =>
    startHigh[left]! - startHigh[right]! || startLow[left]! - startLow[right]! || left - right;
  for (let trace = 0; trace < traceOrder.length; trace++) {
    order.subarray(traceStarts[trace], traceStarts[trace + 1]).sort(earlier);
  }
  return { order, traceOrder, traceStarts };
}

/** Where each event (or link) goes when spans are put in `order`; children of a span stay together, in their order. */
function orderChildren(
  order: Uint32Array,
  first: Uint32Array,
  rowCount: number,
  childCount: number,
): { starts: Uint32Array; positions: Uint32Array } {
  const starts = new Uint32Array(order.length + 1);
  const positions = new Uint32Array(childCount).fill(ABSENT);
  let next = 0;
  for (let row = 0; row < order.length; row++) {
    const source = order[row]!;
    const end = source + 1 < rowCount ? first[source + 1]! : childCount;
    starts[row] = next;
    for (let child = first[source]!; child < end; child++) positions[child] = next++;
  }
  starts[order.length] = next;
  return { starts, positions };
}

function gather<A extends Uint32Array | Uint8Array | Float64Array>(source: A, order: Uint32Array): A {
  const target = new (source.constructor as new (length: number) => A)(order.length);
  for (let index = 0; index < order.length; index++) target[index] = source[order[index]!]!;
  return target;
}

function gatherWide(source: Uint8Array, order: Uint32Array, width: number): Uint8Array {
  const target = new Uint8Array(order.length * width);
  for (let index = 0; index < order.length; index++) {
    const from = order[index]! * width;
    target.set(source.subarray(from, from + width), index * width);
  }
  return target;
}
