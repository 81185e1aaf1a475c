import { storeBytesMax } from "../runtime/data-budget.ts";
import { listen } from "../runtime/http-server.ts";
import type { Role, RoleContext, StartRole } from "../runtime/role.ts";
import { createApiServer } from "./api/server.ts";
import { Generator } from "./generator/generator.ts";
import { RemoteWriter } from "./generator/remote-writer.ts";
import { startOtlpGrpcServer } from "./ingest/otlp-grpc.ts";
import { createOtlpHttpServer } from "./ingest/otlp-http.ts";
import { Receiver } from "./ingest/receiver.ts";
import { TENANT, TraceMetrics } from "./metrics.ts";
import { TraceStore } from "./store/trace-store.ts";

/** How long shutdown waits for the last metrics to be taken. */
const WRITE_GRACE_MS = 2_000;

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
  const derived = startGenerator(context);
  const receiver = new Receiver(store, metrics, derived?.generator, logger);
  let ready = false;
  const api = createApiServer(context, { store, metrics, isReady: () => ready });
  const otlpHttp = createOtlpHttpServer(context, receiver);
  const closers: (() => Promise<unknown>)[] = [() => api.close(), () => otlpHttp.close()];
  const close = async (): Promise<void> => {
    ready = false;
    // Receivers first, so that nothing arrives for a store that is closing.
    for (const closeOne of closers.reverse()) await closeOne();
    derived?.generator.close();
    await Promise.all([derived?.writer.close(WRITE_GRACE_MS), store.close()]);
  };
  let urls: Role["urls"];
  try {
    const otlpGrpc = await startOtlpGrpcServer(context, receiver);
    closers.push(() => otlpGrpc.close());
    const otlpHttpUrl = await listen(otlpHttp, config.host, config.ports.otlpHttp);
    const main = await listen(api, config.host, config.ports.traces);
    urls = { main, otlpGrpc: otlpGrpc.url, otlpHttp: otlpHttpUrl };
  } catch (error) {
    await close();
    throw error;
  }
  ready = true;
  const { main, ...receivers } = urls;
  logger.info({ url: main, ...receivers }, "Tempo server listening");
  return { urls, close };
};

/** Span metrics need somewhere to go: without metrics as a peer the generator is off. */
function startGenerator({ config, registry, logger }: RoleContext) {
  const { metrics: url } = config.peers;
  if (url === undefined) return undefined;
  const writer = new RemoteWriter({ url, key: config.engineKey, logger, registry });
  return { writer, generator: new Generator(registry, (series) => writer.write(series)) };
}

function exportStoreSize(store: TraceStore, metrics: TraceMetrics, context: RoleContext): void {
  const { registry } = context;
  const gauge = (name: string, help: string, value: () => number): void => metrics.gauge(registry, name, help, value);
  gauge("tempo_ingester_live_spans", "Spans that have no segment yet.", () => store.liveSpans);
  gauge("tempo_ingester_head_bytes", "About how much memory these spans take.", () => store.headBytes);
  gauge("tempo_wal_bytes", "Bytes of the write-ahead log.", () => store.walBytes);
  gauge("tempodb_blocklist_length", "Segments on disk.", () => store.segments.count);
  gauge("tempo_store_bytes", "Bytes of the segments on disk.", () => store.segments.bytes);
  gauge("tempo_store_bytes_max", "Most bytes that segments and log may take together.", () => storeBytesMax(context));
  gauge("tempo_cache_bytes", "Bytes of segments held in memory for the next query.", () => store.segments.cacheBytes);
  const tenant = { tenant: TENANT };
  metrics.gauge(
    registry,
    "tempo_ingester_live_traces",
    "Traces that have no segment yet.",
    () => store.liveTraces,
    tenant,
  );
}
