import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { compressSync } from "snappy";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MetricsStore } from "../src/metrics/store/store.ts";
import { matcher, openTestStore, plain, series } from "../src/metrics/store/store-testing.ts";
import { CounterResetHint, type FloatHistogram } from "../src/series/float-histogram.ts";
import { Labels } from "../src/series/labels.ts";
import { optionalDebianTool } from "./support/debian-tools.ts";
import { integerHistogramRequest } from "./support/integer-histograms.ts";

const run = promisify(execFile);
const HOUR_MS = 3_600_000;
const STEP_MS = 60_000;
const HOURS = 9;
const ALL = { minTimeMs: 0, maxTimeMs: Number.MAX_SAFE_INTEGER };
/** Ended a minute ago, so that the real Prometheus' default look-back finds the newest samples. */
const START_MS = Math.floor(Date.now() / STEP_MS) * STEP_MS - HOURS * HOUR_MS;

const promtool = await optionalDebianTool("promtool");
const prometheus = await optionalDebianTool("prometheus");

/** Nine hours of three series a minute, with exemplars, metadata, a staleness marker and compaction on the way. */
async function writeStore(dir: string): Promise<void> {
  const { store } = await openTestStore(dir, { retentionMs: 60 * 24 * HOUR_MS });
  for (let minute = 0; minute < HOURS * 60; minute++) {
    const timestampMs = START_MS + minute * STEP_MS;
    const appender = store.appender();
    for (const path of ["/a", "/b"]) {
      const labels = series("requests_total", { path, zone: "münchen" });
      const ref = appender.append(0, labels, timestampMs, minute * 3);
      appender.appendMetadata(ref, labels, { type: "counter", help: "Requests.", unit: "" });
      if (minute % 100 === 0) {
        const exemplar = {
          labels: Labels.fromRecord({ trace_id: "0af7651916cd43dd8448eb211c80319c" }),
          value: 1,
          timestampMs,
        };
        appender.appendExemplar(ref, labels, exemplar);
      }
    }
    appender.appendHistogram(0, series("latency"), timestampMs, histogramOf(minute));
    if (minute < 60) appender.append(0, series("short"), timestampMs, minute / 3);
    else if (minute === 60) appender.appendStale(0, series("short"), timestampMs);
    await appender.commit();
    if (minute % 60 === 0) await store.maintain();
  }
  await store.close();
}

/** A native histogram with `minute` + 1 observations in each of its three buckets. */
function histogramOf(minute: number): FloatHistogram {
  const each = minute + 1;
  return {
    counterResetHint: CounterResetHint.Unknown,
    schema: 0,
    zeroThreshold: 2 ** -128,
    zeroCount: 0,
    count: 3 * each,
    sum: 4.5 * each,
    positiveSpans: [
      { offset: 0, length: 2 },
      { offset: 1, length: 1 },
    ],
    negativeSpans: [],
    positiveBuckets: [each, each, each],
    negativeBuckets: [],
  };
}

/** `promtool tsdb dump`'s lines, sorted: `{labels} value time`. */
async function dump(dir: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const { stdout } = await run(promtool!.path, ["tsdb", "dump", dir], { env, maxBuffer: 64 * 1024 * 1024 });
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .sort();
}

/** The same from our own store. */
async function dumpOurs(store: MetricsStore): Promise<string[]> {
  const lines: string[] = [];
  for (const { labels, timestamps, values } of await store.queryable.select([matcher("__name__", "=~", ".+")], ALL)) {
    const name = [...labels.entries()].map(([label, value]) => `${label}="${value}"`).join(", ");
    for (const [index, timestampMs] of timestamps.entries())
      lines.push(`{${name}} ${goFloat(values[index]!)} ${timestampMs}`);
  }
  return lines.sort();
}

/** As Go's %g prints it. */
function goFloat(value: number): string {
  return String(value).replace(/e-(\d)$/, "e-0$1");
}

