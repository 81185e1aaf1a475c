import { counter, gauge, highestGauge, sharedGauge, summary } from "./metric-spec.ts";

const INFO = "event redisState";

/** Databases, pools, queues, Redis. */
export const infrastructureMetrics = {
  database_queries_total: counter(["table", "operation"], "Database queries.", "event databaseQuery"),
  database_query_duration_seconds: summary(["table"], "Time of a database query.", "event databaseQuery"),
  connection_pool_size: sharedGauge(["pool_name"], "Connections that a pool may open.", "reading pools"),
  connection_pool_active_connections: sharedGauge(["pool_name"], "Connections in use.", "reading pools"),
  connection_pool_idle_connections: sharedGauge(
    ["pool_name"],
    "Open connections that are not in use.",
    "reading pools",
  ),
  connection_pool_utilization_ratio: highestGauge(
    ["pool_name"],
    "Share of a pool's possible connections in use, 0 to 1.",
    "reading pools",
  ),
  connection_pool_errors_total: counter(["pool_name", "error_type"], "Errors of a pool.", "event poolFailed"),
  active_connections: sharedGauge(["connection_type"], "Open connections.", "reading connections"),
  queue_size: sharedGauge(["queue_name"], "Entries waiting in a queue.", "reading queues, telemetry's own queues"),
  gatewayz_event_loop_lag_seconds: highestGauge(
    [],
    "How late the newest timer of the event loop fired.",
    "timer, every 500 ms",
  ),
  redis_up: gauge([], "1 when Redis answers.", INFO),
  redis_memory_used_bytes: gauge([], "Memory used by Redis.", INFO),
  redis_memory_max_bytes: gauge([], "Memory limit of Redis; 0 without one.", INFO),
  redis_connected_clients: gauge([], "Clients of Redis.", INFO),
  redis_uptime_in_seconds: gauge([], "Uptime of Redis.", INFO),
  redis_commands_processed_total: gauge([], "Commands that Redis processed.", INFO),
  redis_keyspace_hits_total: gauge([], "Keys found in Redis.", INFO),
  redis_keyspace_misses_total: gauge([], "Keys not found in Redis.", INFO),
  redis_expired_keys_total: gauge([], "Keys that expired in Redis.", INFO),
  redis_evicted_keys_total: gauge([], "Keys that Redis evicted.", INFO),
  redis_total_connections_received_total: gauge([], "Connections that Redis accepted.", INFO),
  redis_db_keys: gauge(["db"], "Keys in a Redis database.", INFO),
} as const;
