import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Registry } from "prom-client";
import { uncompressSync } from "snappy";
import { afterEach, describe, expect, test } from "vitest";
import { createLogger } from "../../runtime/logger.ts";
import { readOtlpTraces } from "../ingest/otlp-reader.ts";
import { WireReader } from "../ingest/wire-reader.ts";
import { exportRequest, spanIdOf, type TestSpan, traceIdOf } from "../testing.ts";
import { Generator } from "./generator.ts";
import { ACTIVE_SERIES_MAX, EDGE_WAIT_MS, STALE_AFTER_MS } from "./limits.ts";
import { encodeWriteRequest, STALE, type WrittenSeries } from "./remote-write-encode.ts";
import { RemoteWriter } from "./remote-writer.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A generator with a clock of its own; `collect` gives the written series by their text. */
function testGenerator() {
  let nowMs = 1_760_000_000_000;
  let written: readonly WrittenSeries[] = [];
  const generator = new Generator(
    new Registry(),
    (series) => (written = series),
    () => nowMs,
  );
  closers.push(() => generator.close());
  return {
    observe: (spans: readonly TestSpan[]) => readOtlpTraces(exportRequest(spans), generator),
    advance: (ms: number) => (nowMs += ms),
    nowNs: () => BigInt(nowMs) * 1_000_000n,
    collect(): Map<string, WrittenSeries> {
      written = [];
      generator.collect();
      return new Map(written.map((series) => [seriesText(series.labels), series]));
    },
  };
}

function seriesText(flat: readonly string[]): string {
  const pairs: string[] = [];
  for (let index = 2; index < flat.length; index += 2) {
    if (flat[index + 1] !== "") pairs.push(`${flat[index]}=${flat[index + 1]}`);
  }
  return `${flat[1]}{${pairs.sort().join(",")}}`;
}

const lastValue = (series: WrittenSeries | undefined) => series?.samples.at(-1)?.value;

describe("span metrics", () => {
  test("count latency, calls and size by Tempo's labels and the contract's dimensions", () => {
    const generator = testGenerator();
    generator.observe([
      {
        traceId: traceIdOf(1),
        spanId: spanIdOf(1),
        name: "openai/gpt-4o-mini",
        kind: 3,
        status: 2,
        service: "gatewayz-api",
        startNs: generator.nowNs(),
        durationNs: 300_000_000n,
        attributes: {
          "gen_ai.request.model": "gpt-4o-mini",
          "ai.provider": "openai",
          "ai.model": "gpt-4o-mini",
          "http.status_code": 500,
        },
      },
    ]);
    const series = generator.collect();
    const labels = "ai_model_id=gpt-4o-mini,ai_provider=openai,gen_ai_request_model=gpt-4o-mini,http_status_code=500,";
    const rest =
      "service=gatewayz-api,span_kind=SPAN_KIND_CLIENT,span_name=openai/gpt-4o-mini,status_code=STATUS_CODE_ERROR";
    expect(lastValue(series.get(`traces_spanmetrics_calls_total{${labels}${rest}}`))).toBe(1);
    expect(lastValue(series.get(`traces_spanmetrics_latency_count{${labels}${rest}}`))).toBe(1);
    expect(lastValue(series.get(`traces_spanmetrics_latency_sum{${labels}${rest}}`))).toBeCloseTo(0.3);
    const bucket = (le: string) => series.get(`traces_spanmetrics_latency_bucket{${labels}le=${le},${rest}}`);
    expect(lastValue(bucket("0.25"))).toBe(0);
    expect(lastValue(bucket("0.5"))).toBe(1);
    expect(lastValue(bucket("+Inf"))).toBe(1);
    expect(bucket("0.5")?.exemplar).toMatchObject({ traceId: traceIdOf(1), value: 0.3 });
    // The first collection says that the counter came from zero.
    expect(bucket("0.5")?.samples.map(({ value }) => value)).toEqual([0, 1]);
  });

  test("a series that nothing is added to ends with a staleness marker", () => {
    const generator = testGenerator();
    generator.observe([{ traceId: traceIdOf(1), spanId: spanIdOf(1), startNs: generator.nowNs() }]);
    const before = generator.collect();
    generator.advance(STALE_AFTER_MS + 1);
    const after = generator.collect();
    expect([...after.keys()]).toEqual([...before.keys()]);
    for (const { samples } of after.values()) expect(samples).toMatchObject([{ value: STALE }]);
    expect(generator.collect().size).toBe(0);
  });

  test("the number of series is bounded", () => {
    const generator = testGenerator();
    const spans = Array.from({ length: 200 }, (_none, index) => ({
      traceId: traceIdOf(index),
      spanId: spanIdOf(index),
      startNs: generator.nowNs(),
    }));
    for (let round = 0; round < 30; round++) {
      generator.observe(spans.map((span, index) => ({ ...span, name: `op-${round}-${index}` })));
    }
    expect(generator.collect().size).toBeLessThanOrEqual(ACTIVE_SERIES_MAX);
  });
});

