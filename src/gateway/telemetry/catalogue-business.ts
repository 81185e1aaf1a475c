import { counter, gauge } from "./metric-spec.ts";

/** API keys, trials and what is left of budgets. */
export const businessMetrics = {
  api_key_lookup_attempts_total: counter(
    ["status"],
    "Key checks: found, missing, invalid, expired, revoked or disabled.",
    "event keyLookup",
  ),
  api_key_tracking_success_total: counter(["request_type"], "Model requests attributed to a key.", "request finished"),
  api_key_tracking_failures_total: counter(
    ["reason"],
    "Model requests that no key could be attributed to.",
    "request finished",
  ),
  api_key_tracking_rate: gauge([], "Share of key checks that found a key, 0 to 1.", "event keyLookup"),
  api_key_usage_total: counter(["status"], "Model requests with a key, by success or error.", "request finished"),
  active_api_keys: gauge(["status"], "Keys by status, the admin key included.", "event keysCounted"),
  user_credit_balance: gauge(
    ["plan_type"],
    "What is left of the keys' budgets by their tier: of this month's where a key has one, else of today's.",
    "reading balances",
  ),
  trial_active: gauge(["status"], "Temporary keys (gw_temp_) by status.", "event keysCounted"),
} as const;
