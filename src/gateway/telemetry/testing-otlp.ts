import protobuf from "protobufjs";

/** The parts of opentelemetry/proto that the encoder writes, for a decoder that is not ours. */
const OTLP_PROTO = `
syntax = "proto3";
message ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
message Resource { repeated KeyValue attributes = 1; }
message ScopeSpans { InstrumentationScope scope = 1; repeated Span spans = 2; }
message InstrumentationScope { string name = 1; string version = 2; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; fixed32 flags = 16; string name = 5; int32 kind = 6;
  fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8; repeated KeyValue attributes = 9;
  repeated Event events = 11; Status status = 15;
}
message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; }
message Status { string message = 2; int32 code = 3; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue {
  oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; ArrayValue array_value = 5; }
}
message ArrayValue { repeated AnyValue values = 1; }
`;

interface DecodedValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string;
  readonly doubleValue?: number;
  readonly arrayValue?: { readonly values: readonly DecodedValue[] };
}

interface DecodedPair {
  readonly key: string;
  readonly value: DecodedValue;
}

/** A span as protobufjs reads it, attributes as an object. */
export interface DecodedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly startNs: string;
  readonly endNs: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly { readonly name: string; readonly attributes: Readonly<Record<string, unknown>> }[];
  readonly status: { readonly message?: string; readonly code?: number } | undefined;
}

/** Decodes a request with protobufjs; `resource` and `scope` are those of the one group that the encoder writes. */
export function decodeRequest(bytes: Uint8Array): {
  resource: Record<string, unknown>;
  scope: { name: string; version: string };
  spans: DecodedSpan[];
} {
  const type = protobuf.parse(OTLP_PROTO, { keepCase: false }).root.lookupType("ExportTraceServiceRequest");
  // biome-ignore lint/suspicious/noExplicitAny: the shape is the .proto above; protobufjs types it as any object
  const object = type.toObject(type.decode(bytes), { longs: String, bytes: Array }) as any;
  const [group] = object.resourceSpans;
  const [scoped] = group.scopeSpans;
  return {
    resource: attributesOf(group.resource.attributes ?? []),
    scope: scoped.scope,
    spans: (scoped.spans ?? []).map((span: Record<string, never>) => ({
      traceId: hex(span["traceId"]),
      spanId: hex(span["spanId"]),
      parentSpanId: hex(span["parentSpanId"]),
      name: span["name"] ?? "",
      kind: span["kind"],
      startNs: span["startTimeUnixNano"],
      endNs: span["endTimeUnixNano"],
      attributes: attributesOf(span["attributes"] ?? []),
      events: (span["events"] ?? ([] as Record<string, never>[])).map((event: Record<string, never>) => ({
        name: event["name"] ?? "",
        attributes: attributesOf(event["attributes"] ?? []),
      })),
      status: span["status"],
    })),
  };
}

function hex(bytes: readonly number[] | undefined): string {
  return Buffer.from(bytes ?? []).toString("hex");
}

function attributesOf(pairs: readonly DecodedPair[]): Record<string, unknown> {
  return Object.fromEntries(pairs.map(({ key, value }) => [key ?? "", readValue(value)]));
}

function readValue(value: DecodedValue): unknown {
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(readValue);
  if (value.intValue !== undefined) return Number(value.intValue);
  return value.stringValue ?? value.boolValue ?? value.doubleValue;
}
