import {
  type ByteRange,
  binaryKey,
  type DiscardReason,
  forEachAttribute,
  newAttributeCursor,
  readAttribute,
  SPAN_ID_BYTES,
  type SpanCursor,
  TRACE_ID_BYTES,
  utf8,
  ValueType,
} from "../ingest/otlp-reader.ts";
import { WireReader } from "../ingest/wire-reader.ts";
import { LIVE_TRACES_MAX, TRACE_BYTES_MAX } from "../limits.ts";
import { AttributeTable, grown } from "./attribute-table.ts";
import { envelopeOf } from "./envelope.ts";
import { RawArena } from "./raw-arena.ts";
import { type AttributeScope, IntrinsicKey } from "./span-block.ts";
import { StringInterner } from "./string-table.ts";

const INITIAL_ROWS = 1_024;
const INITIAL_TRACES = 256;
/** How many of a trace's newest spans are compared with an arriving one, to drop what a client sent twice. */
const DUPLICATE_LOOKBACK_SPANS = 256;
/** Typed-array bytes per row, for the head's size. */
const ROW_BYTES = 88;
const ATTRIBUTE_BYTES = 13;
const TRACE_BYTES = 96;

/**
 * The spans that have no segment yet, as growing columns in order of arrival. Nothing is removed: a full head is
 * frozen, written as a segment and dropped whole.
 */
export class Head {
  readonly strings = new StringInterner();
  readonly attributes: Readonly<Record<AttributeScope, AttributeTable>>;
  readonly raw = new RawArena();
  /** Envelope bytes by resource and by scope row. */
  readonly resourceEnvelopes: Uint8Array[] = [];
  readonly scopeEnvelopes: Uint8Array[] = [];
  readonly #resourceRows = new Map<string, number>();
  readonly #scopeRows = new Map<string, number>();
  readonly #traceRows = new Map<string, number>();
  readonly #attribute = newAttributeCursor();

  rowCount = 0;
  traceCount = 0;
  eventCount = 0;
  linkCount = 0;
  duplicates = 0;
  /** When the first span arrived, Unix ms; undefined while empty. */
  createdAtMs: number | undefined;

  // Columns by row; longer than rowCount.
  traces = new Uint32Array(INITIAL_ROWS);
  previousRows = new Int32Array(INITIAL_ROWS);
  spanIds = new Uint8Array(INITIAL_ROWS * SPAN_ID_BYTES);
  parentIds = new Uint8Array(INITIAL_ROWS * SPAN_ID_BYTES);
  startHigh = new Uint32Array(INITIAL_ROWS);
  startLow = new Uint32Array(INITIAL_ROWS);
  durationNs = new Float64Array(INITIAL_ROWS);
  kinds = new Uint8Array(INITIAL_ROWS);
  statuses = new Uint8Array(INITIAL_ROWS);
  names = new Uint32Array(INITIAL_ROWS);
  statusMessages = new Uint32Array(INITIAL_ROWS);
  resources = new Uint32Array(INITIAL_ROWS);
  scopes = new Uint32Array(INITIAL_ROWS);
  rawChunks = new Uint32Array(INITIAL_ROWS);
  rawOffsets = new Uint32Array(INITIAL_ROWS);
  rawLengths = new Uint32Array(INITIAL_ROWS);
  /** First event and link row of each span row. */
  firstEvents = new Uint32Array(INITIAL_ROWS);
  firstLinks = new Uint32Array(INITIAL_ROWS);

  // Columns by trace.
  traceIds = new Uint8Array(INITIAL_TRACES * TRACE_ID_BYTES);
  lastRows = new Int32Array(INITIAL_TRACES);
  traceSizes = new Float64Array(INITIAL_TRACES);

  constructor() {
    const table = (): AttributeTable => new AttributeTable(this.strings);
    this.attributes = { span: table(), resource: table(), event: table(), link: table(), instrumentation: table() };
  }

  /** About how many bytes the head takes. */
  get bytes(): number {
    let entries = 0;
    for (const table of Object.values(this.attributes)) entries += table.entries;
    const columns = this.rowCount * ROW_BYTES + entries * ATTRIBUTE_BYTES + this.traceCount * TRACE_BYTES;
    return this.raw.bytes + this.strings.bytes + columns;
  }

