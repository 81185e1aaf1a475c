import { storeBytesMax } from "../runtime/data-budget.ts";
import { listen } from "../runtime/http-server.ts";
import type { Role, RoleContext, StartRole } from "../runtime/role.ts";
import { createApiServer } from "./api/server.ts";
import { startOtlpGrpcServer } from "./ingest/otlp-grpc.ts";
import { createOtlpHttpServer } from "./ingest/otlp-http.ts";
import { Receiver } from "./ingest/receiver.ts";
import { TENANT, TraceMetrics } from "./metrics.ts";
import { TraceStore } from "./store/trace-store.ts";

/** The traces role: OTLP in, TraceQL out. Listens once what was acknowledged before is readable again. */
export const start: StartRole = async (context: RoleContext): Promise<Role> => {
  const { config, registry, logger } = context;
  const metrics = new TraceMetrics(registry);
  const store = await TraceStore.open({
    dataDir: context.dataDir,
    logger,
    metrics,
    retentionMs: config.traces.retention,
    bytesMax: storeBytesMax(context),
  });
  exportStoreSize(store, metrics, context);
  const receiver = new Receiver(store, metrics, undefined, logger);
  let ready = false;
  const api = createApiServer(context, { store, metrics, isReady: () => ready });
  const otlpHttp = createOtlpHttpServer(context, receiver);
  const [main, otlpHttpUrl, otlpGrpc] = await Promise.all([
    listen(api, config.host, config.ports.traces),
    listen(otlpHttp, config.host, config.ports.otlpHttp),
    startOtlpGrpcServer(context, receiver),
  ]);
  ready = true;
  logger.info({ url: main, otlpGrpc: otlpGrpc.url, otlpHttp: otlpHttpUrl }, "Tempo server listening");
  return {
    urls: { main, otlpGrpc: otlpGrpc.url, otlpHttp: otlpHttpUrl },
    async close() {
      ready = false;
      await Promise.all([otlpGrpc.close(), otlpHttp.close()]);
      await api.close();
      await store.close();
    },
  };
};

function exportStoreSize(store: TraceStore, metrics: TraceMetrics, { registry }: RoleContext): void {
  const gauge = (name: string, help: string, value: () => number): void => metrics.gauge(registry, name, help, value);
  gauge("tempo_ingester_live_spans", "Spans that have no segment yet.", () => store.liveSpans);
  gauge("tempo_ingester_head_bytes", "About how much memory these spans take.", () => store.headBytes);
  gauge("tempo_wal_bytes", "Bytes of the write-ahead log.", () => store.walBytes);
  const tenant = { tenant: TENANT };
  metrics.gauge(
    registry,
    "tempo_ingester_live_traces",
    "Traces that have no segment yet.",
    () => store.liveTraces,
    tenant,
  );
}
