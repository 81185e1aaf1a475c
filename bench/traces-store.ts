import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry } from "prom-client";
import { parseTraceql } from "../src/languages/traceql/parse.ts";
import { createLogger } from "../src/runtime/logger.ts";
import { Generator } from "../src/traces/generator/generator.ts";
import { checkRequest } from "../src/traces/ingest/check-request.ts";
import { TraceMetrics } from "../src/traces/metrics.ts";
import { evaluateMetrics } from "../src/traces/query/metrics-query.ts";
import { searchTraces } from "../src/traces/query/search.ts";
import { findTrace } from "../src/traces/query/trace-by-id.ts";
import { TraceStore } from "../src/traces/store/trace-store.ts";
import { exportRequest, spanIdOf, type TestSpan, traceIdOf } from "../src/traces/testing.ts";

/**
 * The traces store alone: checking, writing with span metrics, bytes per span, and queries over 60,000 traces of four
 * spans in the shape of the gateway's.
 *
 *   node --expose-gc --import tsx bench/traces-store.ts
 */
const TRACES = 60_000;
const TRACES_PER_REQUEST = 100;
const SPANS_PER_TRACE = 4;
const SPANS = TRACES * SPANS_PER_TRACE;
const TRACE_INTERVAL_NS = 20_000_000n;
const MILLION = 1e6;

const collectGarbage = (globalThis as { gc?: () => void }).gc ?? (() => undefined);
const startNs = BigInt(Date.now()) * 1_000_000n - BigInt(TRACES) * TRACE_INTERVAL_NS;

function gatewayTrace(trace: number): TestSpan[] {
  const provider = ["openai", "anthropic", "groq"][trace % 3]!;
  const failed = trace % 50 === 0;
  return Array.from({ length: SPANS_PER_TRACE }, (_none, position) => {
    const span = trace * SPANS_PER_TRACE + position;
    return {
      traceId: traceIdOf(trace * 7_919),
      spanId: spanIdOf(span),
      ...(position === 0 ? {} : { parentSpanId: spanIdOf(span - (position === 3 ? 1 : position)) }),
      name: [
        "POST /v1/chat/completions",
        "route_model",
        `${provider}/model-${trace % 12}`,
        `provider_call/${provider}`,
      ][position]!,
      kind: [2, 1, 3, 3][position]!,
      service: "gatewayz-api",
      startNs: startNs + BigInt(trace) * TRACE_INTERVAL_NS,
      durationNs: BigInt((trace * 7_919) % 2_000) * 1_000_000n,
      status: failed && position !== 1 ? 2 : 0,
      attributes: {
        "http.route": "/v1/chat/completions",
        "http.status_code": failed ? 500 : 200,
        "ai.provider": provider,
        "gen_ai.request.model": `model-${trace % 12}`,
        "gen_ai.usage.input_tokens": trace % 4_000,
        "gatewayz.request_id": `req-${trace.toString(36).padStart(24, "0")}`,
      },
    };
  });
}

async function measure<T>(name: string, unit: string, count: number, action: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const before = process.cpuUsage();
  const result = await action();
  const ms = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(before);
  const rate = ((count / ms) * 1_000).toFixed(0);
  console.log(`${name}: ${ms.toFixed(0)} ms (${((user + system) / 1_000).toFixed(0)} ms CPU), ${rate} ${unit}/s`);
  return result;
}

const dir = await mkdtemp(join(tmpdir(), "gatewayz-bench-"));
try {
  const requests = Array.from({ length: TRACES / TRACES_PER_REQUEST }, (_none, request) =>
    exportRequest(
      Array.from({ length: TRACES_PER_REQUEST }, (_also, index) =>
        gatewayTrace(request * TRACES_PER_REQUEST + index),
      ).flat(),
    ),
  );
  const store = await TraceStore.open({
    dataDir: dir,
    logger: createLogger("traces", "silent", { write: () => undefined }),
    metrics: new TraceMetrics(new Registry()),
    retentionMs: Number.MAX_SAFE_INTEGER,
    bytesMax: Number.MAX_SAFE_INTEGER,
  });
  const generator = new Generator(new Registry(), () => undefined);
  await measure("check", "spans", SPANS, async () => {
    for (const request of requests) checkRequest(request);
  });
  await measure("write to log, head, segments and span metrics", "spans", SPANS, async () => {
    for (const request of requests) await store.append(request, generator);
  });
  generator.close();
  await store.flush();
  const { segments } = store;
  console.log(`${segments.count} segments, ${(segments.bytes / SPANS).toFixed(1)} bytes per span on disk`);

  const search = (q: string) =>
    searchTraces(store, {
      query: parseTraceql(q),
      startMs: 0,
      endMs: Number.POSITIVE_INFINITY,
      limit: 20,
      spansPerSpanset: 3,
      minDurationNs: 0,
      maxDurationNs: Number.POSITIVE_INFINITY,
      signal: undefined,
    });
  const queries = [
    "{}",
    "{ status = error }",
    "{ kind = server } >> { span.ai.provider = `groq` && duration > 1.9s }",
    `{ span.gatewayz.request_id = "req-${(TRACES / 2).toString(36).padStart(24, "0")}" }`,
    "{ span.gen_ai.usage.input_tokens > 5000 }",
  ];
  for (const q of queries) await measure(`search ${q}`, "spans", SPANS, () => search(q));
  const query = parseTraceql("{ kind = client } | quantile_over_time(duration, .5, .99) by (span.ai.provider)");
  const grid = { startMs: Number(startNs / 1_000_000n), stepMs: 30_000, steps: 40 };
  await measure("metrics query", "spans", SPANS, () =>
    evaluateMetrics(store, { query, metrics: query.metrics!, grid, signal: undefined }),
  );
  await measure("trace by id", "traces", 100, async () => {
    for (let index = 0; index < 100; index++) {
      await findTrace(store, Buffer.from(traceIdOf(index * 599 * 7_919), "hex"));
    }
  });
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  console.log(`${((heapUsed + arrayBuffers) / MILLION).toFixed(0)} MB held, requests of the bench included`);
  await store.close();
} finally {
  await rm(dir, { recursive: true, force: true });
}
