import { ProtobufWriter } from "./protobuf-writer.ts";

/** opentelemetry/proto/trace/v1/trace.proto, `SpanKind`. */
export const SPAN_KIND = { internal: 1, server: 2, client: 3 } as const;
const STATUS_CODE_ERROR = 2;
/** W3C trace flags: sampled. */
const FLAG_SAMPLED = 1;

type AttributeValue = string | number | boolean | readonly string[] | undefined;
/** Undefined values are left out. Integers are written as int64, other numbers as double. */
export type Attributes = Readonly<Record<string, AttributeValue>>;

export interface SpanEvent {
  readonly name: string;
  readonly atMs: number;
  readonly attributes: Attributes;
}

export interface Span {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: (typeof SPAN_KIND)[keyof typeof SPAN_KIND];
  /** Unix ms with fractions. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  readonly events: readonly SpanEvent[];
  /** Message of a failure; undefined leaves the status unset. */
  readonly failure: string | undefined;
}

export interface Resource {
  readonly attributes: Attributes;
  readonly scope: { readonly name: string; readonly version: string };
}

/**
 * Encodes spans as OTLP (`opentelemetry/proto/collector/trace/v1/trace_service.proto`): each span once, when it is
 * known, the request around a batch of them when it is sent.
 */
export class OtlpEncoder {
  readonly #writer = new ProtobufWriter();
  readonly #resource: Buffer;
  readonly #scope: Buffer;

  constructor(resource: Resource) {
    const writer = this.#writer;
    writer.reset();
    writeAttributes(writer, 1, resource.attributes);
    this.#resource = writer.bytes();
    writer.reset();
    writer.string(1, resource.scope.name);
    writer.string(2, resource.scope.version);
    this.#scope = writer.bytes();
    writer.reset();
  }

  /** Spans as members of `ScopeSpans.spans`, tags and lengths included, for `request`. */
  spans(spans: readonly Span[]): Buffer {
    this.#writer.reset();
    for (const span of spans) this.#write(span);
    return this.#writer.bytes();
  }

  #write(span: Span): void {
    const writer = this.#writer;
    const entry = writer.begin(2);
    writer.hex(1, span.traceId);
    writer.hex(2, span.spanId);
    if (span.parentSpanId !== undefined) writer.hex(4, span.parentSpanId);
    writer.string(5, span.name);
    writer.int(6, span.kind);
    writer.nanoseconds(7, span.startMs);
    writer.nanoseconds(8, Math.max(span.startMs, span.endMs));
    writeAttributes(writer, 9, span.attributes);
    for (const event of span.events) {
      const mark = writer.begin(11);
      writer.nanoseconds(1, event.atMs);
      writer.string(2, event.name);
      writeAttributes(writer, 3, event.attributes);
      writer.end(mark);
    }
    if (span.failure !== undefined) {
      const mark = writer.begin(15);
      writer.string(2, span.failure);
      writer.int(3, STATUS_CODE_ERROR);
      writer.end(mark);
    }
    writer.fixed32(16, FLAG_SAMPLED);
    writer.end(entry);
  }

  /** The `ExportTraceServiceRequest` of a batch of what `spans` encoded: what is around them, and each copied once. */
  request(spans: readonly Buffer[]): Buffer {
    let spanBytes = 0;
    for (const span of spans) spanBytes += span.length;
    const writer = this.#writer;
    writer.reset();
    writer.message(1, this.#scope);
    const scope = writer.bytes();
    writer.reset();
    writer.message(1, this.#resource);
    writer.head(2, scope.length + spanBytes);
    const resource = writer.bytes();
    writer.reset();
    writer.head(1, resource.length + scope.length + spanBytes);
    const head = writer.bytes();
    return Buffer.concat([head, resource, scope, ...spans], head.length + resource.length + scope.length + spanBytes);
  }
}

/** Repeated `KeyValue` of opentelemetry/proto/common/v1/common.proto. */
function writeAttributes(writer: ProtobufWriter, field: number, attributes: Attributes): void {
  for (const key in attributes) {
    const value = attributes[key];
    if (value === undefined) continue;
    if (typeof value === "string" && writer.textPair(field, key, value)) continue;
    if (typeof value === "number" && value >= 0 && Number.isSafeInteger(value) && writer.intPair(field, key, value)) {
      continue;
    }
    const pair = writer.begin(field);
    writer.string(1, key);
    const any = writer.begin(2);
    writeAnyValue(writer, value);
    writer.end(any);
    writer.end(pair);
  }
}

function writeAnyValue(writer: ProtobufWriter, value: Exclude<AttributeValue, undefined>): void {
  if (typeof value === "string") writer.string(1, value);
  else if (typeof value === "boolean") writer.bool(2, value);
  else if (typeof value === "number") {
    if (Number.isSafeInteger(value)) writer.int(3, value);
    else writer.double(4, value);
  } else {
    const array = writer.begin(5);
    for (const text of value) {
      const element = writer.begin(1);
      writer.string(1, text);
      writer.end(element);
    }
    writer.end(array);
  }
}