  /** Row of the resource with these bytes, new or known. */
  internResource(bytes: Uint8Array, message: ByteRange, schemaUrl: ByteRange): number {
    const envelope = envelopeOf(bytes, message, schemaUrl);
    const key = binaryKey(envelope, 0, envelope.length);
    const known = this.#resourceRows.get(key);
    if (known !== undefined) return known;
    const row = this.resourceEnvelopes.push(envelope) - 1;
    this.#resourceRows.set(key, row);
    const table = this.attributes.resource;
    forEachAttribute(bytes, message.start, message.end, 1, (attribute) => table.add(row, attribute));
    return row;
  }

  /** Row of the instrumentation scope with these bytes, new or known. */
  internScope(bytes: Uint8Array, message: ByteRange, schemaUrl: ByteRange): number {
    const envelope = envelopeOf(bytes, message, schemaUrl);
    const key = binaryKey(envelope, 0, envelope.length);
    const known = this.#scopeRows.get(key);
    if (known !== undefined) return known;
    const row = this.scopeEnvelopes.push(envelope) - 1;
    this.#scopeRows.set(key, row);
    const table = this.attributes.instrumentation;
    const reader = new WireReader(bytes).enter(message.start, message.end);
    while (reader.next()) {
      if (reader.field === 1) table.addText(row, IntrinsicKey.ScopeName, utf8(bytes, reader.start, reader.stop));
      if (reader.field === 2) table.addText(row, IntrinsicKey.ScopeVersion, utf8(bytes, reader.start, reader.stop));
    }
    forEachAttribute(bytes, message.start, message.end, 3, (attribute) => table.add(row, attribute));
    return row;
  }

  /**
   * Whether the head would take `span`, which must have valid ids; undefined for yes. Spans of one request that are
   * appended later in the same turn may still pass the limit by that request's size.
   */
  refusal(span: SpanCursor): DiscardReason | undefined {
    const trace = this.#traceRows.get(traceKey(span));
    if (trace === undefined) return this.traceCount >= LIVE_TRACES_MAX ? "live_traces_exceeded" : undefined;
    return this.traceSizes[trace]! + (span.end - span.start) > TRACE_BYTES_MAX ? "trace_too_large" : undefined;
  }

  /** Adds a span with valid ids; false where it was here already. */
  append(span: SpanCursor, resource: number, scope: number): boolean {
    const trace = this.#internTrace(span);
    if (this.#isDuplicate(span, trace)) {
      this.duplicates++;
      return false;
    }
    const row = this.rowCount;
    if (row === this.traces.length) this.#growRows();
    this.createdAtMs ??= Date.now();
    this.traces[row] = trace;
    this.previousRows[row] = this.lastRows[trace]!;
    this.lastRows[trace] = row;
    copyId(span.bytes, span.spanIdAt, this.spanIds, row);
    copyId(span.bytes, span.parentIdAt, this.parentIds, row);
    this.startHigh[row] = span.startHigh;
    this.startLow[row] = span.startLow;
    this.durationNs[row] = span.durationNs;
    this.kinds[row] = span.kind;
    this.statuses[row] = span.statusCode;
    this.names[row] = this.strings.intern(span.name);
    this.statusMessages[row] = this.strings.intern(span.statusMessage);
    this.resources[row] = resource;
    this.scopes[row] = scope;
    const { chunk, offset } = this.raw.add(span.bytes, span.start, span.end);
    this.rawChunks[row] = chunk;
    this.rawOffsets[row] = offset;
    this.rawLengths[row] = span.end - span.start;
    this.traceSizes[trace]! += span.end - span.start;
    this.#addAttributes(span, row);
    this.#addEvents(span, row);
    this.#addLinks(span, row);
    // Last: readers look only below rowCount.
    this.rowCount = row + 1;
    return true;
  }

  /** Rows of a trace, newest first. */
  rowsOfTrace(traceId: string): number[] {
    const trace = this.#traceRows.get(traceId);
    const rows: number[] = [];
    if (trace === undefined) return rows;
    for (let row = this.lastRows[trace]!; row !== -1; row = this.previousRows[row]!) rows.push(row);
    return rows;
  }

  rawSpan(row: number): Uint8Array {
    return this.raw.get(this.rawChunks[row]!, this.rawOffsets[row]!, this.rawLengths[row]!);
  }

