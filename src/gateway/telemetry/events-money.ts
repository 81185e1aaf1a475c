import type { Handlers } from "./event-metrics.ts";
import { boundedLabel } from "./labels.ts";
import type { MetricSet } from "./metric-set.ts";

/** Keys, budgets and settlements. */
export function keyAndMoneyHandlers(set: MetricSet) {
  const lookups = set.counter("api_key_lookup_attempts_total");
  set.onDerive(() => refreshTrackingRate(set));
  return {
    keyLookup: ({ status }) => lookups.child(status).inc(),
    keysCounted({ byStatus, temporary }) {
      for (const [status, keys] of Object.entries(byStatus)) set.gauge("active_api_keys").child(status).set(keys);
      for (const [status, keys] of Object.entries(temporary)) set.gauge("trial_active").child(status).set(keys);
    },
    spendWarning: ({ period = "day" }) => set.counter("gatewayz_spend_warnings_total").child(period).inc(),
    creditDeducted({ status, endpoint, stream, amountUsd, seconds }) {
      const path = boundedLabel(endpoint);
      const streaming = stream ? "true" : "false";
      set.counter("gatewayz_credit_deduction_total").child(status, path, streaming).inc();
      set.counter("gatewayz_credit_deduction_amount_usd_total").child(status, path).inc(amountUsd);
      set.histogram("gatewayz_credit_deduction_latency_seconds").child(path, streaming).observe(seconds);
    },
    creditRetried: ({ attempt, endpoint }) =>
      set.counter("gatewayz_credit_deduction_retry_total").child(String(attempt), boundedLabel(endpoint)).inc(),
    creditMissed: ({ reason, amountUsd }) =>
      set.counter("gatewayz_missed_credit_deductions_usd_total").child(boundedLabel(reason)).inc(amountUsd),
    creditRefunded({ reason, amountUsd }) {
      set.counter("gatewayz_credit_refunds_total").child(boundedLabel(reason)).inc();
      set.counter("gatewayz_credit_refunds_amount_usd_total").child(boundedLabel(reason)).inc(amountUsd);
    },
    streamWorkFailed: ({ failureType, endpoint }) =>
      set
        .counter("gatewayz_streaming_background_task_failures_total")
        .child(boundedLabel(failureType), boundedLabel(endpoint))
        .inc(),
    usageInterrupted: ({ provider }) =>
      set.counter("gatewayz_usage_interrupted_total").child(boundedLabel(provider)).inc(),
  } satisfies Partial<Handlers>;
}

/** Worked out from the counter, so that it is right for all processes together. */
function refreshTrackingRate(set: MetricSet): void {
  let [found, all] = [0, 0];
  for (const [status, { value }] of set.counter("api_key_lookup_attempts_total").entries()) {
    all += value;
    if (status === "found") found += value;
  }
  if (all > 0)
    set
      .gauge("api_key_tracking_rate")
      .child()
      .set(found / all);
}