describe.skipIf(promtool === undefined || prometheus === undefined)(
  "a folder of our store in Debian's Prometheus",
  () => {
    let dir: string;
    let server: ChildProcess | undefined;

    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), "gatewayz-promtool-"));
      await writeStore(dir);
    });

    afterAll(async () => {
      server?.kill("SIGKILL");
      await rm(dir, { recursive: true, force: true });
    });

    test("promtool lists and analyses the blocks", async () => {
      const list = await run(promtool!.path, ["tsdb", "list", dir], { env: promtool!.env });
      const rows = list.stdout.split("\n").filter((line) => /^[0-9A-Z]{26}/.test(line));
      expect(rows.length).toBeGreaterThanOrEqual(2);
      const analysis = await run(promtool!.path, ["tsdb", "analyze", dir], { env: promtool!.env });
      expect(analysis.stdout).toMatch(/^Series: 3$/m);
      expect(analysis.stdout).toMatch(/Highest cardinality labels:/);
    });

    test("promtool dumps, from blocks and WAL together, what we read ourselves", async () => {
      const theirs = await dump(dir, promtool!.env);
      const { store } = await openTestStore(dir);
      const ours = await dumpOurs(store);
      await store.close();
      expect(ours.length).toBe(3 * HOURS * 60 + 61);
      // The dump of this version knows no native histograms.
      const floats = (line: string): boolean => !line.includes("latency");
      expect(theirs.filter(floats)).toEqual(ours.filter(floats));
    });

    test("Prometheus takes the folder over, answers from it, and we take it back with what it added", async () => {
      const port = await freePort();
      const config = join(dir, "prometheus.yml");
      await writeFile(
        config,
        `scrape_configs:\n- job_name: self\n  scrape_interval: 1s\n  static_configs: [{targets: ["127.0.0.1:${port}"]}]\n`,
      );
      const features = "--enable-feature=exemplar-storage,native-histograms";
      const api = ["--web.enable-admin-api", "--web.enable-remote-write-receiver"];
      const flags = [
        features,
        ...api,
        `--config.file=${config}`,
        `--storage.tsdb.path=${dir}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ];
      server = spawn(prometheus!.path, [...flags, "--storage.tsdb.retention.time=60d"], {
        env: prometheus!.env,
        stdio: "ignore",
      });
      const url = `http://127.0.0.1:${port}`;
      await until(async () => (await fetch(`${url}/-/ready`)).ok);
      const answer = await query(url, `sum(count_over_time(requests_total[${HOURS + 1}h]))`);
      expect(answer).toBe(String(2 * HOURS * 60));
      expect(await query(url, `max(increase(requests_total[1h] @ ${START_MS / 1_000 + 7 * 3_600}))`)).toMatch(
        /^180|179\.9/,
      );
      const range = `start=${START_MS / 1_000}&end=${Date.now() / 1_000}`;
      const exemplars = await json(`${url}/api/v1/query_exemplars?query=requests_total&${range}`);
      expect(JSON.stringify(exemplars)).toContain("0af7651916cd43dd8448eb211c80319c");
      expect(await query(url, `histogram_count(latency @ ${(START_MS + 5 * HOUR_MS) / 1_000})`)).toBe(String(3 * 301));
      expect(await query(url, "histogram_sum(latency)")).toBe(String(4.5 * HOURS * 60));
      await until(async () => (await query(url, "up")) === "1");
      const writtenMs = Date.now();
      const body = compressSync(integerHistogramRequest(writtenMs));
      const headers = { "Content-Encoding": "snappy", "Content-Type": "application/x-protobuf" };
      const written = await fetch(`${url}/api/v1/write`, { method: "POST", headers, body: new Uint8Array(body) });
      expect(written.status).toBe(204);
      const snapshot = (await json(`${url}/api/v1/admin/tsdb/snapshot`, "POST")) as { data: { name: string } };
      const exited = new Promise((resolve) => server!.once("exit", resolve));
      server.kill("SIGTERM");
      await exited;

      const { store, lines } = await openTestStore(dir);
      const up = plain(await store.queryable.select([matcher("__name__", "=", "up")], ALL));
      expect(Object.values(up)[0]!.length).toBeGreaterThan(0);
      const kept = await store.queryable.select([matcher("__name__", "=", "requests_total")], ALL);
      for (const { timestamps } of kept) expect(timestamps.length).toBe(HOURS * 60);
      expect(lines.filter((line) => line["level"] !== "info")).toEqual([]);
      await expectIntegerHistograms(store, writtenMs);
      await store.close();
      // The snapshot holds the head as a block, with chunks of a kind that we never write but have to read.
      const copy = await openTestStore(join(dir, "snapshots", snapshot.data.name));
      expect(copy.store.stats.series).toBe(0);
      await expectIntegerHistograms(copy.store, writtenMs);
      await copy.store.close();
    });
  },
);

async function expectIntegerHistograms(store: MetricsStore, writtenMs: number): Promise<void> {
  const [found] = await store.queryable.select([matcher("__name__", "=", "integers")], ALL);
  expect(Array.from(found!.timestamps)).toEqual([writtenMs - 1, writtenMs]);
  const common = { schema: 1, zeroCount: 2, zeroThreshold: 0.001, positiveSpans: [{ offset: -1, length: 3 }] };
  expect(found!.histograms).toMatchObject([
    { ...common, count: 7, sum: 12.5, positiveBuckets: [3, 1, 1] },
    { ...common, count: 8, sum: 13.5, positiveBuckets: [3, 2, 1], counterResetHint: CounterResetHint.NotReset },
  ]);
}

async function json(url: string, method = "GET"): Promise<unknown> {
  return (await fetch(url, { method })).json();
}

/** The value of an instant query with one result; undefined without one. */
async function query(url: string, expression: string): Promise<string | undefined> {
  const answer = (await json(`${url}/api/v1/query?query=${encodeURIComponent(expression)}`)) as {
    data: { result: { value: [number, string] }[] };
  };
  return answer.data.result[0]?.value[1];
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (await condition().catch(() => false)) return;
    await sleep(100);
  }
  throw new Error("condition was not met within 30 s");
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
