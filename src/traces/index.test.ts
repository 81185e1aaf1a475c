import { context as otelContext, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { OTLPTraceExporter as GrpcExporter } from "@opentelemetry/exporter-trace-otlp-grpc";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtoExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { NodeTracerProvider, SimpleSpanProcessor, type SpanExporter } from "@opentelemetry/sdk-trace-node";
import { afterEach, describe, expect, test } from "vitest";
import type { Role } from "../runtime/role.ts";
import { type TestContext, testContext } from "../runtime/testing.ts";
import { start } from "./index.ts";
import { WireReader } from "./ingest/wire-reader.ts";
import { exportRequest } from "./testing.ts";

interface Started {
  context: TestContext;
  role: Role;
}

const started: Started[] = [];

async function startRole(
  ...options: Parameters<typeof testContext> extends [unknown, ...infer R] ? R : never
): Promise<Started> {
  const context = await testContext("traces", ...options);
  const role = await start(context);
  started.push({ context, role });
  return { context, role };
}

afterEach(async () => {
  for (const { context, role } of started.splice(0)) {
    await role.close();
    await context.dispose();
  }
});

/** Sends a server span with a failing client span below it; returns the trace id. */
async function sendTrace(exporter: SpanExporter, service = "shop"): Promise<string> {
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ "service.name": service, "deployment.environment": "test" }),
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  });
  const tracer = provider.getTracer("shop.orders", "1.2.3");
  const root = tracer.startSpan("GET /orders", {
    kind: SpanKind.SERVER,
    attributes: { "http.status_code": 500, "http.route": "/orders", ratio: 0.5, ok: true, tags: ["a", "b"] },
  });
  const child = tracer.startSpan(
    "SELECT orders",
    { kind: SpanKind.CLIENT, attributes: { "db.system": "postgresql" } },
    trace.setSpan(otelContext.active(), root),
  );
  child.recordException(new Error("boom"));
  child.setStatus({ code: SpanStatusCode.ERROR, message: "boom" });
  child.end();
  root.end();
  await provider.forceFlush();
  await provider.shutdown();
  return root.spanContext().traceId;
}

async function getJson(
  url: string,
): Promise<{ status: number; body: Record<string, never> & { [key: string]: unknown } }> {
  const response = await fetch(url);
  const text = await response.text();
  return { status: response.status, body: text.startsWith("{") ? JSON.parse(text) : { text } };
}

const exporters: [string, (role: Role) => SpanExporter][] = [
  ["grpc", (role) => new GrpcExporter({ url: role.urls["otlpGrpc"]! })],
  ["http/protobuf", (role) => new ProtoExporter({ url: `${role.urls["otlpHttp"]}/v1/traces` })],
  ["http/json", (role) => new JsonExporter({ url: `${role.urls["otlpHttp"]}/v1/traces` })],
];

describe("traces role", () => {
  for (const [name, make] of exporters) {
    test(`a trace sent by the OpenTelemetry SDK over ${name} is found by id and by TraceQL`, async () => {
      const { role } = await startRole();
      const id = await sendTrace(make(role));
      const byId = await getJson(`${role.urls["main"]}/api/traces/${id}`);
      expect(byId.status).toBe(200);
      const [batch] = byId.body["batches"] as unknown as object[];
      expect(batch).toMatchObject({
        resource: { attributes: expect.arrayContaining([{ key: "service.name", value: { stringValue: "shop" } }]) },
        scopeSpans: [{ scope: { name: "shop.orders", version: "1.2.3" } }],
      });
      const q = encodeURIComponent(
        '{ resource.service.name = "shop" && kind = server } >> { status = error && event:name = "exception" }',
      );
      const found = await getJson(`${role.urls["main"]}/api/search?q=${q}`);
      expect(found.body["traces"]).toMatchObject([
        {
          traceID: id,
          rootServiceName: "shop",
          rootTraceName: "GET /orders",
          spanSets: [{ matched: 1, spans: [{ name: "SELECT orders" }] }],
          serviceStats: { shop: { spanCount: 2, errorCount: 1 } },
        },
      ]);
    });
  }

  test("logs that it listens, answers readiness, and refuses what is no trace id", async () => {
    const { role, context } = await startRole();
    expect(context.lines.some((line) => line["msg"] === "Tempo server listening")).toBe(true);
    for (const path of ["/ready", "/status/ready", "/api/echo", "/status", "/status/version", "/metrics"]) {
      expect((await fetch(`${role.urls["main"]}${path}`)).status, path).toBe(200);
    }
    const main = role.urls["main"];
    expect((await fetch(`${main}/api/traces/${"0".repeat(31)}1`)).status).toBe(404);
    expect((await fetch(`${main}/api/traces/xyz`)).status).toBe(400);
    expect((await fetch(`${main}/api/traces/${"a".repeat(33)}`)).status).toBe(400);
    const invalid = await fetch(`${main}/api/search?q=${encodeURIComponent("{ foo = 1 }")}`);
    expect(invalid.status).toBe(400);
    expect(await invalid.text()).toBe(
      "invalid TraceQL query: parse error at line 1, col 3: syntax error: unexpected IDENTIFIER",
    );
  });

  test("answers a trace as protobuf, byte for byte what arrived", async () => {
    const { role } = await startRole();
    const request = exportRequest([{ traceId: "c".repeat(32), spanId: "d".repeat(16), attributes: { a: [1, "b"] } }]);
    const sent = await fetch(`${role.urls["otlpHttp"]}/v1/traces`, {
      method: "POST",
      headers: { "content-type": "application/x-protobuf" },
      body: Buffer.from(request),
    });
    expect((await sent.arrayBuffer()).byteLength).toBe(0);
    const headers = { accept: "application/protobuf" };
    const v1 = await fetch(`${role.urls["main"]}/api/traces/${"c".repeat(32)}`, { headers });
    expect(Buffer.from(await v1.arrayBuffer()).equals(request)).toBe(true);
    const v2 = Buffer.from(
      await (await fetch(`${role.urls["main"]}/api/v2/traces/${"c".repeat(32)}`, { headers })).arrayBuffer(),
    );
    const outer = new WireReader(v2).enter(0, v2.length);
    outer.next();
    expect(v2.subarray(outer.start, outer.stop).equals(request)).toBe(true);
  });

  test("closes what it opened when a port is taken", async () => {
    const { role } = await startRole();
    const taken = Number(new URL(role.urls["main"]!).port);
    const context = await testContext("traces", { ports: { traces: taken } });
    await expect(start(context)).rejects.toThrow("EADDRINUSE");
    await context.dispose();
  });

  test("keeps everything acknowledged over a restart", async () => {
    const { role, context } = await startRole();
    const id = await sendTrace(new ProtoExporter({ url: `${role.urls["otlpHttp"]}/v1/traces` }));
    await role.close();
    started.length = 0;
    const again = await testContext("traces", {}, context.dataDir);
    const second = await start(again);
    started.push({ context: again, role: second });
    expect((await getJson(`${second.urls["main"]}/api/v2/traces/${id}`)).status).toBe(200);
  });
});
