import { counter, histogram, off } from "./metric-spec.ts";

const NO_LEDGER = off("the gateway meters cost but deducts no credits");
const NO_ESTIMATE_PAIR = off(
  "an estimate is made only when the provider's own count is missing, so the two never meet",
);

/** Billing: kept by name; only the source of token counts has a fact behind it. */
export const billingMetrics = {
  gatewayz_credit_deduction_total: counter(["status", "endpoint", "is_streaming"], "Credit deductions.", NO_LEDGER),
  gatewayz_credit_deduction_amount_usd_total: counter(["status", "endpoint"], "Amount deducted.", NO_LEDGER),
  gatewayz_credit_deduction_retry_total: counter(["attempt_number", "endpoint"], "Deductions retried.", NO_LEDGER),
  gatewayz_credit_deduction_latency_seconds: histogram(
    ["endpoint", "is_streaming"],
    [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    "Time of a deduction.",
    NO_LEDGER,
  ),
  gatewayz_streaming_background_task_failures_total: counter(
    ["failure_type", "endpoint"],
    "Work after the end of a stream that failed.",
    NO_LEDGER,
  ),
  gatewayz_missed_credit_deductions_usd_total: counter(["reason"], "Amount that could not be deducted.", NO_LEDGER),
  gatewayz_credit_refunds_total: counter(["reason"], "Refunds.", NO_LEDGER),
  gatewayz_credit_refunds_amount_usd_total: counter(["reason"], "Amount refunded.", NO_LEDGER),
  gatewayz_payment_amount_mismatch_total: counter(["severity"], "Payments of an unexpected amount.", NO_LEDGER),
  gatewayz_token_count_source_total: counter(
    ["provider", "model", "source"],
    "Where the token count of a call came from: provider, provider_partial, tiktoken or word_heuristic.",
    "usage of the finished request",
  ),
  gatewayz_token_estimation_accuracy_ratio: histogram(
    ["provider", "estimation_method", "token_type"],
    [0.25, 0.5, 0.7, 0.8, 0.9, 0.95, 1, 1.05, 1.1, 1.2, 1.5, 2, 4],
    "Estimated tokens divided by counted tokens.",
    NO_ESTIMATE_PAIR,
  ),
  gatewayz_token_estimation_delta: histogram(
    ["provider", "estimation_method", "token_type"],
    [-1_000, -500, -200, -100, -50, -20, -10, 0, 10, 20, 50, 100, 200, 500, 1_000],
    "Estimated tokens minus counted tokens.",
    NO_ESTIMATE_PAIR,
  ),
} as const;
