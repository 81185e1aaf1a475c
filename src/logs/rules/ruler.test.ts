import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { pino } from "pino";
import { Registry } from "prom-client";
import protobuf from "protobufjs";
import { uncompressSync } from "snappy";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Labels } from "../../series/labels.ts";
import { LogMetrics } from "../metrics.ts";
import { QueryGate } from "../query/query-gate.ts";
import { entry, openTestStore, stream, type TestStore } from "../testing.ts";
import { encodeWriteRequest, RemoteWriter } from "./remote-write.ts";
import { parseRuleFile } from "./rule-file.ts";
import { Ruler } from "./ruler.ts";

const schema = protobuf
  .parse(`
  syntax = "proto3";
  message WriteRequest { repeated TimeSeries timeseries = 1; }
  message TimeSeries { repeated Label labels = 1; repeated Sample samples = 2; }
  message Label { string name = 1; string value = 2; }
  message Sample { double value = 1; int64 timestamp = 2; }
`)
  .root.lookupType("WriteRequest");

const logger = pino({ level: "silent" });
let server: Server;
let statuses: number[];
let received: string[];
let testStore: TestStore;

/** `name{labels} value timestamp` of each sample of a request. */
function describeSamples(body: Uint8Array): string[] {
  const { timeseries } = schema.toObject(schema.decode(body), { longs: Number }) as {
    timeseries: { labels: { name: string; value: string }[]; samples: { value: number; timestamp: number }[] }[];
  };
  return timeseries.map(({ labels, samples }) => {
    const pairs = labels.map(({ name, value }) => `${name}=${value}`).join(" ");
    return `${pairs} ${samples[0]!.value} ${samples[0]!.timestamp}`;
  });
}

beforeEach(async () => {
  statuses = [];
  received = [];
  server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const status = statuses.shift() ?? 204;
      if (status === 204) {
        expect(request.url).toBe("/api/v1/write");
        expect(request.headers["content-encoding"]).toBe("snappy");
        expect(request.headers.authorization).toBe("Bearer key");
        received.push(...describeSamples(uncompressSync(Buffer.concat(parts)) as Buffer));
      }
      response.writeHead(status).end("reason");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  testStore = await openTestStore();
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  await testStore.dispose();
});

function makeRuler(rules: string): { ruler: Ruler; writer: RemoteWriter; registry: Registry } {
  const registry = new Registry();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const writer = new RemoteWriter({ url, key: "key", logger, registry });
  const gate = new QueryGate(new LogMetrics(new Registry()));
  const groups = parseRuleFile("loki-test.yml", rules);
  const signal = new AbortController().signal;
  return {
    ruler: new Ruler({ store: testStore.store, gate, groups, writer, logger, registry, signal }),
    writer,
    registry,
  };
}

const RULES = `
groups:
  - name: g
    interval: 1m
    rules:
      - record: loki:lines
        expr: sum by (level) (count_over_time({app="a"}[1m]))
        labels: { source: logs }
`;
const NOW_MS = 1_795_000_000_000;

test("a rule's series are written under its name, and marked stale when they vanish", async () => {
  const { ruler, writer } = makeRuler(RULES);
  await testStore.store.append([
    stream({ app: "a", level: "INFO" }, entry(NOW_MS - 1_000, "x"), entry(NOW_MS - 2_000, "y")),
  ]);
  await ruler.evaluateGroup(ruler.groups[0]!, NOW_MS);
  await ruler.evaluateGroup(ruler.groups[0]!, NOW_MS + 600_000);
  await ruler.evaluateGroup(ruler.groups[0]!, NOW_MS + 700_000);
  await writer.close();
  expect(received).toEqual([
    `__name__=loki:lines level=INFO source=logs 2 ${NOW_MS}`,
    `__name__=loki:lines level=INFO source=logs NaN ${NOW_MS + 600_000}`,
  ]);
  expect(ruler.stateOf(ruler.groups[0]!.rules[0]!).health).toBe("ok");
});

test("a failing rule is told, and the next one goes on", async () => {
  const broken = RULES.replace(
    'sum by (level) (count_over_time({app="a"}[1m]))',
    'sum(count_over_time({app="a"} | json [1m]))',
  );
  const { ruler, writer } = makeRuler(`${broken}      - record: loki:one\n        expr: vector(1)\n`);
  await testStore.store.append([stream({ app: "a" }, entry(NOW_MS - 1_000, "no json"))]);
  await ruler.evaluateGroup(ruler.groups[0]!, NOW_MS);
  await writer.close();
  const [first, second] = ruler.groups[0]!.rules.map((rule) => ruler.stateOf(rule));
  expect(first).toMatchObject({ health: "err", lastError: expect.stringContaining("JSONParserErr") as string });
  expect(second!.health).toBe("ok");
  expect(received).toEqual([`__name__=loki:one 1 ${NOW_MS}`]);
});

describe("remote write", () => {
  const sample = (value: number) => ({ labels: Labels.fromRecord({ __name__: "m" }), timestampMs: NOW_MS, value });

  test("sends again after 503 and gives up after 400", async () => {
    const { writer, registry } = makeRuler("groups: []");
    statuses = [503, 204, 400];
    writer.enqueue([sample(1)]);
    await expect.poll(() => received, { timeout: 5_000 }).toEqual([`__name__=m 1 ${NOW_MS}`]);
    writer.enqueue([sample(2)]);
    await writer.close();
    expect(received).toHaveLength(1);
    const text = await registry.metrics();
    expect(text).toMatch(/remote_storage_samples_total 1/);
    expect(text).toMatch(/remote_storage_samples_retried_total 1/);
    expect(text).toMatch(/remote_storage_samples_dropped_total 1/);
  });

  test("keeps a bounded queue, the newest samples, while nobody answers", async () => {
    const { writer, registry } = makeRuler("groups: []");
    statuses = Array.from({ length: 10 }, () => 503);
    writer.enqueue(Array.from({ length: 60_000 }, (_, index) => sample(index)));
    expect(await registry.metrics()).toMatch(/remote_storage_samples_dropped_total 10000/);
    await writer.close();
  });

  test("writes the staleness marker bit by bit", () => {
    const bytes = Buffer.from(encodeWriteRequest([{ ...sample(0), value: "stale" }]));
    expect(bytes.indexOf(Buffer.from("020000000000f07f", "hex"))).toBeGreaterThan(0);
  });
});

describe("rule files", () => {
  const bad: [string, RegExp][] = [
    ["groups: [{name: g, rules: [{alert: A, expr: vector(1)}]}]", /loki-test\.yml: .*record/s],
    ["groups: [{name: g, rules: [{record: 'a b', expr: vector(1)}]}]", /must be a metric name/],
    ["groups: [{name: g, interval: soon, rules: []}]", /group g: bad interval soon/],
    [`groups: [{name: g, rules: [{record: r, expr: '{a="b"}'}]}]`, /rule r: a recording rule needs a metric query/],
    ["groups: [{name: g, rules: [{record: r, expr: 'sum('}]}]", /rule r: parse error at line 1, col 5/],
  ];
  for (const [text, message] of bad)
    test(`refuses ${text}`, () => expect(() => parseRuleFile("loki-test.yml", text)).toThrow(message));
});
