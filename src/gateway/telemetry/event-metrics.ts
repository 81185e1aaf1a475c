import type { GatewayEvents } from "../request-record.ts";
import { keyAndMoneyHandlers } from "./events-money.ts";
import { priceAndCatalogueHandlers } from "./events-prices.ts";
import { routingHandlers } from "./events-routing.ts";
import { storeAndCacheHandlers } from "./events-stores.ts";
import { boundedLabel } from "./labels.ts";
import type { MetricSet } from "./metric-set.ts";
import type { ModelLabels } from "./model-labels.ts";
import type { ProviderMetrics } from "./provider-metrics.ts";
import { APP_NAME } from "./route-series.ts";

export type Handlers = { readonly [Name in keyof GatewayEvents]: (detail: GatewayEvents[Name]) => void };

/** One handler per event of the catalogue: what each does to the metrics. */
export function createEventHandlers(set: MetricSet, labels: ModelLabels, providers: ProviderMetrics): Handlers {
  return {
    ...limitHandlers(set),
    ...keyAndMoneyHandlers(set),
    ...priceAndCatalogueHandlers(set, labels),
    ...routingHandlers(set, labels, providers),
    ...storeAndCacheHandlers(set, labels),
    configRead({ usable, atSeconds }) {
      set
        .gauge("gatewayz_config_reload_success")
        .child()
        .set(usable ? 1 : 0);
      if (usable) set.gauge("gatewayz_config_last_reload_success_timestamp_seconds").child().set(atSeconds);
    },
    configReloaded: ({ result }) => set.counter("gatewayz_config_reloads_total").child(result).inc(),
    workersChanged: ({ running }) => set.gauge("gatewayz_workers").child().set(running),
    uncaughtError: ({ type }) => set.counter("fastapi_exceptions_total").child(APP_NAME, boundedLabel(type)).inc(),
  };
}

function limitHandlers(set: MetricSet) {
  const active = set.gauge("concurrency_active_requests").child();
  const queued = set.gauge("concurrency_queued_requests").child();
  return {
    concurrencyChanged(detail) {
      active.set(detail.active);
      queued.set(detail.queued);
    },
    concurrencyRejected: ({ reason }) => set.counter("concurrency_rejected_total").child(reason).inc(),
    rateLimited({ limitType }) {
      set.counter("rate_limited_requests_total").child(boundedLabel(limitType)).inc();
      set.counter("rate_limit_rejections_total").child(boundedLabel(limitType)).inc();
    },
    velocityModeChanged({ active: begun, errorRate, requests, errors, lastedMs }) {
      set
        .gauge("velocity_mode_active")
        .child()
        .set(begun ? 1 : 0);
      if (begun) {
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
  } satisfies Partial<Handlers>;
}
