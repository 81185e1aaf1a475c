import { counter, histogram } from "./metric-spec.ts";

/** From the end of an answer to the settled budget; one credit is one US dollar. */
export const billingMetrics = {
  gatewayz_credit_deduction_total: counter(
    ["status", "endpoint", "is_streaming"],
    "Settlements of a request's cost against its key's budget; status is success or failed.",
    "event creditDeducted",
  ),
  gatewayz_credit_deduction_amount_usd_total: counter(
    ["status", "endpoint"],
    "Amount settled, or that could not be.",
    "event creditDeducted",
  ),
  gatewayz_credit_deduction_retry_total: counter(
    ["attempt_number", "endpoint"],
    "Settlements tried again; the first retry is attempt 2.",
    "event creditRetried",
  ),
  gatewayz_credit_deduction_latency_seconds: histogram(
    ["endpoint", "is_streaming"],
    [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    "Time from the end of an answer to its durable settlement.",
    "event creditDeducted",
  ),
  gatewayz_streaming_background_task_failures_total: counter(
    ["failure_type", "endpoint"],
    "Work after the end of a stream that failed.",
    "event streamWorkFailed",
  ),
  gatewayz_missed_credit_deductions_usd_total: counter(
    ["reason"],
    "Amount that was used and can no longer be settled.",
    "event creditMissed",
  ),
  gatewayz_credit_refunds_total: counter(["reason"], "Reservations or amounts given back.", "event creditRefunded"),
  gatewayz_credit_refunds_amount_usd_total: counter(["reason"], "Amount given back.", "event creditRefunded"),
  gatewayz_token_count_source_total: counter(
    ["provider", "model", "source"],
    "Where the token count of a call came from: provider, provider_partial, tiktoken or word_heuristic.",
    "usage of the finished request",
  ),
  gatewayz_token_estimation_accuracy_ratio: histogram(
    ["provider", "estimation_method", "token_type"],
    [0.25, 0.5, 0.7, 0.8, 0.9, 0.95, 1, 1.05, 1.1, 1.2, 1.5, 2, 4],
    "Our estimate divided by the provider's count; token_type is prompt, completion or total.",
    "estimate and usage of the finished request",
  ),
  gatewayz_token_estimation_delta: histogram(
    ["provider", "estimation_method", "token_type"],
    [-1_000, -500, -200, -100, -50, -20, -10, 0, 10, 20, 50, 100, 200, 500, 1_000],
    "Our estimate minus the provider's count, in tokens.",
    "estimate and usage of the finished request",
  ),
} as const;
