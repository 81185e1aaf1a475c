const NO_REPLICA = "the gateway's database has no read replicas: SQLite in its own folder, or one Postgres";
const NO_CODE_ROUTER =
  "the gateway does not classify code tasks into tiers; the smart router by cost, latency and quality feeds `general_router_*`";

/** Names of the interface that are not exported at all, so that no panel shows a value that means nothing, and why. */
export const undeclared: Readonly<Record<string, string>> = {
  read_replica_queries_total: NO_REPLICA,
  read_replica_connection_errors_total: NO_REPLICA,
  subscription_count: "there are keys, teams and budgets, and nothing is sold by subscription",
  gatewayz_payment_amount_mismatch_total: "the gateway takes no payments",
  code_router_requests_total: NO_CODE_ROUTER,
  code_router_latency_seconds: NO_CODE_ROUTER,
  code_task_success_total: NO_CODE_ROUTER,
  code_task_retry_total: NO_CODE_ROUTER,
  code_router_savings_dollars_total: NO_CODE_ROUTER,
  code_router_tier_distribution_total: NO_CODE_ROUTER,
  code_router_quality_gate_triggered_total: NO_CODE_ROUTER,
  code_router_classification_confidence: NO_CODE_ROUTER,
  code_router_fallback_total: NO_CODE_ROUTER,
};
