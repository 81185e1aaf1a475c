import { ByteWriter } from "../../storage/varint.ts";
import { SPAN_ID_BYTES, TRACE_ID_BYTES } from "./otlp-reader.ts";

/** JSON that is no ExportTraceServiceRequest; the message names the field. */
export class OtlpJsonError extends Error {
  override readonly name = "OtlpJsonError";
}

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Turns a parsed OTLP/JSON request into the protobuf message that means the same, so that everything behind it knows
 * one format. Ids are hex as OTLP asks for, or base64 as protobuf's own JSON mapping has them; enums are numbers or
 * names; 64-bit integers are strings or numbers; names are camelCase or snake_case; unknown fields are ignored.
 * The value's nesting must be bounded (`parseJson` does). Source: opentelemetry.io/docs/specs/otlp, "JSON Protobuf Encoding".
 * @throws OtlpJsonError
 */
export function otlpJsonToProtobuf(json: unknown): Uint8Array {
  const writer = new ByteWriter(4096);
  const request = object(json, "request");
  for (const resourceSpans of list(request, "resourceSpans", "resource_spans")) {
    message(writer, 1, (target) => writeResourceSpans(target, object(resourceSpans, "resourceSpans")));
  }
  return writer.copy();
}

function writeResourceSpans(writer: ByteWriter, source: JsonObject): void {
  const resource = optional(source, "resource");
  if (resource !== undefined) {
    message(writer, 1, (target) => {
      writeAttributes(target, 1, object(resource, "resource"));
      integer(target, 2, pick(resource as JsonObject, "droppedAttributesCount", "dropped_attributes_count"));
    });
  }
  for (const scopeSpans of list(source, "scopeSpans", "scope_spans")) {
    message(writer, 2, (target) => writeScopeSpans(target, object(scopeSpans, "scopeSpans")));
  }
  text(writer, 3, pick(source, "schemaUrl", "schema_url"), "schemaUrl");
}

function writeScopeSpans(writer: ByteWriter, source: JsonObject): void {
  const scope = optional(source, "scope");
  if (scope !== undefined) {
    message(writer, 1, (target) => {
      const fields = object(scope, "scope");
      text(target, 1, fields["name"], "scope.name");
      text(target, 2, fields["version"], "scope.version");
      writeAttributes(target, 3, fields);
      integer(target, 4, pick(fields, "droppedAttributesCount", "dropped_attributes_count"));
    });
  }
  for (const span of list(source, "spans")) message(writer, 2, (target) => writeSpan(target, object(span, "span")));
  text(writer, 3, pick(source, "schemaUrl", "schema_url"), "schemaUrl");
}

const KINDS = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"].map(
  (name) => `SPAN_KIND_${name}`,
);
const STATUS_CODES = ["UNSET", "OK", "ERROR"].map((name) => `STATUS_CODE_${name}`);

function writeSpan(writer: ByteWriter, span: JsonObject): void {
  id(writer, 1, pick(span, "traceId", "trace_id"), TRACE_ID_BYTES);
  id(writer, 2, pick(span, "spanId", "span_id"), SPAN_ID_BYTES);
  text(writer, 3, pick(span, "traceState", "trace_state"), "traceState");
  id(writer, 4, pick(span, "parentSpanId", "parent_span_id"), SPAN_ID_BYTES);
  text(writer, 5, span["name"], "name");
  integer(writer, 6, enumeration(span["kind"], KINDS, "kind"));
  fixed64(writer, 7, pick(span, "startTimeUnixNano", "start_time_unix_nano"), "startTimeUnixNano");
  fixed64(writer, 8, pick(span, "endTimeUnixNano", "end_time_unix_nano"), "endTimeUnixNano");
  writeAttributes(writer, 9, span);
  integer(writer, 10, pick(span, "droppedAttributesCount", "dropped_attributes_count"));
  for (const event of list(span, "events")) message(writer, 11, (target) => writeEvent(target, object(event, "event")));
  integer(writer, 12, pick(span, "droppedEventsCount", "dropped_events_count"));
  for (const link of list(span, "links")) message(writer, 13, (target) => writeLink(target, object(link, "link")));
  integer(writer, 14, pick(span, "droppedLinksCount", "dropped_links_count"));
  const status = optional(span, "status");
  if (status !== undefined) {
    message(writer, 15, (target) => {
      const fields = object(status, "status");
      text(target, 2, fields["message"], "status.message");
      integer(target, 3, enumeration(fields["code"], STATUS_CODES, "status.code"));
    });
  }
  fixed32(writer, 16, span["flags"]);
}

