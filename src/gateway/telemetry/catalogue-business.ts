import { counter, gauge, off } from "./metric-spec.ts";

const NO_PLANS = off("the gateway has keys but no plans, trials or balances");

/** API keys, and the business names that only a shop would feed. */
export const businessMetrics = {
  api_key_lookup_attempts_total: counter(["status"], "Key checks: found, missing or invalid.", "event keyLookup"),
  api_key_tracking_success_total: counter(["request_type"], "Model requests attributed to a key.", "request finished"),
  api_key_tracking_failures_total: counter(
    ["reason"],
    "Model requests that no key could be attributed to.",
    "request finished",
  ),
  api_key_tracking_rate: gauge([], "Share of key checks that found a key, 0 to 1.", "event keyLookup"),
  api_key_usage_total: counter(["status"], "Requests with a key, by success or error.", "request finished"),
  active_api_keys: gauge(["status"], "Keys that are configured, the admin key included.", "configuration"),
  user_credit_balance: gauge(["plan_type"], "Credits left.", NO_PLANS),
  trial_active: gauge(["status"], "Trials.", NO_PLANS),
  subscription_count: gauge(["plan_type", "billing_cycle"], "Subscriptions.", NO_PLANS),
} as const;
