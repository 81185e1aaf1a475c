import { counter, gauge, off, summary } from "./metric-spec.ts";

const NO_DATABASE = off("the gateway's requests touch no database");
const NO_REDIS = off("the gateway keeps its state in memory");
const NO_POOL = off("connections to providers are pooled by the HTTP client, which does not count them by name");

/** Databases, pools, queues, Redis. */
export const infrastructureMetrics = {
  read_replica_queries_total: counter(["table", "status"], "Queries sent to a read replica.", NO_DATABASE),
  read_replica_connection_errors_total: counter([], "Failed connections to a read replica.", NO_DATABASE),
  database_queries_total: counter(["table", "operation"], "Database queries.", NO_DATABASE),
  database_query_duration_seconds: summary(["table"], "Time of a database query.", NO_DATABASE),
  connection_pool_size: gauge(["pool_name"], "Connections in a pool.", NO_POOL),
  connection_pool_active_connections: gauge(["pool_name"], "Connections in use.", NO_POOL),
  connection_pool_idle_connections: gauge(["pool_name"], "Connections not in use.", NO_POOL),
  connection_pool_utilization_ratio: gauge(["pool_name"], "Share of a pool in use, 0 to 1.", NO_POOL),
  connection_pool_errors_total: counter(["pool_name", "error_type"], "Errors of a pool.", NO_POOL),
  active_connections: gauge(["connection_type"], "Open connections.", NO_POOL),
  queue_size: gauge(["queue_name"], "Entries waiting in telemetry's own queues.", "logs, spans, health_results"),
  gatewayz_event_loop_lag_seconds: gauge(
    [],
    "How late the newest timer of the event loop fired.",
    "timer, every 500 ms",
  ),
  redis_up: gauge([], "1 when Redis answers.", NO_REDIS),
  redis_memory_used_bytes: gauge([], "Memory used by Redis.", NO_REDIS),
  redis_memory_max_bytes: gauge([], "Memory limit of Redis.", NO_REDIS),
  redis_connected_clients: gauge([], "Clients of Redis.", NO_REDIS),
  redis_uptime_in_seconds: gauge([], "Uptime of Redis.", NO_REDIS),
  redis_commands_processed_total: gauge([], "Commands that Redis processed.", NO_REDIS),
  redis_keyspace_hits_total: gauge([], "Keys found in Redis.", NO_REDIS),
  redis_keyspace_misses_total: gauge([], "Keys not found in Redis.", NO_REDIS),
  redis_expired_keys_total: gauge([], "Keys that expired in Redis.", NO_REDIS),
  redis_evicted_keys_total: gauge([], "Keys that Redis evicted.", NO_REDIS),
  redis_total_connections_received_total: gauge([], "Connections that Redis accepted.", NO_REDIS),
  redis_db_keys: gauge(["db"], "Keys in a Redis database.", NO_REDIS),
} as const;
