import { afterAll, beforeAll, expect, test } from "vitest";
import { Stack } from "./support/stack.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start({ args: ["--no-demo"] });
});
afterAll(() => stack?.dispose());

/** What a reader of the guide does after the first request: look it up in all three stores. */
test("a request is found as a trace within 2 s, as a log line within 2 s, and as an exemplar after the next scrape", async () => {
  const { reply, traceId } = await stack.chat();
  expect(reply.status).toBe(200);
  expect(traceId).toMatch(/^[0-9a-f]{32}$/);
  const sentAtMs = Date.now();
  await expect
    .poll(async () => (await fetch(`${stack.url("traces")}/api/traces/${traceId}`)).status, {
      timeout: 2_000,
      interval: 50,
    })
    .toBe(200);
  const query = encodeURIComponent(`{app="gatewayz"} |= "${traceId}"`);
  const logLines = async (): Promise<number> => {
    const found = await stack.json<{ data: { result: { values: unknown[] }[] } }>(
      "logs",
      `/loki/api/v1/query_range?query=${query}`,
    );
    return found.data.result.reduce((sum, { values }) => sum + values.length, 0);
  };
  await expect
    .poll(logLines, { timeout: Math.max(200, 2_000 - (Date.now() - sentAtMs)), interval: 50 })
    .toBeGreaterThan(0);
  for (const metric of [
    "model_inference_duration_seconds_bucket",
    "http_request_duration_seconds_bucket",
    "fastapi_requests_duration_seconds_bucket",
  ]) {
    const exemplars = async (): Promise<string[]> => {
      const range = `start=${sentAtMs / 1000 - 60}&end=${Date.now() / 1000 + 60}`;
      const found = await stack.json<{ data: { exemplars: { labels: Record<string, string> }[] }[] }>(
        "metrics",
        `/api/v1/query_exemplars?query=${metric}&${range}`,
      );
      return found.data.flatMap((series) => series.exemplars.map(({ labels }) => labels["trace_id"] ?? ""));
    };
    await expect.poll(exemplars, { timeout: 15_000, interval: 250 }).toContain(traceId);
  }
});

test("the trace holds the contract's spans, joined by their parents", async () => {
  const { traceId } = await stack.chat({ stream: true });
  await expect
    .poll(async () => (await fetch(`${stack.url("traces")}/api/traces/${traceId}`)).status, { timeout: 3_000 })
    .toBe(200);
  await new Promise((done) => setTimeout(done, 500));
  const trace = await stack.json<{
    batches: { scopeSpans: { spans: { name: string; spanId: string; parentSpanId?: string; kind: string }[] }[] }[];
  }>("traces", `/api/traces/${traceId}`);
  const spans = trace.batches.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
  const names = spans.map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining([
      "route_model",
      expect.stringMatching(/^provider_call\//),
      expect.stringMatching(/\/gpt-4o-mini$/),
    ]),
  );
  const ids = new Set(spans.map(({ spanId }) => spanId));
  expect(spans.filter(({ parentSpanId }) => parentSpanId === undefined || parentSpanId === "").length).toBe(1);
  for (const { parentSpanId } of spans) if (parentSpanId) expect(ids).toContain(parentSpanId);
});

test("every role's own log reaches the logs role, and the logs role's own pushes do not feed themselves", async () => {
  const services = async (): Promise<string[]> =>
    (await stack.json<{ data: string[] }>("logs", "/loki/api/v1/label/service/values")).data;
  for (const role of ["metrics", "logs", "traces", "health", "gateway", "dashboards"])
    await expect.poll(services, { timeout: 10_000 }).toContain(role);
  const count = async (): Promise<number> => {
    const query = encodeURIComponent('sum(count_over_time({service="logs"}[10m]))');
    const found = await stack.json<{ data: { result: { value: [number, string] }[] } }>(
      "logs",
      `/loki/api/v1/query?query=${query}`,
    );
    return Number(found.data.result[0]?.value[1] ?? 0);
  };
  const before = await count();
  await new Promise((done) => setTimeout(done, 3_000));
  expect((await count()) - before).toBeLessThan(5);
});
