import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TEST_ADMIN_KEY, type TestContext, testContext } from "../../runtime/testing.ts";
import { createTelemetry, type GatewayTelemetry } from "./index.ts";
import { finishedAttempt, finishedRecord } from "./testing.ts";
import { decodeRequest } from "./testing-otlp.ts";

/** One peer that plays logs, traces and health, and keeps what it got. */
let peer: Server;
let got: { path: string; headers: IncomingHttpHeaders; body: Buffer }[];
let status = 204;
let context: TestContext;
let telemetry: GatewayTelemetry;

beforeEach(async () => {
  got = [];
  status = 204;
  peer = createServer(async (request, reply) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    got.push({ path: request.url!, headers: request.headers, body: Buffer.concat(parts) });
    reply.writeHead(status).end();
  });
  await new Promise<void>((resolve) => peer.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(peer.address() as AddressInfo).port}`;
  context = await testContext("gateway", {
    peers: { logs: url, otlp: url, health: url },
    engineKey: "engine-key-canary",
    gateway: { environment: "staging", keys: { app: "client-key-canary" } },
  });
  telemetry = createTelemetry(context);
});
afterEach(async () => {
  await telemetry.close();
  await context.dispose();
  peer.closeAllConnections();
  await new Promise((resolve) => peer.close(resolve));
});

const at = (path: string) => got.filter((request) => request.path === path);
const until = (path: string): Promise<void> =>
  vi.waitFor(() => expect(at(path).length).toBeGreaterThan(0), { timeout: 3_000, interval: 10 });

interface PushBody {
  streams: { stream: Record<string, string>; values: [string, string, Record<string, string>][] }[];
}

test("a request reaches logs and traces within 500 ms and health soon after, in their formats", async () => {
  const failed = finishedAttempt(undefined, {
    provider: "openai",
    spanId: "aaaaaaaaaaaaaaaa",
    result: "error",
    statusCode: 503,
    errorType: "provider_error",
    errorMessage: "busy",
  });
  failed.connectedAtMs = failed.startedAtMs + 7;
  const { inference: asked } = finishedRecord();
  const record = finishedRecord({
    attempts: [failed, finishedAttempt()],
    inference: { ...asked!, frequencyPenalty: 0.1, presencePenalty: 0.2 },
  });
  const beganMs = performance.now();
  telemetry.requestFinished(record);
  await Promise.all([until("/loki/api/v1/push"), until("/v1/traces")]);
  expect(performance.now() - beganMs).toBeLessThan(500);
  await until("/internal/results");

  const [push] = at("/loki/api/v1/push");
  expect(push!.headers).toMatchObject({
    "content-type": "application/json",
    authorization: "Bearer engine-key-canary",
  });
  const { streams } = JSON.parse(push!.body.toString("utf8")) as PushBody;
  expect(streams.map(({ stream }) => stream)).toContainEqual({
    app: "gatewayz",
    service: "gatewayz-api",
    job: "gatewayz",
    env: "staging",
    environment: "staging",
    level: "INFO",
    logger: "gateway.inference",
    provider: "simulator",
    model: "gpt-4o-mini",
    method: "POST",
    path: "/v1/chat/completions",
  });
  const values = streams.flatMap((stream) => stream.values);
  for (const [nanoseconds, text, metadata] of values) {
    expect(nanoseconds).toMatch(/^\d{19}$/);
    expect(JSON.parse(text)).toMatchObject({ trace_id: record.traceId });
    expect(metadata).toMatchObject({ trace_id: record.traceId, span_id: record.spanId, user_id: "demo" });
  }

  const { resource, spans } = decodeRequest(at("/v1/traces")[0]!.body);
  expect(resource).toMatchObject({
    "service.name": "gatewayz-api",
    "service.namespace": "gatewayz",
    "deployment.environment": "staging",
    "telemetry.sdk.language": "nodejs",
  });
  expect(spans.map(({ name, kind }) => [name, kind])).toEqual([
    ["POST /v1/chat/completions", 2],
    ["route_model", 1],
    ["chat gpt-4o-mini", 3],
    ["openai/gpt-4o-mini", 3],
    ["provider_call/openai", 3],
    ["simulator/gpt-4o-mini", 3],
    ["provider_call/simulator", 3],
  ]);
  const [server, route, inference, failedModel, failedCall, model, call] = spans;
  for (const span of spans) expect(span.traceId).toBe(record.traceId);
  expect([route, inference].map((span) => span!.parentSpanId)).toEqual([record.spanId, record.spanId]);
  expect([failedModel, model].map((span) => span!.parentSpanId)).toEqual([inference!.spanId, inference!.spanId]);
  expect(inference!.events).toMatchObject([
    { name: "fallback", attributes: { "ai.routing.from_provider": "openai", "ai.routing.reason": "provider_error" } },
  ]);
  expect(inference!.attributes).toMatchObject({
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "simulator",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.request.stream": true,
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 20,
    "gen_ai.response.time_to_first_chunk": 0.24,
    "server.address": "127.0.0.1",
    "server.port": 9999,
  });
  expect(inference!.attributes).not.toHaveProperty("gen_ai.system");
  expect(call!.parentSpanId).toBe(model!.spanId);
  expect(failedCall!.spanId).toBe("aaaaaaaaaaaaaaaa");
  expect(server!.attributes).toMatchObject({
    "http.status_code": 200,
    "http.route": "/v1/chat/completions",
    "customer.id": "demo",
  });
  expect(route!.attributes).toMatchObject({ "ai.routing.fallback_used": true, "service.operation": "route_selection" });
  expect(model!.attributes).toMatchObject({
    "ai.provider": "simulator",
    "gen_ai.system": "simulator",
    "gen_ai.provider.name": "simulator",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.usage.input_tokens": 20,
    "gen_ai.usage.prompt_tokens": 20,
    "gen_ai.usage.completion_tokens": 40,
    "gen_ai.usage.cost": 0.000027,
    "gen_ai.response.finish_reason": "stop",
    "ai.tokens.total": 60,
  });
  expect(call!.attributes).toMatchObject({
    "peer.service": "simulator",
    "server.address": "127.0.0.1",
    "server.port": 9999,
  });
  for (const prefix of ["ai.params", "gen_ai.request"]) {
    expect(model!.attributes[`${prefix}.frequency_penalty`]).toBe(0.1);
    expect(model!.attributes[`${prefix}.presence_penalty`]).toBe(0.2);
  }
  expect(failedModel!.status).toEqual({ code: 2, message: "busy" });
  expect(failedModel!.attributes["ai.latency.network_ms"]).toBeCloseTo(7);
  expect(failedModel!.attributes).toMatchObject({ "error.type": "provider_error", "ai.error.type": "provider_error" });
  expect(failedCall!.events[0]).toMatchObject({ name: "exception", attributes: { "exception.message": "busy" } });

  const [results] = at("/internal/results");
  expect(results!.headers.authorization).toBe(`Bearer ${TEST_ADMIN_KEY}`);
  expect(JSON.parse(results!.body.toString("utf8"))).toMatchObject([
    { provider: "openai", status: "error", error: "busy" },
    { provider: "simulator", status: "success", tokens: 60 },
  ]);
});

test("no secret leaves, wherever a client puts it", async () => {
  const secrets = [TEST_ADMIN_KEY, "client-key-canary", "sk-canary-0123456789abcdef"];
  const text = secrets.join(" ");
  const base = finishedRecord();
  telemetry.requestFinished(
    finishedRecord({
      userAgent: text,
      inference: { ...base.inference!, requestedModel: text },
      attempts: [finishedAttempt(undefined, { result: "error", errorType: "x", errorMessage: text })],
      outcome: { ...base.outcome!, statusCode: 502, error: { code: "c", type: "t", message: text } },
    }),
  );
  await Promise.all([until("/loki/api/v1/push"), until("/v1/traces"), until("/internal/results")]);
  const everything = Buffer.concat(got.map(({ body }) => body)).toString("latin1") + (await telemetry.metrics("")).body;
  for (const secret of secrets) expect(everything).not.toContain(secret);
});

test("a peer that is down costs memory up to a limit and nothing else; what is lost is counted", async () => {
  status = 503;
  for (let index = 0; index < 1_100; index++) telemetry.requestFinished(finishedRecord());
  await until("/v1/traces");
  const { body } = await telemetry.metrics(undefined);
  expect(body).toMatch(/gatewayz_telemetry_dropped_total\{queue_name="spans",reason="queue_full"\} [1-9]/);
  expect(body).toContain('queue_size{queue_name="spans"} 1024');
  expect(body).toContain('gatewayz_telemetry_queue_entries_max{queue_name="logs"} 10000');
});

test("a sample ratio of zero exports no span and no exemplar", async () => {
  await telemetry.close();
  const config = { ...context.config, gateway: { ...context.config.gateway, traceSampleRatio: 0 } };
  telemetry = createTelemetry({ ...context, config });
  telemetry.requestFinished(finishedRecord());
  await until("/loki/api/v1/push");
  await telemetry.close();
  expect(at("/v1/traces")).toEqual([]);
  expect((await telemetry.metrics("application/openmetrics-text")).body).not.toContain("# {trace_id");
});
