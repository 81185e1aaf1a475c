import { counter, histogram, off } from "./metric-spec.ts";

const NO_ROUTER = off("the gateway routes by provider order; it does not choose models by the prompt");

/** Routers that choose a model by the prompt: kept by name. */
export const routerMetrics = {
  code_router_requests_total: counter(
    ["task_category", "complexity", "mode", "selected_model", "selected_tier"],
    "Requests routed by the code router.",
    NO_ROUTER,
  ),
  code_router_latency_seconds: histogram(
    [],
    [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1],
    "Time of a code routing decision.",
    NO_ROUTER,
  ),
  code_task_success_total: counter(["task_category", "model", "tier"], "Code tasks that succeeded.", NO_ROUTER),
  code_task_retry_total: counter(
    ["task_category", "model", "tier", "retry_reason"],
    "Code tasks tried again.",
    NO_ROUTER,
  ),
  code_router_savings_dollars_total: counter(["baseline", "task_category"], "Cost saved by routing.", NO_ROUTER),
  code_router_tier_distribution_total: counter(["task_category", "tier", "mode"], "Requests by tier.", NO_ROUTER),
  code_router_quality_gate_triggered_total: counter(
    ["task_category", "requested_tier", "enforced_tier"],
    "Requests moved to a better tier.",
    NO_ROUTER,
  ),
  code_router_classification_confidence: histogram(
    ["task_category"],
    [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1],
    "Confidence of the task classification.",
    NO_ROUTER,
  ),
  code_router_fallback_total: counter(["reason"], "Code routing fallbacks.", NO_ROUTER),
  general_router_requests_total: counter(
    ["mode", "selected_model", "provider"],
    "Requests routed by the general router.",
    NO_ROUTER,
  ),
  general_router_latency_seconds: histogram(
    [],
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2],
    "Time of a general routing decision.",
    NO_ROUTER,
  ),
  general_router_fallback_total: counter(["reason", "mode"], "General routing fallbacks.", NO_ROUTER),
  general_router_confidence: histogram(
    ["mode"],
    [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1],
    "Confidence of the general router.",
    NO_ROUTER,
  ),
} as const;
