import type { AttributeValue, Span, SpanEvent } from "./types.ts";

/** Reads a trace as Tempo answers it: OTLP JSON, with ids in hex or in base64 as its protobuf encoder writes them. */

type Json = Record<string, unknown>;

const KINDS: Record<string, string> = {
  SPAN_KIND_INTERNAL: "internal",
  SPAN_KIND_SERVER: "server",
  SPAN_KIND_CLIENT: "client",
  SPAN_KIND_PRODUCER: "producer",
  SPAN_KIND_CONSUMER: "consumer",
  "1": "internal",
  "2": "server",
  "3": "client",
  "4": "producer",
  "5": "consumer",
};

/** Every span of a `/api/traces/{id}` or `/api/v2/traces/{id}` answer, in the order given. */
export function readTraceSpans(body: unknown): Span[] {
  const root = (body ?? {}) as Json;
  const container = (root["trace"] as Json | undefined) ?? root;
  const batches = list(container["batches"] ?? container["resourceSpans"]);
  return batches.flatMap((batch) => {
    const resource = readAttributes(list((batch["resource"] as Json | undefined)?.["attributes"]));
    const scopes = list(batch["scopeSpans"] ?? batch["instrumentationLibrarySpans"]);
    return scopes.flatMap((scope) => {
      const scopeInfo = (scope["scope"] ?? scope["instrumentationLibrary"] ?? {}) as Json;
      return list(scope["spans"]).map((span) => readSpan(span, resource, String(scopeInfo["name"] ?? "")));
    });
  });
}

function readSpan(json: Json, resource: Record<string, AttributeValue>, scope: string): Span {
  const start = String(json["startTimeUnixNano"] ?? "0");
  const end = String(json["endTimeUnixNano"] ?? start);
  const status = (json["status"] ?? {}) as Json;
  const code = String(status["code"] ?? "");
  return {
    traceId: hexId(String(json["traceId"] ?? ""), 16),
    spanId: hexId(String(json["spanId"] ?? ""), 8),
    parentId: hexId(String(json["parentSpanId"] ?? ""), 8),
    name: String(json["name"] ?? ""),
    service: String(resource["service.name"] ?? "unknown"),
    kind: KINDS[String(json["kind"] ?? "")] ?? "unspecified",
    startMs: nanosToMs(start),
    durationMs: Math.max(0, nanosBetween(start, end) / 1e6),
    isError: code === "2" || code === "STATUS_CODE_ERROR",
    statusMessage: String(status["message"] ?? ""),
    attributes: readAttributes(list(json["attributes"])),
    resource,
    scope,
    events: list(json["events"]).map(readEvent),
    links: list(json["links"]).map((link) => ({
      traceId: hexId(String(link["traceId"] ?? ""), 16),
      spanId: hexId(String(link["spanId"] ?? ""), 8),
    })),
  };
}

function readEvent(json: Json): SpanEvent {
  return {
    name: String(json["name"] ?? ""),
    timeMs: nanosToMs(String(json["timeUnixNano"] ?? "0")),
    attributes: readAttributes(list(json["attributes"])),
  };
}

/** `[{key, value: {stringValue}}]` as a plain object. */
export function readAttributes(attributes: readonly Json[]): Record<string, AttributeValue> {
  return Object.fromEntries(attributes.map((entry) => [String(entry["key"]), readValue(entry["value"])]));
}

/** OTLP's AnyValue. 64-bit integers arrive as text; those beyond 2^53 stay text. */
function readValue(value: unknown): AttributeValue {
  const json = (value ?? {}) as Json;
  if ("stringValue" in json) return String(json["stringValue"]);
  if ("boolValue" in json) return json["boolValue"] === true;
  if ("doubleValue" in json) return Number(json["doubleValue"]);
  if ("intValue" in json) {
    const number = Number(json["intValue"]);
    return Number.isSafeInteger(number) ? number : String(json["intValue"]);
  }
  if ("arrayValue" in json) return list((json["arrayValue"] as Json | undefined)?.["values"]).map(readValue);
  if ("kvlistValue" in json)
    return JSON.stringify(readAttributes(list((json["kvlistValue"] as Json | undefined)?.["values"])));
  return "";
}

/**
 * Hex of an id that may be base64; `bytes` is the id's length. Padded base64 always ends in `=` here (8 and 16 are no
 * multiples of 3), so it is never mistaken for hex. Short hex ids are padded, as Tempo trims zeros.
 */
export function hexId(text: string, bytes: number): string {
  if (text === "") return "";
  if (/^[0-9a-fA-F]+$/.test(text)) {
    const hex = text.toLowerCase().padStart(bytes * 2, "0");
    return /^0+$/.test(hex) ? "" : hex;
  }
  try {
    const hex = Array.from(atob(text), (char) => char.charCodeAt(0).toString(16).padStart(2, "0")).join("");
    return /^0*$/.test(hex) ? "" : hex;
  } catch {
    return text;
  }
}

function list(value: unknown): Json[] {
  return Array.isArray(value) ? (value as Json[]) : [];
}

/** Unix ms with the sub-millisecond part kept. */
export function nanosToMs(nanos: string): number {
  if (nanos.length <= 6) return Number(nanos) / 1e6;
  return Number(nanos.slice(0, -6)) + Number(nanos.slice(-6)) / 1e6;
}

/** Exact difference of two nanosecond times, which a double cannot hold. */
function nanosBetween(start: string, end: string): number {
  try {
    return Number(BigInt(end) - BigInt(start));
  } catch {
    return 0;
  }
}
