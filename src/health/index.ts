import { createHttpServer, listen } from "../runtime/http-server.ts";
import type { Role, RoleContext } from "../runtime/role.ts";
import { addRoutes } from "./api.ts";
import { GatewayClient } from "./gateway-client.ts";
import { HealthBook } from "./health-book.ts";
import { HealthCaches } from "./health-caches.ts";
import { HealthMetrics } from "./metrics.ts";
import { Monitor } from "./monitor.ts";
import { openStore } from "./open-store.ts";

/** Probes take at most this share of the gateway's own places, so that they never hold customers back. */
const GATEWAY_SHARE = 0.25;

/** The health service: probes the gateway's models, takes what it reports, keeps incidents, answers on port 8001. */
export async function start(context: RoleContext): Promise<Role> {
  const { config, logger, registry } = context;
  const { store, type: monitorType } = openStore(context);
  const book = new HealthBook(store, config.health.checkInterval);
  const caches = new HealthCaches(book);
  const metrics = new HealthMetrics(registry, {
    rollup: () => caches.rollup(),
    models: () => book.models(),
    openIncidents: () => book.openIncidents(),
  });
  const gatewayUrl = config.peers.gateway;
  const client = gatewayUrl === undefined ? undefined : new GatewayClient(gatewayUrl, config.adminApiKey);
  const share = Math.max(1, Math.floor(config.gateway.concurrency.active * GATEWAY_SHARE));
  const concurrentProbes = Math.min(config.health.concurrentProbes, share);
  const stopping = new AbortController();
  const monitor =
    client === undefined
      ? undefined
      : new Monitor({ book, store, client, metrics, logger, concurrentProbes, signal: stopping.signal });
  const app = createHttpServer(context, {
    metricsRoute: false,
    onError: (error, status, _request, reply) =>
      reply.code(status).send({ status: "error", message: error.message, timestamp: new Date().toISOString() }),
  });
  addRoutes(app, {
    context,
    book,
    store,
    caches,
    metrics,
    monitor,
    reason: "no gateway to monitor: set GATEWAYZ_GATEWAY_URL, or start the gateway here",
    monitorType,
  });
  const url = await listen(app, config.host, config.ports.health);
  if (monitor === undefined) logger.warn("no gateway is named; the health service monitors nothing");
  const running = monitor?.run();
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    stopping.abort();
    await app.close();
    // Ends probes that are under way, which ends the round.
    await client?.close();
    await running;
    try {
      store.close();
    } catch (error) {
      logger.error({ error: (error as Error).message }, "health database could not be closed cleanly; nothing is lost");
    }
  };
  context.signal.addEventListener("abort", () => stopping.abort(), { once: true });
  return { urls: { main: url }, close: () => (closing ??= close()) };
}
