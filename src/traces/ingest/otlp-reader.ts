import { VALUE_DEPTH_MAX } from "../limits.ts";
import { WireError, WireReader, WireType } from "./wire-reader.ts";

export const TRACE_ID_BYTES = 16;
export const SPAN_ID_BYTES = 8;

/** What a column may hold of an attribute's value; the order is the format's (docs/formats/traces-segment.md). */
export const ValueType = { None: 0, String: 1, Int: 2, Float: 3, Bool: 4, Array: 5, Other: 6 } as const;
export type ValueType = (typeof ValueType)[keyof typeof ValueType];

/** Why a span is refused; the names are Tempo's where it has one. */
export type DiscardReason = "invalid_trace_id" | "invalid_span_id" | "trace_too_large" | "live_traces_exceeded";

/** A range of bytes of the request; `end` 0 means that the field is absent. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** One span of the request, seen in place. Reused for every span: read it within the call, keep nothing of it. */
export class SpanCursor {
  readonly bytes: Uint8Array;
  /** The whole Span message. */
  start = 0;
  end = 0;
  /** Offsets of the ids in `bytes`; -1 where absent or of the wrong length. */
  traceIdAt = -1;
  spanIdAt = -1;
  parentIdAt = -1;
  nameStart = 0;
  nameEnd = 0;
  kind = 0;
  startHigh = 0;
  startLow = 0;
  endHigh = 0;
  endLow = 0;
  statusCode = 0;
  statusMessageStart = 0;
  statusMessageEnd = 0;
  /** Flat `[start, end, …]` of the KeyValue, Event and Link messages. */
  readonly attributes: number[] = [];
  readonly events: number[] = [];
  readonly links: number[] = [];

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Nanoseconds from start to end; 0 where the end is before the start. Exact below 104 days, and never more. */
  get durationNs(): number {
    const ns = (this.endHigh - this.startHigh) * 4_294_967_296 + (this.endLow - this.startLow);
    return Math.min(Math.max(0, ns), Number.MAX_SAFE_INTEGER);
  }

  get name(): string {
    return utf8(this.bytes, this.nameStart, this.nameEnd);
  }

  get statusMessage(): string {
    return utf8(this.bytes, this.statusMessageStart, this.statusMessageEnd);
  }
}

/** Receives a request's parts in order: a resource, then each of its scopes, then that scope's spans. */
export interface OtlpVisitor {
  resource(bytes: Uint8Array, message: ByteRange, schemaUrl: ByteRange): void;
  scope(bytes: Uint8Array, message: ByteRange, schemaUrl: ByteRange): void;
  span(span: SpanCursor): void;
}

const ABSENT: ByteRange = { start: 0, end: 0 };

/**
 * Walks an ExportTraceServiceRequest (or TracesData: the same bytes). Unknown fields are skipped.
 * Source: opentelemetry-proto v1.
 * @throws WireError where the bytes are no such message; the visitor may have seen a part by then.
 */
export function readOtlpTraces(request: Uint8Array, visitor: OtlpVisitor): void {
  // A Buffer decodes text without a wrapper per call.
  const bytes = asBuffer(request);
  const reader = new WireReader(bytes).enter(0, bytes.length);
  const cursor = new SpanCursor(bytes);
  const inner = new WireReader(bytes);
  while (reader.next()) {
    if (reader.field !== 1) continue;
    expectLength(reader, "resource_spans");
    readResourceSpans(bytes, reader.start, reader.stop, visitor, cursor, inner);
  }
}

function readResourceSpans(
  bytes: Uint8Array,
  start: number,
  end: number,
  visitor: OtlpVisitor,
  cursor: SpanCursor,
  inner: WireReader,
): void {
  const [resource, schemaUrl] = findEnvelope(bytes, start, end);
  if (resource.end > 0) checkAttributes(bytes, resource.start, resource.end, 1);
  visitor.resource(bytes, resource, schemaUrl);
  const reader = new WireReader(bytes).enter(start, end);
  while (reader.next()) {
    if (reader.field !== 2) continue;
    expectLength(reader, "scope_spans");
    const scopeStart = reader.start;
    const scopeEnd = reader.stop;
    const [scope, scopeSchemaUrl] = findEnvelope(bytes, scopeStart, scopeEnd);
    if (scope.end > 0) checkAttributes(bytes, scope.start, scope.end, 3);
    visitor.scope(bytes, scope, scopeSchemaUrl);
    const spans = new WireReader(bytes).enter(scopeStart, scopeEnd);
    while (spans.next()) {
      if (spans.field !== 2) continue;
      expectLength(spans, "spans");
      readSpan(cursor, spans.start, spans.stop, inner);
      visitor.span(cursor);
    }
  }
}

