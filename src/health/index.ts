import { randomUUID } from "node:crypto";
import { Redis } from "../redis/redis.ts";
import { createHttpServer, listen } from "../runtime/http-server.ts";
import type { Role, RoleContext } from "../runtime/role.ts";
import { Alerts } from "./alerts/alerts.ts";
import { channelsOf } from "./alerts/channels.ts";
import { Delivery } from "./alerts/delivery.ts";
import { alertsOf } from "./alerts/rules.ts";
import { addRoutes } from "./api/routes.ts";
import { AvailabilityService } from "./availability/availability.ts";
import { HealthBook } from "./health-book.ts";
import { jobsOf } from "./jobs.ts";
import { BODY_BYTES_MAX } from "./limits.ts";
import { MemoryGuard } from "./memory-guard.ts";
import { HealthMetrics } from "./metrics.ts";
import { GatewayClient } from "./probes/gateway-client.ts";
import { Monitor } from "./probes/monitor.ts";
import { ProbeLock } from "./probes/probe-lock.ts";
import { HealthCaches } from "./rollup/health-caches.ts";
import type { HealthService } from "./service.ts";
import { DatabaseInUse } from "./store/database-in-use.ts";
import { Upkeep } from "./upkeep.ts";

/** Probes take at most this share of the gateway's own places, so that they never hold customers back. */
const GATEWAY_SHARE = 0.25;

/** The health service: probes the gateway's models, takes what it reports, keeps incidents, answers on port 8001. */
export async function start(context: RoleContext): Promise<Role> {
  const { config, logger, registry } = context;
  const owner = randomUUID();
  const stopping = new AbortController();
  context.signal.addEventListener("abort", () => stopping.abort(), { once: true });

  const metrics: HealthMetrics = new HealthMetrics(registry, {
    rollup: () => caches.rollup(),
    models: () => book.models(),
    openIncidents: () => book.openIncidents(),
    databaseUp: () => database.usable,
    alertsWaiting: () => delivery.waiting,
  });
  const database = await DatabaseInUse.open(context, metrics.databaseObserver);
  const book = await HealthBook.open(database.stores.health, config.health.checkInterval);
  const { url: redisUrl, keyPrefix } = config.redis;
  const redis = redisUrl === undefined ? undefined : new Redis({ url: redisUrl, keyPrefix, name: "health", logger });
  redis?.start();
  const caches = new HealthCaches({
    book,
    redis,
    providersSince: (sinceMs) => database.stores.aggregates.providersSince(sinceMs),
  });
  const availability = new AvailabilityService(book);
  const memory = new MemoryGuard(config.health.memoryLimitMb, logger);
  const delivery = new Delivery({
    channels: channelsOf(config.health),
    logger,
    signal: stopping.signal,
    onResult: (channel, result) => metrics.countDelivery(channel, result),
  });
  const alerts = new Alerts({
    store: () => database.stores.alerts,
    current: async () =>
      alertsOf({
        rollup: caches.rollup(),
        models: book.models(),
        openIncidents: book.openIncidents(),
        lastHour: await caches.lastHour(),
        inMaintenance: (state) => availability.inMaintenance(state),
      }),
    send: (notification) => delivery.send(notification),
    cooldownMs: config.health.alerts.cooldown,
    logger,
    onAlert: (kind, alert) => metrics.countAlert(kind, alert.type),
  });
  const client =
    config.peers.gateway === undefined ? undefined : new GatewayClient(config.peers.gateway, config.adminApiKey);
  const monitor =
    client === undefined
      ? undefined
      : new Monitor({
          book,
          client,
          metrics,
          logger,
          lock: new ProbeLock({
            redis,
            leases: () => (database.stores.health.shared ? database.stores.locks : undefined),
            owner,
            onResult: (kind, result) => metrics.countLock(kind, result),
          }),
          concurrentProbes: probesAtOnce(context),
          signal: stopping.signal,
          skipped: (state) => memory.over || availability.inMaintenance(state),
          onChecks: (checks) => {
            availability.take(checks);
            caches.touch();
          },
        });
  const service: HealthService = {
    context,
    book,
    caches,
    availability,
    alerts,
    metrics,
    monitor,
    reason: "no gateway to monitor: set GATEWAYZ_GATEWAY_URL, or start the gateway here",
    stores: () => database.stores,
    monitorType: () => database.type,
    databaseError: () => database.error(),
  };
  const upkeep = new Upkeep({
    jobs: jobsOf(service, { retryDatabase: () => database.retry(book), checkMemory: () => memory.check() }),
    stores: () => database.stores,
    owner,
    logger,
    metrics,
    signal: stopping.signal,
  });
  const app = createHttpServer(context, {
    bodyBytesMax: BODY_BYTES_MAX,
    metricsRoute: false,
    onError: (error, status, _request, reply) =>
      reply.code(status).send({ status: "error", message: error.message, timestamp: new Date().toISOString() }),
  });
  addRoutes(app, service);
  const url = await listen(app, config.host, config.ports.health);
  if (monitor === undefined) logger.warn("no gateway is named; the health service monitors nothing");
  const running = monitor?.run();
  upkeep.start();

  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    stopping.abort();
    await app.close();
    // Ends probes that are under way, which ends the round.
    await client?.close();
    await running;
    await upkeep.close();
    await delivery.close();
    await redis?.close();
    try {
      await database.close();
    } catch (error) {
      logger.error({ error: (error as Error).message }, "health database could not be closed cleanly; nothing is lost");
    }
  };
  return { urls: { main: url }, close: () => (closing ??= close()) };
}

function probesAtOnce({ config }: RoleContext): number {
  const share = Math.max(1, Math.floor(config.gateway.concurrency.active * GATEWAY_SHARE));
  return Math.min(config.health.concurrentProbes, share);
}