  #internTrace(span: SpanCursor): number {
    const key = traceKey(span);
    const known = this.#traceRows.get(key);
    if (known !== undefined) return known;
    const trace = this.traceCount;
    if (trace === this.lastRows.length) {
      this.lastRows = grown(this.lastRows, trace * 2);
      this.traceSizes = grown(this.traceSizes, trace * 2);
      this.traceIds = grown(this.traceIds, trace * 2 * TRACE_ID_BYTES);
    }
    this.lastRows[trace] = -1;
    this.traceIds.set(span.bytes.subarray(span.traceIdAt, span.traceIdAt + TRACE_ID_BYTES), trace * TRACE_ID_BYTES);
    this.#traceRows.set(key, trace);
    this.traceCount = trace + 1;
    return trace;
  }

  #isDuplicate(span: SpanCursor, trace: number): boolean {
    const length = span.end - span.start;
    let row = this.lastRows[trace]!;
    for (let looked = 0; row !== -1 && looked < DUPLICATE_LOOKBACK_SPANS; looked++, row = this.previousRows[row]!) {
      if (this.rawLengths[row] !== length || this.startLow[row] !== span.startLow) continue;
      if (Buffer.compare(this.rawSpan(row), span.bytes.subarray(span.start, span.end)) === 0) return true;
    }
    return false;
  }

  #addAttributes(span: SpanCursor, row: number): void {
    const { attributes } = span;
    for (let index = 0; index < attributes.length; index += 2) {
      readAttribute(span.bytes, attributes[index]!, attributes[index + 1]!, this.#attribute);
      this.attributes.span.add(row, this.#attribute);
    }
  }

  #addEvents(span: SpanCursor, row: number): void {
    this.firstEvents[row] = this.eventCount;
    const { events, bytes } = span;
    const table = this.attributes.event;
    const reader = new WireReader(bytes);
    for (let index = 0; index < events.length; index += 2) {
      const event = this.eventCount++;
      let timeNs = 0;
      reader.enter(events[index]!, events[index + 1]!);
      while (reader.next()) {
        if (reader.field === 1) {
          timeNs = (reader.high - span.startHigh) * 4_294_967_296 + (reader.low - span.startLow);
        } else if (reader.field === 2)
          table.addText(event, IntrinsicKey.EventName, utf8(bytes, reader.start, reader.stop));
      }
      table.put(event, IntrinsicKey.EventTime, ValueType.Int, timeNs);
      forEachAttribute(bytes, events[index]!, events[index + 1]!, 3, (attribute) => table.add(event, attribute));
    }
  }

  #addLinks(span: SpanCursor, row: number): void {
    this.firstLinks[row] = this.linkCount;
    const { links, bytes } = span;
    const table = this.attributes.link;
    const reader = new WireReader(bytes);
    for (let index = 0; index < links.length; index += 2) {
      const link = this.linkCount++;
      reader.enter(links[index]!, links[index + 1]!);
      while (reader.next()) {
        const hex = (): string => Buffer.from(bytes.subarray(reader.start, reader.stop)).toString("hex");
        if (reader.field === 1) table.addText(link, IntrinsicKey.LinkTraceId, hex());
        else if (reader.field === 2) table.addText(link, IntrinsicKey.LinkSpanId, hex());
      }
      forEachAttribute(bytes, links[index]!, links[index + 1]!, 4, (attribute) => table.add(link, attribute));
    }
  }

  #growRows(): void {
    const length = this.traces.length * 2;
    this.traces = grown(this.traces, length);
    this.previousRows = grown(this.previousRows, length);
    this.spanIds = grown(this.spanIds, length * SPAN_ID_BYTES);
    this.parentIds = grown(this.parentIds, length * SPAN_ID_BYTES);
    this.startHigh = grown(this.startHigh, length);
    this.startLow = grown(this.startLow, length);
    this.durationNs = grown(this.durationNs, length);
    this.kinds = grown(this.kinds, length);
    this.statuses = grown(this.statuses, length);
    this.names = grown(this.names, length);
    this.statusMessages = grown(this.statusMessages, length);
    this.resources = grown(this.resources, length);
    this.scopes = grown(this.scopes, length);
    this.rawChunks = grown(this.rawChunks, length);
    this.rawOffsets = grown(this.rawOffsets, length);
    this.rawLengths = grown(this.rawLengths, length);
    this.firstEvents = grown(this.firstEvents, length);
    this.firstLinks = grown(this.firstLinks, length);
  }
}

/** The trace id of a span as a map key. */
function traceKey(span: SpanCursor): string {
  return binaryKey(span.bytes, span.traceIdAt, span.traceIdAt + TRACE_ID_BYTES);
}

function copyId(source: Uint8Array, at: number, target: Uint8Array, row: number): void {
  if (at < 0) target.fill(0, row * SPAN_ID_BYTES, (row + 1) * SPAN_ID_BYTES);
  else target.set(source.subarray(at, at + SPAN_ID_BYTES), row * SPAN_ID_BYTES);
}