describe("service graph", () => {
  const edge = (client: string, server: string, type = "") =>
    `{client=${client},${type === "" ? "" : `connection_type=${type},`}server=${server}}`;

  test("pairs client and server spans in either order", () => {
    const generator = testGenerator();
    const startNs = generator.nowNs();
    const client = {
      traceId: traceIdOf(1),
      spanId: spanIdOf(1),
      kind: 3,
      service: "web",
      startNs,
      durationNs: 200_000_000n,
    };
    const server = {
      traceId: traceIdOf(1),
      spanId: spanIdOf(2),
      parentSpanId: spanIdOf(1),
      kind: 2,
      service: "api",
      startNs,
      status: 2,
    };
    generator.observe([client, server]);
    generator.observe([{ ...server, traceId: traceIdOf(2), status: 0 }]);
    generator.observe([{ ...client, traceId: traceIdOf(2) }]);
    const series = generator.collect();
    expect(lastValue(series.get(`traces_service_graph_request_total${edge("web", "api")}`))).toBe(2);
    expect(lastValue(series.get(`traces_service_graph_request_failed_total${edge("web", "api")}`))).toBe(1);
    expect(lastValue(series.get(`traces_service_graph_request_client_seconds_sum${edge("web", "api")}`))).toBeCloseTo(
      0.4,
    );
    expect(lastValue(series.get(`traces_service_graph_request_server_seconds_count${edge("web", "api")}`))).toBe(2);
  });

  test("makes nodes of users, databases and peers that send no spans", () => {
    const generator = testGenerator();
    const startNs = generator.nowNs();
    const root = { traceId: traceIdOf(1), spanId: spanIdOf(1), kind: 2, service: "api", startNs };
    const child = { traceId: traceIdOf(1), parentSpanId: spanIdOf(1), kind: 3, service: "api", startNs };
    generator.observe([
      root,
      { ...child, spanId: spanIdOf(2), attributes: { "db.system": "postgresql", "db.name": "orders" } },
      { ...child, spanId: spanIdOf(3), attributes: { "peer.service": "openai", "server.address": "api.openai.com" } },
    ]);
    generator.advance(EDGE_WAIT_MS + 1);
    const series = generator.collect();
    for (const key of [
      edge("user", "api", "virtual_node"),
      edge("api", "orders", "database"),
      edge("api", "openai", "virtual_node"),
    ]) {
      expect(lastValue(series.get(`traces_service_graph_request_total${key}`)), key).toBe(1);
    }
  });
});

describe("remote write", () => {
  test("sends snappy protobuf with a bearer key, and tries again after an error", async () => {
    const bodies: Buffer[] = [];
    const headers: Record<string, unknown>[] = [];
    let failures = 1;
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        headers.push(request.headers);
        if (failures-- > 0) response.writeHead(503).end("later");
        else {
          bodies.push(uncompressSync(Buffer.concat(chunks)) as Buffer);
          response.writeHead(204).end();
        }
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closers.push(() => new Promise((resolve) => server.close(resolve)));
    const writer = new RemoteWriter({
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      key: "secret-key",
      logger: createLogger("traces", "silent", { write: () => undefined }),
      registry: new Registry(),
    });
    const series: WrittenSeries = {
      labels: ["__name__", "up", "a", "b"],
      samples: [{ value: 1.5, atMs: 1_000 }],
      exemplar: undefined,
    };
    writer.write([series]);
    await writer.close(10_000);
    expect(bodies).toHaveLength(1);
    expect(bodies[0]!.equals(encodeWriteRequest([series]))).toBe(true);
    expect(headers[0]).toMatchObject({
      authorization: "Bearer secret-key",
      "x-prometheus-remote-write-version": "0.1.0",
    });
  });

  test("encodes labels in order, samples and exemplars as the protocol has them", () => {
    const bytes = encodeWriteRequest([
      {
        labels: ["b", "2", "__name__", "up", "empty", ""],
        samples: [{ value: STALE, atMs: 5 }],
        exemplar: { traceId: "ab", value: 0.25, atMs: 7 },
      },
    ]);
    const request = new WireReader(bytes).enter(0, bytes.length);
    request.next();
    const labels: string[] = [];
    const series = new WireReader(bytes).enter(request.start, request.stop);
    const inner = new WireReader(bytes);
    while (series.next()) {
      inner.enter(series.start, series.stop);
      if (series.field === 1) {
        while (inner.next()) labels.push(Buffer.from(bytes.subarray(inner.start, inner.stop)).toString());
      } else if (series.field === 2) {
        inner.next();
        expect([inner.high, inner.low]).toEqual([0x7ff00000, 2]);
      } else {
        inner.next();
        inner.next();
        expect(inner.double).toBe(0.25);
      }
    }
    expect(labels).toEqual(["__name__", "up", "b", "2"]);
  });
});
