import { existsSync } from "node:fs";
import { join } from "node:path";
import { Database } from "../database/database.ts";
import { Redis } from "../redis/redis.ts";
import type { RoleContext } from "../runtime/role.ts";
import type { Money } from "./ledger/money.ts";
import type { Telemetry } from "./request-record.ts";
import type { GatewayTelemetry } from "./telemetry/index.ts";

const DATABASE_FILE = "gateway.db";
/** How often Redis is asked about itself, ms; a page of metrics is never older. */
const REDIS_INFO_INTERVAL_MS = 10_000;

/** Whether there may be something in the database: a Postgres always has to be asked. */
export function databaseExists({ config, dataDir }: RoleContext): boolean {
  return config.database.url !== undefined || existsSync(join(dataDir, DATABASE_FILE));
}

/** The gateway's database; it is opened at its first use. */
export function openDatabase({ config, dataDir, logger }: RoleContext, telemetry: Telemetry): Database {
  const { url, poolMax } = config.database;
  return new Database({
    file: join(dataDir, DATABASE_FILE),
    url,
    poolMax,
    name: "gateway",
    logger,
    observer: {
      query: (observation) => telemetry.event("databaseQuery", observation),
      poolError: (errorType) => telemetry.event("poolFailed", { pool: "database", errorType }),
    },
  });
}

/** The Redis that gateways share, connecting in the background; undefined where none is configured. */
export function openRedis({ config, logger, signal }: RoleContext, telemetry: Telemetry): Redis | undefined {
  const { url, keyPrefix } = config.redis;
  if (url === undefined) return undefined;
  const redis = new Redis({
    url,
    keyPrefix,
    name: "gateway",
    logger,
    onCommand: (operation, seconds, error) => {
      telemetry.event("redisOperation", { operation, status: error === undefined ? "success" : "error", seconds });
      if (error !== undefined) telemetry.event("poolFailed", { pool: "redis", errorType: error });
    },
    onLost: () => {
      telemetry.event("failedOpen", { part: "redis" });
      telemetry.event("poolFailed", { pool: "redis", errorType: "lost" });
    },
  });
  redis.start();
  const tell = async (): Promise<void> => telemetry.event("redisState", { info: await redis.info() });
  const timer = setInterval(() => void tell(), REDIS_INFO_INTERVAL_MS);
  timer.unref();
  void redis.started().then(tell);
  signal.addEventListener("abort", () => clearInterval(timer));
  return redis;
}

/** Lets telemetry see the state of limits, log and pools whenever somebody looks. */
export function observeStores(
  telemetry: GatewayTelemetry,
  money: Money,
  database: Database,
  redis: Redis | undefined,
): void {
  telemetry.observe("limits", () => money.ordinaryLimits);
  telemetry.observe("queues", () => ({ usage_wal: money.pending.requests }));
  telemetry.observe("pools", () => {
    const { size, active, max } = database.pool();
    return [{ name: "database", sizeMax: max, open: size, active }];
  });
  telemetry.observe("connections", () => ({
    database: database.pool().size,
    ...(redis !== undefined && { redis: redis.available ? 1 : 0 }),
  }));
}
