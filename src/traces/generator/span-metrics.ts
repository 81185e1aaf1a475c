import type { SpanCursor } from "../ingest/otlp-reader.ts";
import type { SeriesRegistry } from "./series-registry.ts";
import { type AttributeTexts, kindName, readWanted, statusName, traceIdHex } from "./span-facts.ts";

/** Upper bounds in seconds, from a fast cache hit to the longest stream. */
export const LATENCY_BOUNDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/**
 * Dimensions beside Tempo's intrinsic ones: label → attributes, the first that exists counts. Where a dashboard's
 * label and the attribute that clients send differ, the second name is what clients send.
 */
const DIMENSIONS: Readonly<Record<string, readonly string[]>> = {
  gen_ai_request_model: ["gen_ai.request.model"],
  gen_ai_system: ["gen_ai.system"],
  ai_provider: ["ai.provider"],
  ai_model_id: ["ai.model_id", "ai.model"],
  customer_id: ["customer.id"],
  http_status_code: ["http.status_code", "http.response.status_code"],
  gen_ai_response_finish_reason: ["gen_ai.response.finish_reason"],
  finish_reason: ["gen_ai.response.finish_reason"],
  http_route: ["http.route"],
  error_type: ["error.type", "ai.error.type"],
  db_system: ["db.system"],
};

const WANTED: ReadonlySet<string> = new Set(Object.values(DIMENSIONS).flat());

/** Tempo's span-metrics processor: latency, calls and size by service, span name, kind, status and dimensions. */
export class SpanMetrics {
  readonly #latency: ReturnType<SeriesRegistry["histogram"]>;
  readonly #calls: ReturnType<SeriesRegistry["counter"]>;
  readonly #size: ReturnType<SeriesRegistry["counter"]>;

  constructor(registry: SeriesRegistry) {
    this.#latency = registry.histogram("traces_spanmetrics_latency", LATENCY_BOUNDS);
    this.#calls = registry.counter("traces_spanmetrics_calls_total");
    this.#size = registry.counter("traces_spanmetrics_size_total");
  }

  observe(span: SpanCursor, service: string, resource: AttributeTexts, nowMs: number): void {
    const own = readWanted(span, WANTED);
    const labels = ["service", service, "span_name", span.name];
    labels.push("span_kind", kindName(span.kind), "status_code", statusName(span.statusCode));
    for (const [label, sources] of Object.entries(DIMENSIONS)) {
      const source = sources.find((name) => own.has(name) || resource.has(name));
      if (source !== undefined) labels.push(label, own.get(source) ?? resource.get(source)!);
    }
    this.#latency(labels, span.durationNs / 1e9, traceIdHex(span), nowMs);
    this.#calls(labels, 1, nowMs);
    this.#size(labels, span.end - span.start, nowMs);
  }
}
