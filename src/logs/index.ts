import { storeBytesMax } from "../runtime/data-budget.ts";
import { listen } from "../runtime/http-server.ts";
import type { StartRole } from "../runtime/role.ts";
import { createApi } from "./api/server.ts";
import { LogMetrics } from "./metrics.ts";
import { QueryGate } from "./query/query-gate.ts";
import { LogStore } from "./store/store.ts";

/** Starts the logs role: Loki's API over a store of its own. */
export const start: StartRole = async (context) => {
  const { config, dataDir, logger, registry } = context;
  const metrics = new LogMetrics(registry);
  const store = await LogStore.open({
    dataDir,
    logger,
    metrics,
    retentionMs: config.logs.retention,
    bytesMax: storeBytesMax(context),
  });
  const app = createApi(context, { store, metrics, gate: new QueryGate() }, () => true);
  const main = await listen(app, config.host, config.ports.logs);
  logger.info("Loki started");
  return {
    urls: { main },
    async close() {
      await app.close();
      await store.close();
    },
  };
};
