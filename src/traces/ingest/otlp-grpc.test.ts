import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { createLogger } from "../../runtime/logger.ts";
import { type TestContext, testContext } from "../../runtime/testing.ts";
import { TraceMetrics } from "../metrics.ts";
import { TraceStore } from "../store/trace-store.ts";
import { exportRequest, spanIdOf, traceIdOf } from "../testing.ts";
import { type OtlpGrpcServer, startOtlpGrpcServer } from "./otlp-grpc.ts";
import { Receiver } from "./receiver.ts";
import { WireReader } from "./wire-reader.ts";

const PATH = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function startServer(overrides: Parameters<typeof testContext>[1] = {}): Promise<{
  context: TestContext;
  store: TraceStore;
  server: OtlpGrpcServer;
  send(bytes: Uint8Array, headers?: Record<string, string>): Promise<Buffer>;
}> {
  const context = await testContext("traces", overrides);
  closers.push(() => context.dispose());
  const metrics = new TraceMetrics(context.registry);
  const logger = createLogger("traces", "silent", { write: () => undefined });
  const store = await TraceStore.open({ dataDir: context.dataDir, logger, metrics, retentionMs: 1e12, bytesMax: 1e12 });
  closers.push(() => store.close());
  const server = await startOtlpGrpcServer(context, new Receiver(store, metrics, undefined, logger));
  closers.push(() => server.close());
  const client = new Client(new URL(server.url).host, credentials.createInsecure());
  closers.push(() => client.close());
  const same = (bytes: Buffer): Buffer => bytes;
  const send = (bytes: Uint8Array, headers: Record<string, string> = {}): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const metadata = new Metadata();
      for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
      client.makeUnaryRequest(PATH, same, same, Buffer.from(bytes), metadata, (error, reply) => {
        if (error === null) resolve(reply!);
        else reject(error);
      });
    });
  return { context, store, server, send };
}

async function codeOf(call: Promise<unknown>): Promise<number> {
  try {
    await call;
    return status.OK;
  } catch (error) {
    return (error as ServiceError).code;
  }
}

const SPAN = { traceId: traceIdOf(1), spanId: spanIdOf(1) };

describe("OTLP/gRPC", () => {
  test("acknowledges with an empty reply, and says how many spans it refused", async () => {
    const { send, store } = await startServer();
    expect((await send(exportRequest([SPAN]))).length).toBe(0);
    expect(store.liveSpans).toBe(1);
    const reply = await send(exportRequest([SPAN, { ...SPAN, traceId: "00" }, { ...SPAN, spanId: "0".repeat(16) }]));
    const outer = new WireReader(reply).enter(0, reply.length);
    outer.next();
    const partial = new WireReader(reply).enter(outer.start, outer.stop);
    partial.next();
    expect(partial.low).toBe(2);
  });

  test("garbage is INVALID_ARGUMENT, a message past the limit RESOURCE_EXHAUSTED", async () => {
    const { send } = await startServer();
    expect(await codeOf(send(Buffer.from("garbage!")))).toBe(status.INVALID_ARGUMENT);
    expect(await codeOf(send(Buffer.alloc(5 * 1024 * 1024)))).toBe(status.RESOURCE_EXHAUSTED);
  });

  test("a store that cannot write is UNAVAILABLE, so that the exporter keeps its spans", async () => {
    const { send, store } = await startServer();
    await store.close();
    expect(await codeOf(send(exportRequest([SPAN])))).toBe(status.UNAVAILABLE);
  });

  test("asks for the key where one is set", async () => {
    const { send } = await startServer({ engineKey: "engine-key-123" });
    expect(await codeOf(send(exportRequest([SPAN])))).toBe(status.UNAUTHENTICATED);
    expect(await codeOf(send(exportRequest([SPAN]), { authorization: "Bearer wrong-key" }))).toBe(
      status.UNAUTHENTICATED,
    );
    expect(await codeOf(send(exportRequest([SPAN]), { authorization: "Bearer engine-key-123" }))).toBe(status.OK);
  });
});
