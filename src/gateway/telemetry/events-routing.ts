import type { Handlers } from "./event-metrics.ts";
import { boundedLabel } from "./labels.ts";
import type { MetricSet } from "./metric-set.ts";
import type { ModelLabels } from "./model-labels.ts";
import type { ProviderMetrics } from "./provider-metrics.ts";

/** Breakers, retries, hedges, the smart router, and what the health service says of models. */
export function routingHandlers(set: MetricSet, labels: ModelLabels, providers: ProviderMetrics) {
  const successes = set.counter("circuit_breaker_successes_total");
  const failures = set.counter("circuit_breaker_failures_total");
  return {
    breakerMoved: (detail) => providers.breakerMoved(detail),
    breakerResult: ({ provider, state, success }) =>
      (success ? successes : failures).child(boundedLabel(provider), state).inc(),
    breakerRejected: ({ provider }) =>
      set.counter("circuit_breaker_rejected_requests_total").child(boundedLabel(provider)).inc(),
    availabilityMoved: ({ provider, from, to }) =>
      set.counter("gatewayz_availability_breaker_transitions_total").child(boundedLabel(provider), from, to).inc(),
    fallbackActivated: ({ primary, fallback }) =>
      set.counter("gatewayz_failovers_total").child(boundedLabel(primary), boundedLabel(fallback)).inc(),
    attemptRetried: ({ provider, reason }) =>
      set.counter("gatewayz_request_retries_total").child(boundedLabel(provider), boundedLabel(reason)).inc(),
    keyCooledDown: ({ provider }) =>
      set.counter("gatewayz_provider_key_cooldowns_total").child(boundedLabel(provider)).inc(),
    hedged: ({ provider, result }) =>
      set.counter("gatewayz_hedged_requests_total").child(boundedLabel(provider), result).inc(),
    routerDecided({ mode, selectedModel, provider, seconds, confidence, fallbackReason }) {
      const label = boundedLabel(mode);
      set
        .counter("general_router_requests_total")
        .child(label, labels.of(provider, boundedLabel(selectedModel), false), boundedLabel(provider))
        .inc();
      set.histogram("general_router_latency_seconds").child().observe(seconds);
      set.histogram("general_router_confidence").child(label).observe(confidence);
      if (fallbackReason !== undefined) {
        set.counter("general_router_fallback_total").child(boundedLabel(fallbackReason), label).inc();
      }
    },
    // Who streams chunks, readable or not, serves the model.
    chunksDropped: ({ provider, model, count }) =>
      set
        .counter("stream_chunks_dropped_total")
        .child(boundedLabel(provider), labels.of(provider, boundedLabel(model), true))
        .inc(count),
  } satisfies Partial<Handlers>;
}
