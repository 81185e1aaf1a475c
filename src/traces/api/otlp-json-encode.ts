import { utf8 } from "../ingest/otlp-reader.ts";
import { WireReader } from "../ingest/wire-reader.ts";
import type { ResourceGroup, ScopeGroup } from "../query/trace-by-id.ts";

/** Deepest attribute value rendered; ingest refuses deeper ones, so this only bounds damaged bytes. */
const DEPTH_MAX = 64;

type Json = Record<string, unknown>;

const KINDS = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
const STATUS_CODES = ["UNSET", "OK", "ERROR"];

/**
 * A trace as Tempo's JSON has it: protobuf's JSON mapping, so ids are base64, 64-bit integers are strings, enums are
 * names and default values are left out.
 */
export function resourceSpansJson(groups: readonly ResourceGroup[]): object[] {
  return groups.map(({ envelope, scopes }) => {
    const json: Json = { resource: {}, scopeSpans: scopes.map(scopeSpansJson) };
    fields(envelope, (reader) => {
      if (reader.field === 1) json["resource"] = attributesJson(content(reader), 1);
      if (reader.field === 3) json["schemaUrl"] = text(reader);
    });
    return json;
  });
}

function scopeSpansJson({ envelope, spans }: ScopeGroup): object {
  const json: Json = { scope: {}, spans: spans.map(spanJson) };
  fields(envelope, (reader) => {
    if (reader.field === 1) json["scope"] = scopeJson(content(reader));
    if (reader.field === 3) json["schemaUrl"] = text(reader);
  });
  return json;
}

function scopeJson(bytes: Uint8Array): object {
  const json: Json = {};
  fields(bytes, (reader) => {
    if (reader.field === 1) json["name"] = text(reader);
    if (reader.field === 2) json["version"] = text(reader);
  });
  return { ...json, ...attributesJson(bytes, 3) };
}

function spanJson(bytes: Uint8Array): object {
  const json: Json = {};
  const attributes: object[] = [];
  const events: object[] = [];
  const links: object[] = [];
  fields(bytes, (reader) => {
    switch (reader.field) {
      case 1:
        json["traceId"] = base64(reader);
        break;
      case 2:
        json["spanId"] = base64(reader);
        break;
      case 3:
        json["traceState"] = text(reader);
        break;
      case 4:
        json["parentSpanId"] = base64(reader);
        break;
      case 5:
        json["name"] = text(reader);
        break;
      case 6:
        json["kind"] = `SPAN_KIND_${KINDS[reader.low] ?? KINDS[0]}`;
        break;
      case 7:
        json["startTimeUnixNano"] = unsigned(reader);
        break;
      case 8:
        json["endTimeUnixNano"] = unsigned(reader);
        break;
      case 9:
        attributes.push(keyValueJson(content(reader), 0));
        break;
      case 10:
        json["droppedAttributesCount"] = reader.low;
        break;
      case 11:
        events.push(eventJson(content(reader)));
        break;
      case 12:
        json["droppedEventsCount"] = reader.low;
        break;
      case 13:
        links.push(linkJson(content(reader)));
        break;
      case 14:
        json["droppedLinksCount"] = reader.low;
        break;
      case 15:
        json["status"] = statusJson(content(reader));
        break;
      case 16:
        json["flags"] = reader.low;
        break;
    }
  });
  if (attributes.length > 0) json["attributes"] = attributes;
  if (events.length > 0) json["events"] = events;
  if (links.length > 0) json["links"] = links;
  json["status"] ??= {};
  return json;
}

function eventJson(bytes: Uint8Array): object {
  const json: Json = {};
  fields(bytes, (reader) => {
    if (reader.field === 1) json["timeUnixNano"] = unsigned(reader);
    if (reader.field === 2) json["name"] = text(reader);
    if (reader.field === 4) json["droppedAttributesCount"] = reader.low;
  });
  return { ...json, ...attributesJson(bytes, 3) };
}

function linkJson(bytes: Uint8Array): object {
  const json: Json = {};
  fields(bytes, (reader) => {
    if (reader.field === 1) json["traceId"] = base64(reader);
    if (reader.field === 2) json["spanId"] = base64(reader);
    if (reader.field === 3) json["traceState"] = text(reader);
    if (reader.field === 5) json["droppedAttributesCount"] = reader.low;
    if (reader.field === 6) json["flags"] = reader.low;
  });
  return { ...json, ...attributesJson(bytes, 4) };
}

function statusJson(bytes: Uint8Array): object {
  const json: Json = {};
  fields(bytes, (reader) => {
    if (reader.field === 2) json["message"] = text(reader);
    if (reader.field === 3 && reader.low !== 0)
      json["code"] = `STATUS_CODE_${STATUS_CODES[reader.low] ?? STATUS_CODES[0]}`;
  });
  return json;
}

function attributesJson(bytes: Uint8Array, field: number): { attributes?: object[] } {
  const attributes: object[] = [];
  fields(bytes, (reader) => {
    if (reader.field === field) attributes.push(keyValueJson(content(reader), 0));
  });
  return attributes.length > 0 ? { attributes } : {};
}

function keyValueJson(bytes: Uint8Array, depth: number): object {
  const json: Json = {};
  fields(bytes, (reader) => {
    if (reader.field === 1) json["key"] = text(reader);
    if (reader.field === 2) json["value"] = valueJson(content(reader), depth + 1);
  });
  return json;
}

function valueJson(bytes: Uint8Array, depth: number): object {
  let json: Json = {};
  if (depth > DEPTH_MAX) return json;
  fields(bytes, (reader) => {
    switch (reader.field) {
      case 1:
        json = { stringValue: text(reader) };
        break;
      case 2:
        json = { boolValue: reader.low !== 0 };
        break;
      case 3:
        json = { intValue: signed(reader) };
        break;
      case 4:
        json = { doubleValue: doubleJson(reader.double) };
        break;
      case 5: {
        const values: object[] = [];
        fields(content(reader), (inner) => {
          if (inner.field === 1) values.push(valueJson(content(inner), depth + 1));
        });
        json = { arrayValue: { values } };
        break;
      }
      case 6: {
        const values: object[] = [];
        fields(content(reader), (inner) => {
          if (inner.field === 1) values.push(keyValueJson(content(inner), depth + 1));
        });
        json = { kvlistValue: { values } };
        break;
      }
      case 7:
        json = { bytesValue: base64(reader) };
        break;
    }
  });
  return json;
}

/** JSON has no NaN or infinities; protobuf's mapping writes them as strings. */
function doubleJson(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

function fields(bytes: Uint8Array, visit: (reader: WireReader) => void): void {
  const reader = new WireReader(bytes).enter(0, bytes.length);
  while (reader.next()) visit(reader);
}

function content(reader: WireReader): Uint8Array {
  return reader.bytes.subarray(reader.start, reader.stop);
}

function text(reader: WireReader): string {
  return utf8(reader.bytes, reader.start, reader.stop);
}

function base64(reader: WireReader): string {
  return Buffer.from(content(reader)).toString("base64");
}

function unsigned(reader: WireReader): string {
  return ((BigInt(reader.high) << 32n) | BigInt(reader.low)).toString();
}

function signed(reader: WireReader): string {
  return BigInt.asIntN(64, (BigInt(reader.high) << 32n) | BigInt(reader.low)).toString();
}
