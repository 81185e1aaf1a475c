import type { GatewayEvents } from "../request-record.ts";
import type { Handlers } from "./event-metrics.ts";
import { boundedLabel } from "./labels.ts";
import type { MetricSet } from "./metric-set.ts";
import type { ModelLabels } from "./model-labels.ts";

/** Databases, pools, Redis, caches and hooks. */
export function storeAndCacheHandlers(set: MetricSet, labels: ModelLabels) {
  return { ...storeHandlers(set), ...cacheHandlers(set, labels) };
}

function storeHandlers(set: MetricSet) {
  return {
    databaseQuery({ table, operation, seconds, error }) {
      const name = boundedLabel(table);
      set.counter("database_queries_total").child(name, boundedLabel(operation)).inc();
      set.summary("database_query_duration_seconds").child(name).observe(seconds);
      if (error === undefined) return;
      set.counter("gatewayz_database_query_errors_total").child(name, boundedLabel(error)).inc();
    },
    poolFailed: ({ pool, errorType }) =>
      set.counter("connection_pool_errors_total").child(boundedLabel(pool), boundedLabel(errorType)).inc(),
    redisOperation({ operation, status, seconds }) {
      const name = boundedLabel(operation);
      set.counter("gatewayz_redis_operations_total").child(name, status).inc();
      set.histogram("gatewayz_redis_operation_duration_seconds").child(name).observe(seconds);
    },
    redisState: ({ info }) => showRedis(set, info),
    failedOpen: ({ part }) => set.counter("gatewayz_failed_open_total").child(boundedLabel(part)).inc(),
  } satisfies Partial<Handlers>;
}

/** What a Redis that does not answer last said stays, except that it is not up; as an exporter beside it would have it. */
function showRedis(set: MetricSet, info: GatewayEvents["redisState"]["info"]): void {
  set
    .gauge("redis_up")
    .child()
    .set(info === undefined ? 0 : 1);
  if (info === undefined) return;
  set.gauge("redis_memory_used_bytes").child().set(info.usedMemoryBytes);
  set.gauge("redis_memory_max_bytes").child().set(info.maxMemoryBytes);
  set.gauge("redis_connected_clients").child().set(info.connectedClients);
  set.gauge("redis_uptime_in_seconds").child().set(info.uptimeSeconds);
  set.gauge("redis_commands_processed_total").child().set(info.commandsProcessed);
  set.gauge("redis_keyspace_hits_total").child().set(info.keyspaceHits);
  set.gauge("redis_keyspace_misses_total").child().set(info.keyspaceMisses);
  set.gauge("redis_expired_keys_total").child().set(info.expiredKeys);
  set.gauge("redis_evicted_keys_total").child().set(info.evictedKeys);
  set.gauge("redis_total_connections_received_total").child().set(info.connectionsReceived);
  for (const [db, keys] of Object.entries(info.keysByDb)) set.gauge("redis_db_keys").child(boundedLabel(db)).set(keys);
}

function cacheHandlers(set: MetricSet, labels: ModelLabels) {
  const hits = set.counter("cache_hits_total");
  const misses = set.counter("cache_misses_total");
  return {
    cacheLookup: ({ cacheName, hit }) => (hit ? hits : misses).child(boundedLabel(cacheName)).inc(),
    cacheSize: ({ cacheName, bytes }) => set.gauge("cache_size_bytes").child(boundedLabel(cacheName)).set(bytes),
    cacheEvicted: ({ cacheName, reason, count }) =>
      set.counter("gatewayz_cache_evictions_total").child(boundedLabel(cacheName), boundedLabel(reason)).inc(count),
    cacheSaved: ({ provider, model, cacheType, usd }) =>
      set
        .counter("gatewayz_cache_cost_savings_usd_total")
        .child(boundedLabel(provider), labels.of(provider, boundedLabel(model), true), cacheType)
        .inc(usd),
    hookRan({ hook, phase, result, seconds }) {
      set.counter("gatewayz_hook_runs_total").child(boundedLabel(hook), phase, result).inc();
      set.histogram("gatewayz_hook_duration_seconds").child(boundedLabel(hook), phase).observe(seconds);
    },
  } satisfies Partial<Handlers>;
}
