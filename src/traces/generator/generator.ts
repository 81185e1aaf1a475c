import { Counter, Gauge, type Registry } from "prom-client";
import { type ByteRange, forEachAttribute, type OtlpVisitor, type SpanCursor } from "../ingest/otlp-reader.ts";
import { TENANT } from "../metrics.ts";
import { ACTIVE_SERIES_MAX, COLLECTION_INTERVAL_MS, SPAN_AGE_MAX_MS } from "./limits.ts";
import type { WrittenSeries } from "./remote-write-encode.ts";
import { SeriesRegistry } from "./series-registry.ts";
import { ServiceGraph } from "./service-graph.ts";
import { endMs, labelText } from "./span-facts.ts";
import { SpanMetrics } from "./span-metrics.ts";

const SERVICE_NAME = "service.name";
/** What OpenTelemetry names a service that did not say. */
const UNKNOWN_SERVICE = "unknown_service";

/** Derives metrics from spans as they arrive, and hands them to `write` every few seconds. */
export class Generator implements OtlpVisitor {
  readonly #series: SeriesRegistry;
  readonly #spanMetrics: SpanMetrics;
  readonly #serviceGraph: ServiceGraph;
  readonly #now: () => number;
  readonly #write: (series: readonly WrittenSeries[]) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #metrics: GeneratorMetrics;
  #service = UNKNOWN_SERVICE;
  #resource = new Map<string, string>();

  constructor(registry: Registry, write: (series: readonly WrittenSeries[]) => void, now: () => number = Date.now) {
    this.#now = now;
    this.#write = write;
    this.#series = new SeriesRegistry(now());
    this.#spanMetrics = new SpanMetrics(this.#series);
    this.#serviceGraph = new ServiceGraph(this.#series);
    this.#metrics = new GeneratorMetrics(registry, this.#series, this.#serviceGraph);
    this.#timer = setInterval(() => this.collect(), COLLECTION_INTERVAL_MS);
    this.#timer.unref();
  }

  resource(bytes: Uint8Array, message: ByteRange): void {
    const attributes = new Map<string, string>();
    forEachAttribute(bytes, message.start, message.end, 1, (attribute) => {
      const text = labelText(attribute);
      if (text !== undefined && !attributes.has(attribute.key)) attributes.set(attribute.key, text);
    });
    this.#resource = attributes;
    this.#service = attributes.get(SERVICE_NAME) || UNKNOWN_SERVICE;
  }

  scope(): void {}

  span(span: SpanCursor): void {
    const nowMs = this.#now();
    this.#metrics.received.inc({ tenant: TENANT });
    if (Math.abs(nowMs - endMs(span)) > SPAN_AGE_MAX_MS) {
      this.#metrics.discarded.inc({ tenant: TENANT, reason: "outside_metrics_ingestion_slack" });
      return;
    }
    this.#spanMetrics.observe(span, this.#service, this.#resource, nowMs);
    this.#serviceGraph.observe(span, this.#service, nowMs);
  }

  /** Sends all series as they are now. */
  collect(): void {
    const nowMs = this.#now();
    this.#serviceGraph.expire(nowMs);
    const series = this.#series.collect(nowMs);
    this.#metrics.update();
    if (series.length > 0) this.#write(series);
  }

  /** Stops the timer after a last collection. */
  close(): void {
    clearInterval(this.#timer);
    this.collect();
  }
}

/** The generator's own metrics, with Tempo's names. */
class GeneratorMetrics {
  readonly received: Counter<"tenant">;
  readonly discarded: Counter<"tenant" | "reason">;
  readonly #limited: Counter<"tenant">;
  readonly #removed: Counter<"tenant">;
  readonly #collections: Counter<"tenant">;
  readonly #series: SeriesRegistry;
  #limitedBefore = 0;
  #removedBefore = 0;

  constructor(registry: Registry, series: SeriesRegistry, graph: ServiceGraph) {
    this.#series = series;
    const registers = [registry];
    const prefix = "tempo_metrics_generator";
    const counter = <L extends string>(name: string, help: string, labelNames: L[]): Counter<L> =>
      new Counter({ name: `${prefix}_${name}`, help, labelNames, registers });
    this.received = counter("spans_received_total", "Spans that the generator looked at.", ["tenant"]);
    this.discarded = counter("spans_discarded_total", "Spans that changed no metric, by reason.", ["tenant", "reason"]);
    this.#limited = counter(
      "registry_series_limited_total",
      `Observations without a series; the limit is ${ACTIVE_SERIES_MAX} series.`,
      ["tenant"],
    );
    this.#removed = counter("registry_series_removed_total", "Series that ended because nothing was added to them.", [
      "tenant",
    ]);
    this.#collections = counter("registry_collections_total", "Times that all series were sent.", ["tenant"]);
    const gauge = (name: string, help: string, value: () => number): void => {
      new Gauge({
        name: `${prefix}_${name}`,
        help,
        labelNames: ["tenant"],
        registers,
        collect() {
          this.set({ tenant: TENANT }, value());
        },
      });
    };
    gauge("registry_active_series", "Series that are sent at each collection.", () => series.activeSeries);
    gauge("registry_max_active_series", "Limit of these series.", () => ACTIVE_SERIES_MAX);
    gauge(
      "processor_service_graphs_edges",
      "Spans that wait for the other side of their request.",
      () => graph.pendingEdges,
    );
  }

  update(): void {
    this.#collections.inc({ tenant: TENANT });
    this.#limited.inc({ tenant: TENANT }, this.#series.limited - this.#limitedBefore);
    this.#removed.inc({ tenant: TENANT }, this.#series.removed - this.#removedBefore);
    this.#limitedBefore = this.#series.limited;
    this.#removedBefore = this.#series.removed;
  }
}
