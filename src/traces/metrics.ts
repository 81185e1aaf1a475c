import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** Tempo labels its metrics by tenant; one process of ours has one. */
export const TENANT = "single-tenant";

/** The role's own metrics, with Tempo's names where it has one. */
export class TraceMetrics {
  readonly spansReceived: Counter<"tenant">;
  readonly bytesReceived: Counter<"tenant">;
  readonly discardedSpans: Counter<"tenant" | "reason">;
  readonly requests: Counter<"transport" | "outcome">;
  readonly tracesCreated: Counter<"tenant">;
  readonly blocksFlushed: Counter;
  readonly flushFailures: Counter;
  readonly corruptBlocks: Counter;
  readonly walDamage: Counter;
  readonly blocksDeleted: Counter<"reason">;
  readonly unindexedAttributes: Counter;
  readonly duplicateSpans: Counter;
  readonly querySeconds: Histogram<"op">;
  readonly inspectedSpans: Counter;

  constructor(registry: Registry) {
    const registers = [registry];
    const counter = <L extends string>(name: string, help: string, labelNames: L[] = []): Counter<L> =>
      new Counter({ name, help, labelNames, registers });
    this.spansReceived = counter(
      "tempo_distributor_spans_received_total",
      "The total number of spans received per tenant.",
      ["tenant"],
    );
    this.bytesReceived = counter(
      "tempo_distributor_bytes_received_total",
      "The total number of proto bytes received per tenant.",
      ["tenant"],
    );
    this.discardedSpans = counter(
      "tempo_discarded_spans_total",
      "The total number of spans that were discarded, by reason.",
      ["tenant", "reason"],
    );
    this.requests = counter("tempo_receiver_requests_total", "Export requests by transport (http, grpc) and outcome.", [
      "transport",
      "outcome",
    ]);
    this.tracesCreated = counter("tempo_ingester_traces_created_total", "The total number of traces created.", [
      "tenant",
    ]);
    this.blocksFlushed = counter("tempo_ingester_blocks_flushed_total", "Segments written from the head.");
    this.flushFailures = counter(
      "tempo_ingester_failed_flushes_total",
      "Segments that could not be written; each is tried again.",
    );
    this.corruptBlocks = counter(
      "tempo_corrupt_blocks_total",
      "Blocks of segments that were set aside because their bytes are damaged.",
    );
    this.walDamage = counter(
      "tempo_wal_damage_total",
      "Places in the write-ahead log that were damaged and skipped at replay.",
    );
    this.blocksDeleted = counter("tempo_retention_deleted_total", "Segments deleted, by reason (age, size).", [
      "reason",
    ]);
    this.unindexedAttributes = counter(
      "tempo_unindexed_attributes_total",
      "Attributes kept but not searchable, because too many keys were in use.",
    );
    this.duplicateSpans = counter("tempo_duplicate_spans_total", "Spans dropped because they had arrived before.");
    this.inspectedSpans = counter("tempo_query_frontend_inspected_spans_total", "Spans that queries looked at.");
    this.querySeconds = new Histogram({
      name: "tempo_query_frontend_query_duration_seconds",
      help: "Time that queries took, by operation.",
      labelNames: ["op"],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    });
    // Rates need a start: a counter that appears with its first event hides that event.
    this.spansReceived.inc({ tenant: TENANT }, 0);
    this.bytesReceived.inc({ tenant: TENANT }, 0);
  }

  /** Registers a gauge whose value is asked for at each scrape. */
  gauge(
    registry: Registry,
    name: string,
    help: string,
    value: () => number,
    labels: Record<string, string> = {},
  ): void {
    new Gauge({
      name,
      help,
      labelNames: Object.keys(labels),
      registers: [registry],
      collect() {
        this.set(labels, value());
      },
    });
  }
}
