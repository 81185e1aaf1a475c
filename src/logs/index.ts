import { join } from "node:path";
import { storeBytesMax } from "../runtime/data-budget.ts";
import { listen } from "../runtime/http-server.ts";
import type { RoleContext, StartRole } from "../runtime/role.ts";
import { createApi } from "./api/server.ts";
import { LogMetrics } from "./metrics.ts";
import { QueryGate } from "./query/query-gate.ts";
import { RemoteWriter } from "./rules/remote-write.ts";
import { readRuleFolder } from "./rules/rule-file.ts";
import { Ruler } from "./rules/ruler.ts";
import { LogStore } from "./store/store.ts";

/** Starts the logs role: Loki's API over a store of its own, and recording rules that write to the metrics role. */
export const start: StartRole = async (context) => {
  const { config, dataDir, logger, registry, signal } = context;
  const metrics = new LogMetrics(registry);
  const gate = new QueryGate(metrics);
  const store = await LogStore.open({
    dataDir,
    logger,
    metrics,
    retentionMs: config.logs.retention,
    bytesMax: storeBytesMax(context),
  });
  const writer = makeWriter(context);
  const groups = await readRuleFolder(join(config.installDir, "rules"));
  const ruler = new Ruler({ store, gate, groups, writer, logger, registry, signal });
  const app = createApi(context, { store, metrics, gate, ruler });
  const main = await listen(app, config.host, config.ports.logs);
  ruler.start();
  // The deployment guide waits for exactly this line.
  logger.info("Loki started");
  return {
    urls: { main },
    async close() {
      ruler.stop();
      await app.close();
      await writer?.close();
      await store.close();
    },
  };
};

function makeWriter({ config, logger, registry }: RoleContext): RemoteWriter | undefined {
  const url = config.peers.metrics;
  return url === undefined ? undefined : new RemoteWriter({ url, key: config.engineKey, logger, registry });
}
