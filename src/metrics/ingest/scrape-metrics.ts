import { Counter, Gauge, type Registry, Summary } from "prom-client";
import type { AppendErrorCode } from "../store/append-error.ts";

/** What Prometheus says about its own scraping, under the same names. */
export class ScrapeMetrics {
  readonly intervalLength: Summary;
  readonly syncLength: Summary;
  readonly pools: Counter;
  readonly poolSyncs: Counter;
  readonly poolTargets: Gauge;
  readonly exceededSampleLimit: Counter;
  readonly exceededBodySizeLimit: Counter;
  readonly exceededLabelLimits: Counter;
  readonly exceededTargetLimit: Counter;
  readonly cacheEntries: Gauge;
  readonly #outOfOrder: Counter;
  readonly #duplicate: Counter;
  readonly #outOfBounds: Counter;
  readonly #refused: Counter;
  readonly #exemplarOutOfOrder: Counter;

  constructor(registry: Registry) {
    const registers = [registry];
    const counter = (name: string, help: string, labelNames: string[] = []): Counter =>
      new Counter({ name, help, labelNames, registers });
    const gauge = (name: string, help: string, labelNames: string[]): Gauge =>
      new Gauge({ name, help, labelNames, registers });
    const summary = (name: string, help: string, labelNames: string[]): Summary =>
      new Summary({
        name,
        help,
        labelNames,
        registers,
        percentiles: [0.01, 0.05, 0.5, 0.9, 0.99],
        maxAgeSeconds: 600,
        ageBuckets: 5,
      });
    this.intervalLength = summary("prometheus_target_interval_length_seconds", "Actual intervals between scrapes.", [
      "interval",
    ]);
    this.syncLength = summary("prometheus_target_sync_length_seconds", "Actual interval to sync the scrape pool.", [
      "scrape_job",
    ]);
    this.pools = counter("prometheus_target_scrape_pools_total", "Total number of scrape pool creation attempts.");
    this.poolSyncs = counter(
      "prometheus_target_scrape_pool_sync_total",
      "Total number of syncs that were executed on a scrape pool.",
      ["scrape_job"],
    );
    this.poolTargets = gauge(
      "prometheus_target_scrape_pool_targets",
      "Current number of targets in this scrape pool.",
      ["scrape_job"],
    );
    this.exceededSampleLimit = counter(
      "prometheus_target_scrapes_exceeded_sample_limit_total",
      "Total number of scrapes that hit the sample limit and were rejected.",
    );
    this.exceededBodySizeLimit = counter(
      "prometheus_target_scrapes_exceeded_body_size_limit_total",
      "Total number of scrapes that hit the body size limit.",
    );
    this.exceededLabelLimits = counter(
      "prometheus_target_scrape_pool_exceeded_label_limits_total",
      "Total number of times scrape pools hit the label limits, during sync or config reload.",
    );
    this.exceededTargetLimit = counter(
      "prometheus_target_scrape_pool_exceeded_target_limit_total",
      "Total number of times scrape pools hit the target limit, during sync or config reload.",
    );
    this.cacheEntries = gauge(
      "prometheus_target_metadata_cache_entries",
      "Total number of metric metadata entries in the cache.",
      ["scrape_job"],
    );
    this.#outOfOrder = counter(
      "prometheus_target_scrapes_sample_out_of_order_total",
      "Total number of samples rejected due to not being out of the expected order.",
    );
    this.#duplicate = counter(
      "prometheus_target_scrapes_sample_duplicate_timestamp_total",
      "Total number of samples rejected due to duplicate timestamps but different values.",
    );
    this.#outOfBounds = counter(
      "prometheus_target_scrapes_sample_out_of_bounds_total",
      "Total number of samples rejected due to timestamp falling outside of the time bounds.",
    );
    this.#exemplarOutOfOrder = counter(
      "prometheus_target_scrapes_exemplar_out_of_order_total",
      "Total number of exemplar rejected due to not being out of the expected order.",
    );
    this.#refused = counter(
      "gatewayz_metrics_scrape_samples_refused_total",
      "Samples of scrapes that the store refused for a reason that Prometheus has no counter for.",
      ["reason"],
    );
  }

  countRefused(code: AppendErrorCode): void {
    switch (code) {
      case "OUT_OF_ORDER_SAMPLE":
        this.#outOfOrder.inc();
        break;
      case "DUPLICATE_SAMPLE":
        this.#duplicate.inc();
        break;
      case "OUT_OF_BOUNDS":
        this.#outOfBounds.inc();
        break;
      case "OUT_OF_ORDER_EXEMPLAR":
        this.#exemplarOutOfOrder.inc();
        break;
      default:
        this.#refused.inc({ reason: code.toLowerCase() });
    }
  }
}
