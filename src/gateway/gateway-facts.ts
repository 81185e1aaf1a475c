import type { Server } from "node:net";
import type { Gateway } from "./gateway.ts";
import type { PoolFact } from "./request-record.ts";

/** Keys whose budgets one exposition adds up; with more of them there is no balance rather than a slow page. */
const BALANCED_KEYS_MAX = 10_000;

/**
 * Registers what telemetry reads of a gateway before each exposition: pools, connections, limits, balances, models.
 * @param worker True in a worker, whose primary knows limits and budgets.
 */
export function observeGateway(gateway: Gateway, server: Server, worker: boolean): void {
  const { telemetry } = gateway;
  const clients = countConnections(server);
  telemetry.observe("pools", () => poolsOf(gateway));
  telemetry.observe("connections", () => {
    const pools = poolsOf(gateway);
    const open = (wanted: (pool: PoolFact) => boolean): number =>
      pools.filter(wanted).reduce((sum, pool) => sum + pool.open, 0);
    return {
      client: clients(),
      inference: gateway.inFlight.size,
      provider: open(({ name }) => gateway.providers.has(name)),
      database: open(({ name }) => name === DATABASE),
      ...(gateway.redis === undefined ? {} : { redis: open(({ name }) => name === REDIS) }),
    };
  });
  const knows = (provider: string, model: string): boolean => {
    if (provider !== "") return gateway.catalog.models(provider)?.has(model) === true;
    return [...gateway.providers.keys()].some((name) => gateway.catalog.models(name)?.has(model) === true);
  };
  telemetry.observe("knownModels", () => knows);
  if (worker) return;
  telemetry.observe("balances", () => balancesOf(gateway));
  telemetry.observe("limits", () => {
    const { limits } = gateway.context.config.gateway;
    return { request_rate: limits.requestsPerMinute, daily_quota: limits.requestsPerDay };
  });
}

/** What is left of the keys' budgets by tier. */
function balancesOf({ keys, money }: Gateway): Record<string, number> {
  const byTier: Record<string, number> = {};
  let counted = 0;
  for (const identity of keys.limited()) {
    if (++counted > BALANCED_KEYS_MAX) return {};
    const leftUsd = money.budgets.leftUsd(identity);
    if (leftUsd !== undefined) byTier[identity.tier] = (byTier[identity.tier] ?? 0) + leftUsd;
  }
  return byTier;
}

const DATABASE = "database";
const REDIS = "redis";

function poolsOf({ providers, database, redis }: Gateway): PoolFact[] {
  const pools: PoolFact[] = [...providers.values()].map(({ name, pool, connections }) => {
    const { connected, running } = pool.stats;
    // One request at a time per connection, so running requests are connections in use.
    return { name, sizeMax: connections, open: connected, active: Math.min(running, connected) };
  });
  const { max, size, active } = database.pool();
  pools.push({ name: DATABASE, sizeMax: max, open: size, active });
  // One connection, over which all commands go.
  if (redis !== undefined) {
    const open = redis.available ? 1 : 0;
    pools.push({ name: REDIS, sizeMax: 1, open, active: open });
  }
  return pools;
}

/** Counts a server's open connections; `getConnections` would answer later, and a page of metrics cannot wait. */
function countConnections(server: Server): () => number {
  let open = 0;
  server.on("connection", (socket) => {
    open++;
    socket.once("close", () => {
      open--;
    });
  });
  return () => open;
}