function writeEvent(writer: ByteWriter, event: JsonObject): void {
  fixed64(writer, 1, pick(event, "timeUnixNano", "time_unix_nano"), "timeUnixNano");
  text(writer, 2, event["name"], "event.name");
  writeAttributes(writer, 3, event);
  integer(writer, 4, pick(event, "droppedAttributesCount", "dropped_attributes_count"));
}

function writeLink(writer: ByteWriter, link: JsonObject): void {
  id(writer, 1, pick(link, "traceId", "trace_id"), TRACE_ID_BYTES);
  id(writer, 2, pick(link, "spanId", "span_id"), SPAN_ID_BYTES);
  text(writer, 3, pick(link, "traceState", "trace_state"), "traceState");
  writeAttributes(writer, 4, link);
  integer(writer, 5, pick(link, "droppedAttributesCount", "dropped_attributes_count"));
  fixed32(writer, 6, link["flags"]);
}

function writeAttributes(writer: ByteWriter, field: number, source: JsonObject): void {
  for (const entry of list(source, "attributes")) {
    message(writer, field, (target) => writeKeyValue(target, object(entry, "attribute")));
  }
}

function writeKeyValue(writer: ByteWriter, entry: JsonObject): void {
  text(writer, 1, entry["key"], "key");
  const value = optional(entry, "value");
  if (value !== undefined) message(writer, 2, (target) => writeValue(target, object(value, "value")));
}

function writeValue(writer: ByteWriter, value: JsonObject): void {
  const string = pick(value, "stringValue", "string_value");
  const bool = pick(value, "boolValue", "bool_value");
  const int = pick(value, "intValue", "int_value");
  const double = pick(value, "doubleValue", "double_value");
  const array = pick(value, "arrayValue", "array_value");
  const pairs = pick(value, "kvlistValue", "kvlist_value");
  const bytes = pick(value, "bytesValue", "bytes_value");
  // An empty string is a value too, so it is written where proto3 would leave an ordinary field out.
  if (typeof string === "string") {
    tag(writer, 1, 2);
    writer.uvarintText(string);
  } else if (typeof bool === "boolean") {
    tag(writer, 2, 0);
    writer.u8(bool ? 1 : 0);
  } else if (int !== undefined) {
    tag(writer, 3, 0);
    varint64(writer, BigInt.asUintN(64, bigint(int, "intValue")));
  } else if (double !== undefined) {
    tag(writer, 4, 1);
    doubleLe(writer, number(double, "doubleValue"));
  } else if (array !== undefined) {
    message(writer, 5, (target) => {
      for (const element of list(object(array, "arrayValue"), "values")) {
        message(target, 1, (inner) => writeValue(inner, object(element, "array element")));
      }
    });
  } else if (pairs !== undefined) {
    message(writer, 6, (target) => {
      for (const pair of list(object(pairs, "kvlistValue"), "values")) {
        message(target, 1, (inner) => writeKeyValue(inner, object(pair, "key-value")));
      }
    });
  } else if (typeof bytes === "string") {
    tag(writer, 7, 2);
    const decoded = Buffer.from(bytes, "base64");
    writer.uvarint(decoded.length);
    writer.bytes(decoded);
  }
}

function tag(writer: ByteWriter, field: number, wireType: number): void {
  writer.uvarint(field * 8 + wireType);
}

/** Writers of nested messages between uses: one per level of nesting, because inner ones are given back first. */
const spareWriters: ByteWriter[] = [];
/** A writer that grew past it is not kept. */
const SPARE_BYTES_MAX = 64 * 1024;

function message(writer: ByteWriter, field: number, write: (target: ByteWriter) => void): void {
  const inner = spareWriters.pop() ?? new ByteWriter();
  inner.clear();
  write(inner);
  tag(writer, field, 2);
  writer.uvarint(inner.length);
  writer.bytes(inner.view());
  if (inner.length <= SPARE_BYTES_MAX) spareWriters.push(inner);
}