/** Fields 1 (resource or scope) and 3 (schema URL), which may stand behind the list that they belong to. */
function findEnvelope(bytes: Uint8Array, start: number, end: number): [ByteRange, ByteRange] {
  const reader = new WireReader(bytes).enter(start, end);
  let message = ABSENT;
  let schemaUrl = ABSENT;
  while (reader.next()) {
    if (reader.field !== 1 && reader.field !== 3) continue;
    expectLength(reader, "resource, scope or schema_url");
    const range = { start: reader.start, end: reader.stop };
    if (reader.field === 1) message = range;
    else schemaUrl = range;
  }
  return [message, schemaUrl];
}

function expectLength(reader: WireReader, name: string): void {
  if (reader.wireType !== WireType.Length) throw new WireError(`field ${name} has wire type ${reader.wireType}`);
}

/** Fills `cursor` from the Span message at `[start, end)`. */
function readSpan(cursor: SpanCursor, start: number, end: number, reader: WireReader): void {
  const { bytes } = cursor;
  cursor.start = start;
  cursor.end = end;
  cursor.traceIdAt = cursor.spanIdAt = cursor.parentIdAt = -1;
  cursor.nameStart = cursor.nameEnd = cursor.statusMessageStart = cursor.statusMessageEnd = 0;
  cursor.kind = cursor.statusCode = 0;
  cursor.startHigh = cursor.startLow = cursor.endHigh = cursor.endLow = 0;
  cursor.attributes.length = cursor.events.length = cursor.links.length = 0;
  reader.enter(start, end);
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        cursor.traceIdAt = idAt(reader, TRACE_ID_BYTES);
        break;
      case 2:
        cursor.spanIdAt = idAt(reader, SPAN_ID_BYTES);
        break;
      case 4:
        cursor.parentIdAt = idAt(reader, SPAN_ID_BYTES);
        break;
      case 5:
        expectLength(reader, "name");
        cursor.nameStart = reader.start;
        cursor.nameEnd = reader.stop;
        break;
      case 6:
        cursor.kind = reader.low <= 5 ? reader.low : 0;
        break;
      case 7:
        cursor.startHigh = reader.high;
        cursor.startLow = reader.low;
        break;
      case 8:
        cursor.endHigh = reader.high;
        cursor.endLow = reader.low;
        break;
      case 9:
        expectLength(reader, "attributes");
        cursor.attributes.push(reader.start, reader.stop);
        break;
      case 11:
        expectLength(reader, "events");
        cursor.events.push(reader.start, reader.stop);
        break;
      case 13:
        expectLength(reader, "links");
        cursor.links.push(reader.start, reader.stop);
        break;
      case 15:
        expectLength(reader, "status");
        readStatus(cursor, new WireReader(bytes).enter(reader.start, reader.stop));
        break;
    }
  }
}

function readStatus(cursor: SpanCursor, reader: WireReader): void {
  while (reader.next()) {
    if (reader.field === 2) {
      expectLength(reader, "status.message");
      cursor.statusMessageStart = reader.start;
      cursor.statusMessageEnd = reader.stop;
    } else if (reader.field === 3) cursor.statusCode = reader.low <= 2 ? reader.low : 0;
  }
}

/** Offset of a non-zero id of the right length, else -1. */
function idAt(reader: WireReader, length: number): number {
  expectLength(reader, "id");
  if (reader.stop - reader.start !== length) return -1;
  for (let index = reader.start; index < reader.stop; index++) if (reader.bytes[index] !== 0) return reader.start;
  return -1;
}

/** One attribute, decoded. Reused: read it before the next call. */
export interface AttributeCursor {
  key: string;
  type: ValueType;
  /** String value, or JSON text of an array of scalars. */
  text: string;
  /** Int, float, or 0 and 1 of a bool. */
  number: number;
}

export function newAttributeCursor(): AttributeCursor {
  return { key: "", type: ValueType.None, text: "", number: 0 };
}

/** Decodes the KeyValue message at `[start, end)` into `target`. @throws WireError */
export function readAttribute(bytes: Uint8Array, start: number, end: number, target: AttributeCursor): void {
  const reader = new WireReader(bytes).enter(start, end);
  target.key = "";
  target.type = ValueType.None;
  while (reader.next()) {
    if (reader.field === 1) {
      expectLength(reader, "key");
      target.key = utf8(bytes, reader.start, reader.stop);
    } else if (reader.field === 2) {
      expectLength(reader, "value");
      readValue(new WireReader(bytes).enter(reader.start, reader.stop), target, 0);
    }
  }
}

