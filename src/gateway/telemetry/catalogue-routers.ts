import { counter, histogram } from "./metric-spec.ts";

/** The smart router, which chooses a model and its provider by cost, latency and quality. */
export const routerMetrics = {
  general_router_requests_total: counter(
    ["mode", "selected_model", "provider"],
    "Requests whose model and provider the smart router chose; mode is its policy.",
    "event routerDecided",
  ),
  general_router_latency_seconds: histogram(
    [],
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2],
    "Time of a decision of the smart router.",
    "event routerDecided",
  ),
  general_router_fallback_total: counter(
    ["reason", "mode"],
    "Decisions that the smart router could not make by its policy.",
    "event routerDecided",
  ),
  general_router_confidence: histogram(
    ["mode"],
    [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1],
    "How far the choice was ahead of the second, 0 to 1.",
    "event routerDecided",
  ),
} as const;
