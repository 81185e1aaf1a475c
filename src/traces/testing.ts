import { otlpJsonToProtobuf } from "./ingest/otlp-json.ts";

/** A span as tests write it; everything but the ids has a default. */
export interface TestSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name?: string;
  readonly kind?: number;
  readonly startNs?: bigint;
  readonly durationNs?: bigint;
  readonly status?: number;
  readonly statusMessage?: string;
  readonly service?: string;
  readonly resource?: Readonly<Record<string, TestValue>>;
  readonly attributes?: Readonly<Record<string, TestValue>>;
  readonly events?: readonly {
    readonly name: string;
    readonly offsetNs?: bigint;
    readonly attributes?: Readonly<Record<string, TestValue>>;
  }[];
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
}

/** Numbers with a fraction are doubles, others integers. */
export type TestValue = string | number | boolean | readonly TestValue[];

export const TEST_START_NS = 1_760_000_000_000_000_000n;

/** An export request with these spans, as protobuf. */
export function exportRequest(spans: readonly TestSpan[]): Uint8Array {
  return otlpJsonToProtobuf({ resourceSpans: spans.map(resourceSpans) });
}

function resourceSpans(span: TestSpan): object {
  const startNs = span.startNs ?? TEST_START_NS;
  return {
    resource: { attributes: keyValues({ "service.name": span.service ?? "svc", ...span.resource }) },
    scopeSpans: [
      {
        scope: { name: "test-scope", version: "1" },
        spans: [
          {
            traceId: span.traceId,
            spanId: span.spanId,
            parentSpanId: span.parentSpanId ?? "",
            name: span.name ?? "op",
            kind: span.kind ?? 1,
            startTimeUnixNano: String(startNs),
            endTimeUnixNano: String(startNs + (span.durationNs ?? 1_000_000n)),
            attributes: keyValues(span.attributes ?? {}),
            events: (span.events ?? []).map((event) => ({
              name: event.name,
              timeUnixNano: String(startNs + (event.offsetNs ?? 0n)),
              attributes: keyValues(event.attributes ?? {}),
            })),
            links: span.links ?? [],
            status: { code: span.status ?? 0, message: span.statusMessage ?? "" },
          },
        ],
      },
    ],
  };
}

function keyValues(record: Readonly<Record<string, TestValue>>): object[] {
  return Object.entries(record).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: TestValue): object {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "number")
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  return { arrayValue: { values: value.map(anyValue) } };
}

/** Ids by number. */
export function traceIdOf(number: number): string {
  return (number + 1).toString(16).padStart(32, "0");
}

export function spanIdOf(number: number): string {
  return (number + 1).toString(16).padStart(16, "0");
}
