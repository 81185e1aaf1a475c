import { PromqlEngine } from "../languages/promql/engine.ts";
import { storeBytesMax } from "../runtime/data-budget.ts";
import { listen } from "../runtime/http-server.ts";
import type { Role, RoleContext, StartRole } from "../runtime/role.ts";
import { Labels } from "../series/labels.ts";
import { createHttpApi } from "./http-api.ts";
import { RemoteWriteReceiver } from "./ingest/remote-write.ts";
import { ScrapeManager } from "./ingest/scrape-manager.ts";
import { ScrapeMetrics } from "./ingest/scrape-metrics.ts";
import { exportLimits } from "./limit-metrics.ts";
import { QUERY_TIMEOUT_MS } from "./limits.ts";
import { exportMachineMetrics } from "./machine-metrics.ts";
import { Reloader } from "./reload.ts";
import { RuleManager } from "./rules/rule-manager.ts";
import { RuleMetrics } from "./rules/rule-metrics.ts";
import type { RunningServer, ServerState } from "./server-state.ts";
import { MetricsStore } from "./store/store.ts";

/**
 * Starts the metrics role: Prometheus' server. It listens first, so that whoever waits sees 503 and not a closed port,
 * then reads back the store, then scrapes and evaluates.
 */
export const start: StartRole = async (context): Promise<Role> => {
  const { config, logger } = context;
  const state: ServerState = {
    startedMs: Date.now(),
    running: undefined,
    config: undefined,
    isReloadSuccessful: false,
    lastReloadMs: 0,
    reload: async () => {
      throw new Error("the server is starting");
    },
    externalLabels: () => state.config?.global.externalLabels ?? Labels.EMPTY,
  };
  const app = createHttpApi(context, state);
  const url = await listen(app, config.host, config.ports.metrics);
  let server: RunningServer | undefined;
  try {
    server = await openServer(context, url);
    const running = server;
    const reloader = new Reloader(context, state, url);
    await reloader.reload(running);
    state.reload = () => reloader.reload(running);
    state.running = running;
  } catch (error) {
    await app.close();
    await stopServer(server);
    throw error;
  }
  const onHangUp = (): void => {
    state.reload().catch((error: Error) => logger.error({ error: error.message }, "Error reloading config"));
  };
  process.on("SIGHUP", onHangUp);
  logger.info({ url }, "Server is ready to receive web requests.");
  return {
    urls: { main: url },
    close: async () => {
      process.off("SIGHUP", onHangUp);
      await app.close();
      await stopServer(server);
    },
  };
};

async function openServer(context: RoleContext, url: string): Promise<RunningServer> {
  const { config, registry, logger } = context;
  const store = await MetricsStore.open({
    dir: context.dataDir,
    retentionMs: config.metrics.retention,
    bytesMax: () => storeBytesMax(context),
    logger,
    registry,
  });
  exportMachineMetrics(registry, context.dataDir);
  exportLimits(registry);
  const engine = new PromqlEngine({ timeoutMs: QUERY_TIMEOUT_MS });
  const appender = store.appender.bind(store);
  const shared = { appender, logger };
  return {
    store,
    engine,
    scrape: new ScrapeManager({ ...shared, metrics: new ScrapeMetrics(registry) }),
    rules: new RuleManager({
      ...shared,
      engine,
      queryable: store.queryable,
      metrics: new RuleMetrics(registry),
      externalUrl: url,
    }),
    receiver: new RemoteWriteReceiver(appender, registry, logger),
  };
}

/** In the order of the data: nothing is scraped or derived any more, then the store closes. */
async function stopServer(server: RunningServer | undefined): Promise<void> {
  if (server === undefined) return;
  await server.scrape.stop();
  await server.rules.stop();
  await server.store.close();
}
