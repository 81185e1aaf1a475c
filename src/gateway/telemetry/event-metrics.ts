import type { GatewayEvents } from "../request-record.ts";
import { boundedLabel } from "./labels.ts";
import type { MetricSet } from "./metric-set.ts";
import type { ProviderMetrics } from "./provider-metrics.ts";
import { APP_NAME } from "./request-metrics.ts";

/** Models without a known price that are remembered, to count them once each. */
const UNPRICED_MODELS_MAX = 2_000;

type Handlers = { readonly [Name in keyof GatewayEvents]: (detail: GatewayEvents[Name]) => void };

/** One handler per event of the catalogue: what each does to the metrics. */
export function createEventHandlers(set: MetricSet, providers: ProviderMetrics): Handlers {
  const unpricedModels = new Set<string>();
  const keyChecks = { found: 0, all: 0 };
  return {
    breakerMoved: (detail) => providers.breakerMoved(detail),
    breakerResult({ provider, state, success }) {
      const name = success ? "circuit_breaker_successes_total" : "circuit_breaker_failures_total";
      set.counter(name).child(boundedLabel(provider), state).inc();
    },
    breakerRejected: ({ provider }) =>
      set.counter("circuit_breaker_rejected_requests_total").child(boundedLabel(provider)).inc(),
    concurrencyChanged({ active, queued }) {
      set.gauge("concurrency_active_requests").child().set(active);
      set.gauge("concurrency_queued_requests").child().set(queued);
    },
    concurrencyRejected: ({ reason }) => set.counter("concurrency_rejected_total").child(reason).inc(),
    rateLimited({ limitType }) {
      set.counter("rate_limited_requests_total").child(boundedLabel(limitType)).inc();
      set.counter("rate_limit_rejections_total").child(boundedLabel(limitType)).inc();
    },
    spendWarning: () => undefined, // A line in the log; what was spent is counted with its request.
    keyLookup({ status }) {
      set.counter("api_key_lookup_attempts_total").child(status).inc();
      keyChecks.all++;
      if (status === "found") keyChecks.found++;
      set
        .gauge("api_key_tracking_rate")
        .child()
        .set(keyChecks.found / keyChecks.all);
    },
    fallbackActivated: ({ primary, fallback }) =>
      set.counter("gateway_fallback_activations_total").child(boundedLabel(primary), boundedLabel(fallback)).inc(),
    catalogLoaded({ gateway, models, hit }) {
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
      set
        .counter("catalog_cache_operations_total")
        .child("get", "memory", hit ? "hit" : "miss")
        .inc();
      if (models === 0 && !hit) set.counter("gateway_zero_model_events_total").child(name, "api_empty").inc();
    },
    priceLookup({ model, known, cacheHit }) {
      const label = boundedLabel(model);
      const outcome = cacheHit ? "gatewayz_pricing_cache_hits_total" : "gatewayz_pricing_cache_misses_total";
      set.counter(outcome).child("model_pricing").inc();
      set
        .counter(cacheHit ? "cache_hits_total" : "cache_misses_total")
        .child("pricing")
        .inc();
      set.counter("pricing_validation_total").child(label).inc();
      if (!known) {
        set.counter("gatewayz_default_pricing_usage_total").child(label).inc();
        set.counter("pricing_validation_failures").child(label, "missing_price").inc();
        if (unpricedModels.size < UNPRICED_MODELS_MAX) unpricedModels.add(label);
      }
      set.gauge("models_using_default_pricing").child().set(unpricedModels.size);
    },
    chunksDropped: ({ provider, model, count }) =>
      set.counter("stream_chunks_dropped_total").child(boundedLabel(provider), boundedLabel(model)).inc(count),
    velocityModeChanged({ active, errorRate, requests, errors, lastedMs }) {
      set
        .gauge("velocity_mode_active")
        .child()
        .set(active ? 1 : 0);
      if (active) {
        set.counter("velocity_mode_activations_total").child().inc();
        set.gauge("velocity_mode_error_rate").child().set(errorRate);
        set.gauge("velocity_mode_trigger_request_count").child().set(requests);
        set.gauge("velocity_mode_trigger_error_count").child().set(errors);
      } else
        set
          .histogram("velocity_mode_duration_seconds")
          .child()
          .observe(lastedMs / 1_000);
    },
    cacheLookup: ({ cacheName, hit }) =>
      set
        .counter(hit ? "cache_hits_total" : "cache_misses_total")
        .child(cacheName)
        .inc(),
    limitSet: () => undefined,
    keysCounted: () => undefined,
    balancesCounted: () => undefined,
    creditDeducted: () => undefined,
    creditRetried: () => undefined,
    creditMissed: () => undefined,
    creditRefunded: () => undefined,
    streamWorkFailed: () => undefined,
    usageInterrupted: () => undefined,
    databaseQuery: () => undefined,
    poolFailed: () => undefined,
    redisOperation: () => undefined,
    redisState: () => undefined,
    failedOpen: () => undefined,
    priceValidated: () => undefined,
    priceOutOfBounds: () => undefined,
    priceSpike: () => undefined,
    priceHealth: () => undefined,
    priceSyncQueue: () => undefined,
    priceSync: () => undefined,
    priceSyncJob: () => undefined,
    catalogFallback: () => undefined,
    catalogInvalidated: () => undefined,
    catalogRepaired: () => undefined,
    availabilityMoved: () => undefined,
    attemptRetried: () => undefined,
    keyCooledDown: () => undefined,
    hedged: () => undefined,
    routerDecided: () => undefined,
    modelUptime: () => undefined,
    cacheSize: () => undefined,
    cacheEvicted: () => undefined,
    cacheSaved: () => undefined,
    hookRan: () => undefined,
    configReloaded: () => undefined,
    uncaughtError: ({ type }) => set.counter("fastapi_exceptions_total").child(APP_NAME, boundedLabel(type)).inc(),
  };
}
