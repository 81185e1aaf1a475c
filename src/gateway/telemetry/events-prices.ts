import type { Handlers } from "./event-metrics.ts";
import { boundedLabel } from "./labels.ts";
import type { MetricSet } from "./metric-set.ts";
import { ANY_PROVIDER, type ModelLabels } from "./model-labels.ts";

/** Providers whose emptiness is remembered; configuration names far fewer. */
const EMPTY_GATEWAYS_MAX = 200;

/** Prices, their refreshes, and the providers' model lists. */
export function priceAndCatalogueHandlers(set: MetricSet, labels: ModelLabels) {
  return { ...priceHandlers(set, labels), ...syncHandlers(set), ...catalogueHandlers(set) };
}

function priceHandlers(set: MetricSet, labels: ModelLabels) {
  // A budget is held at a price before anybody has answered for the model: its name may be a client's invention.
  const labelOf = (model: string, priced: boolean): string => labels.of(ANY_PROVIDER, boundedLabel(model), priced);
  return {
    priceLookup({ cacheHit, cacheName = "model_pricing" }) {
      const outcome = cacheHit ? "gatewayz_pricing_cache_hits_total" : "gatewayz_pricing_cache_misses_total";
      set.counter(outcome).child(cacheName).inc();
      set
        .counter(cacheHit ? "cache_hits_total" : "cache_misses_total")
        .child("pricing")
        .inc();
    },
    priceValidated({ model, failure }) {
      const label = labelOf(model, failure === undefined);
      set.counter("pricing_validation_total").child(label).inc();
      if (failure === undefined) return;
      set.counter("pricing_validation_failures").child(label, boundedLabel(failure)).inc();
    },
    priceOutOfBounds: ({ model, violation }) =>
      set.counter("pricing_bounds_violations_total").child(labelOf(model, true), boundedLabel(violation)).inc(),
    priceSpike: ({ model, priceType }) =>
      set.counter("pricing_spike_detected_total").child(labelOf(model, false), priceType).inc(),
    priceHealth({ stalenessHours, healthy }) {
      set.gauge("pricing_staleness_hours").child().set(stalenessHours);
      set
        .gauge("pricing_health_status")
        .child()
        .set(healthy ? 1 : 0);
    },
  } satisfies Partial<Handlers>;
}

function syncHandlers(set: MetricSet) {
  return {
    priceSyncQueue({ queued, running }) {
      set.gauge("pricing_sync_job_queue_size").child("queued").set(queued);
      set.gauge("pricing_sync_job_queue_size").child("running").set(running);
    },
    priceSync({ provider, status, triggeredBy, seconds, fetched, updated, changed, skipped, errors }) {
      const name = boundedLabel(provider);
      set.histogram("pricing_sync_duration_seconds").child(name, status).observe(seconds);
      set.counter("pricing_sync_total").child(name, status, triggeredBy).inc();
      set.counter("pricing_sync_models_fetched_total").child(name).inc(fetched);
      set.counter("pricing_sync_models_updated_total").child(name).inc(updated);
      set.counter("pricing_sync_price_changes_total").child(name).inc(changed);
      for (const [reason, models] of Object.entries(skipped)) {
        set.counter("pricing_sync_models_skipped_total").child(name, boundedLabel(reason)).inc(models);
      }
      for (const [type, count] of Object.entries(errors)) {
        set.counter("pricing_sync_errors_total").child(name, boundedLabel(type)).inc(count);
      }
      if (status !== "failed") {
        set
          .gauge("pricing_sync_last_success_timestamp")
          .child(name)
          .set(Date.now() / 1_000);
      }
    },
    priceSyncJob: ({ status, seconds }) =>
      set.histogram("pricing_sync_job_duration_seconds").child(status).observe(seconds),
  } satisfies Partial<Handlers>;
}

function catalogueHandlers(set: MetricSet) {
  const empty = new Set<string>();
  /** A gateway recovers when its list is there again after it was not. */
  const follow = (name: string, models: number): void => {
    if (models === 0) {
      if (empty.size < EMPTY_GATEWAYS_MAX) empty.add(name);
    } else if (empty.delete(name)) set.counter("gateway_recovery_events_total").child(name).inc();
  };
  return {
    catalogLoaded({ gateway, models, hit, emptyReason, bytes }) {
      const name = boundedLabel(gateway);
      set.gauge("gateway_model_count").child(name).set(models);
      set
        .counter(hit ? "catalog_cache_hits_total" : "catalog_cache_misses_total")
        .child(name)
        .inc();
      set
        .counter(hit ? "cache_hits_total" : "cache_misses_total")
        .child("catalog")
        .inc();
      const result = hit ? "hit" : "miss";
      set.counter("catalog_cache_operations_total").child("get", "memory", result).inc();
      if (bytes !== undefined) set.gauge("catalog_cache_size_bytes").child(name).set(bytes);
      if (hit) return;
      const reason = emptyReason ?? (models === 0 ? "api_empty" : undefined);
      if (reason !== undefined) set.counter("gateway_zero_model_events_total").child(name, reason).inc();
      follow(name, reason === undefined ? models : 0);
    },
    catalogFallback({ gateway, source }) {
      set.counter("gateway_fallback_activations_total").child(boundedLabel(gateway), source).inc();
      follow(boundedLabel(gateway), 0);
    },
    catalogInvalidated({ gateway, reason }) {
      set.counter("catalog_cache_invalidations_total").child(boundedLabel(gateway), boundedLabel(reason)).inc();
      set.counter("catalog_cache_operations_total").child("invalidate", "memory", "ok").inc();
    },
    catalogRepaired: ({ gateway, result }) =>
      set.counter("gateway_auto_fix_attempts_total").child(boundedLabel(gateway), result).inc(),
  } satisfies Partial<Handlers>;
}