/** Decodes an AnyValue into `target`'s type, text and number. */
function readValue(reader: WireReader, target: AttributeCursor, depth: number): void {
  if (depth > VALUE_DEPTH_MAX) throw new WireError(`attribute value nests deeper than ${VALUE_DEPTH_MAX} levels`);
  while (reader.next()) {
    const { field } = reader;
    if (field === 1 || field === 5 || field === 6 || field === 7) expectLength(reader, "value");
    if (field === 1) {
      target.type = ValueType.String;
      target.text = utf8(reader.bytes, reader.start, reader.stop);
    } else if (field === 2) {
      target.type = ValueType.Bool;
      target.number = reader.low === 0 ? 0 : 1;
    } else if (field === 3) {
      target.type = ValueType.Int;
      target.number = reader.signed;
    } else if (field === 4) {
      target.type = ValueType.Float;
      target.number = reader.double;
    } else if (field === 5) {
      const elements = readArray(reader.bytes, reader.start, reader.stop, depth);
      target.type = elements === undefined ? ValueType.Other : ValueType.Array;
      target.text = elements === undefined ? "" : JSON.stringify(elements);
    } else if (field === 6) {
      checkKeyValueList(reader.bytes, reader.start, reader.stop, depth);
      target.type = ValueType.Other;
    } else if (field === 7) target.type = ValueType.Other;
  }
}

/** No column holds a KeyValueList, but it is answered later, so it must be well-formed. */
function checkKeyValueList(bytes: Uint8Array, start: number, end: number, depth: number): void {
  const list = new WireReader(bytes).enter(start, end);
  const pair = new WireReader(bytes);
  const ignored = newAttributeCursor();
  while (list.next()) {
    if (list.field !== 1) continue;
    expectLength(list, "key-value list");
    pair.enter(list.start, list.stop);
    while (pair.next()) {
      if (pair.field !== 2) continue;
      expectLength(pair, "value");
      readValue(new WireReader(bytes).enter(pair.start, pair.stop), ignored, depth + 1);
    }
  }
}

/** Elements of an ArrayValue of scalars; undefined where one is no scalar. */
function readArray(
  bytes: Uint8Array,
  start: number,
  end: number,
  depth: number,
): (string | number | boolean)[] | undefined {
  const reader = new WireReader(bytes).enter(start, end);
  const element = newAttributeCursor();
  const elements: (string | number | boolean)[] = [];
  let scalar = true;
  while (reader.next()) {
    if (reader.field !== 1) continue;
    expectLength(reader, "array element");
    element.type = ValueType.None;
    readValue(new WireReader(bytes).enter(reader.start, reader.stop), element, depth + 1);
    const value = scalarOf(element);
    if (value === undefined) scalar = false;
    else elements.push(value);
  }
  return scalar ? elements : undefined;
}

function scalarOf({ type, text, number }: AttributeCursor): string | number | boolean | undefined {
  if (type === ValueType.String) return text;
  if (type === ValueType.Bool) return number === 1;
  return type === ValueType.Int || type === ValueType.Float ? number : undefined;
}

/** Walks the attributes of a resource or scope once, so that a malformed one fails before anything is stored. */
function checkAttributes(bytes: Uint8Array, start: number, end: number, field: number): void {
  forEachAttribute(bytes, start, end, field, () => undefined);
}

/** Calls `visit` for each KeyValue in the repeated `field` of the message at `[start, end)`. @throws WireError */
export function forEachAttribute(
  bytes: Uint8Array,
  start: number,
  end: number,
  field: number,
  visit: (attribute: AttributeCursor) => void,
): void {
  const reader = new WireReader(bytes).enter(start, end);
  const attribute = newAttributeCursor();
  while (reader.next()) {
    if (reader.field !== field) continue;
    expectLength(reader, "attributes");
    readAttribute(bytes, reader.start, reader.stop, attribute);
    visit(attribute);
  }
}

/** Text of a range; bytes that are no UTF-8 become U+FFFD. */
export function utf8(bytes: Uint8Array, start: number, end: number): string {
  if (end <= start) return "";
  return asBuffer(bytes).toString("utf8", start, end);
}

/** Bytes as a string of one character each: a map key that costs no decoding. */
export function binaryKey(bytes: Uint8Array, start: number, end: number): string {
  return asBuffer(bytes).toString("latin1", start, end);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
