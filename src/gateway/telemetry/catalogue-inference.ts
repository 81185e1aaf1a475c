import { counter, histogram, sharedGauge, withExemplars } from "./metric-spec.ts";

/** Calls of models: how many, how long, how many tokens, at which price. The health service's probes are not counted. */
export const inferenceMetrics = {
  model_inference_requests_total: withExemplars(
    counter(["provider", "model", "status"], "Model calls finished; status is success or error.", "request finished"),
  ),
  model_inference_duration_seconds: withExemplars(
    histogram(
      ["provider", "model"],
      [0.1, 0.5, 1, 2.5, 5, 10, 25, 60],
      "Time of a model call, from the request to the end of the answer.",
      "request finished",
    ),
  ),
  tokens_used_total: withExemplars(
    counter(
      ["provider", "model", "token_type"],
      "Tokens billed; token_type is input or output.",
      "usage of the finished request",
    ),
  ),
  credits_used_total: counter(
    ["provider", "model"],
    "Credits used; one credit is one US dollar.",
    "cost of the finished request",
  ),
  gatewayz_default_pricing_usage_total: counter(
    ["model"],
    "Requests that were billed at the default price, because their model has none.",
    "cost of the finished request",
  ),
  gatewayz_pricing_cache_hits_total: counter(
    ["cache_name"],
    "Price lookups answered from the cache.",
    "event priceLookup",
  ),
  gatewayz_pricing_cache_misses_total: counter(
    ["cache_name"],
    "Price lookups not answered from the cache.",
    "event priceLookup",
  ),
  gatewayz_api_cost_usd_total: counter(["provider", "model"], "Cost of model calls.", "cost of the finished request"),
  gatewayz_api_cost_per_request_usd: histogram(
    ["provider", "model"],
    [0.00001, 0.0001, 0.001, 0.01, 0.1, 1, 10, 100],
    "Cost of one model call.",
    "cost of the finished request",
  ),
  gatewayz_cost_per_1k_tokens_usd: histogram(
    ["provider", "model", "token_type"],
    [0.0001, 0.001, 0.01, 0.1, 1, 10],
    "Price actually paid per thousand tokens of one model call.",
    "cost and usage of the finished request",
  ),
  gatewayz_daily_cost_estimate_usd: sharedGauge(
    ["provider"],
    "Cost of the last hour, extrapolated to a day.",
    "cost of the last hour",
  ),
  gatewayz_monthly_cost_estimate_usd: sharedGauge(
    ["provider"],
    "The daily estimate times thirty.",
    "cost of the last hour",
  ),
  gatewayz_cache_cost_savings_usd_total: counter(
    ["provider", "model", "cache_type"],
    "Cost saved by answering from the response cache.",
    "event cacheSaved",
  ),
  gatewayz_user_cost_by_plan_usd_total: counter(
    ["plan_type"],
    "Cost of model calls by the tier of the client's key.",
    "cost and key of the finished request",
  ),
  free_model_usage_total: counter(
    ["user_status", "model"],
    "Calls of models whose price is known to be zero.",
    "cost and key of the finished request",
  ),
} as const;