function text(writer: ByteWriter, field: number, value: unknown, name: string): void {
  if (value === undefined || value === null || value === "") return;
  if (typeof value !== "string") throw new OtlpJsonError(`${name} is no string`);
  tag(writer, field, 2);
  writer.uvarintText(value);
}

/** An id of the wrong length is written as it is: the span is then refused like any other with a bad id. */
function id(writer: ByteWriter, field: number, value: unknown, length: number): void {
  if (value === undefined || value === null || value === "") return;
  if (typeof value !== "string") throw new OtlpJsonError("id is no string");
  const isHex = value.length === length * 2 && /^[0-9a-fA-F]+$/.test(value);
  const bytes = Buffer.from(value, isHex ? "hex" : "base64");
  tag(writer, field, 2);
  writer.uvarint(bytes.length);
  writer.bytes(bytes);
}

function integer(writer: ByteWriter, field: number, value: unknown): void {
  if (value === undefined || value === null) return;
  const parsed = number(value, `field ${field}`);
  if (!Number.isInteger(parsed) || parsed < 0 || parsed > 0xffffffff) {
    throw new OtlpJsonError(`field ${field}: ${parsed} is no unsigned 32-bit integer`);
  }
  if (parsed === 0) return;
  tag(writer, field, 0);
  writer.uvarint(parsed);
}

function enumeration(value: unknown, names: readonly string[], field: string): unknown {
  if (typeof value !== "string" || /^\d+$/.test(value)) return value;
  const index = names.indexOf(value);
  if (index === -1) throw new OtlpJsonError(`${field}: unknown value ${JSON.stringify(value)}`);
  return index;
}

function fixed64(writer: ByteWriter, field: number, value: unknown, name: string): void {
  if (value === undefined || value === null) return;
  const parsed = BigInt.asUintN(64, bigint(value, name));
  tag(writer, field, 1);
  writer.u32le(Number(parsed & 0xffffffffn));
  writer.u32le(Number(parsed >> 32n));
}

function fixed32(writer: ByteWriter, field: number, value: unknown): void {
  if (value === undefined || value === null) return;
  const parsed = number(value, "flags");
  if (!Number.isInteger(parsed) || parsed < 0 || parsed > 0xffffffff)
    throw new OtlpJsonError("flags: no 32-bit integer");
  tag(writer, field, 5);
  writer.u32le(parsed);
}

const doubleView = new DataView(new ArrayBuffer(8));

function doubleLe(writer: ByteWriter, value: number): void {
  doubleView.setFloat64(0, value, true);
  writer.bytes(new Uint8Array(doubleView.buffer));
}

function varint64(writer: ByteWriter, value: bigint): void {
  let rest = value;
  while (rest >= 0x80n) {
    writer.u8(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  writer.u8(Number(rest));
}

function bigint(value: unknown, name: string): bigint {
  if (typeof value === "number" && Number.isFinite(value)) return BigInt(Math.trunc(value));
  if (typeof value === "string" && /^-?\d{1,20}$/.test(value)) return BigInt(value);
  throw new OtlpJsonError(`${name} is no 64-bit integer`);
}

function number(value: unknown, name: string): number {
  if (typeof value === "number") return value;
  if (typeof value === "string" && /^(-?\d+(\.\d+)?([eE][+-]?\d+)?|NaN|-?Infinity)$/.test(value)) return Number(value);
  throw new OtlpJsonError(`${name} is no number`);
}

function object(value: unknown, name: string): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new OtlpJsonError(`${name} is no object`);
}

function list(source: JsonObject, camel: string, snake = camel): readonly unknown[] {
  const value = pick(source, camel, snake);
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new OtlpJsonError(`${camel} is no array`);
  return value;
}

function optional(source: JsonObject, name: string): unknown {
  const value = pick(source, name, name);
  return value === null ? undefined : value;
}

function pick(source: JsonObject, camel: string, snake: string): unknown {
  if (Object.hasOwn(source, camel)) return source[camel];
  return Object.hasOwn(source, snake) ? source[snake] : undefined;
}
