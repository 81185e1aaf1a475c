import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MetricsStore } from "../src/metrics/store/store.ts";
import { matcher, openTestStore, plain, series } from "../src/metrics/store/store-testing.ts";
import { Labels } from "../src/series/labels.ts";
import { optionalDebianTool } from "./support/debian-tools.ts";

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
    if (minute < 60) appender.append(0, series("short"), timestampMs, minute / 3);
    else if (minute === 60) appender.appendStale(0, series("short"), timestampMs);
    await appender.commit();
    if (minute % 60 === 0) await store.maintain();
  }
  await store.close();
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
      expect(analysis.stdout).toMatch(/^Series: 2$/m);
      expect(analysis.stdout).toMatch(/Highest cardinality labels:/);
    });

    test("promtool dumps, from blocks and WAL together, what we read ourselves", async () => {
      const theirs = await dump(dir, promtool!.env);
      const { store } = await openTestStore(dir);
      const ours = await dumpOurs(store);
      await store.close();
      expect(theirs.length).toBe(2 * HOURS * 60 + 61);
      expect(theirs).toEqual(ours);
    });

    test("Prometheus takes the folder over, answers from it, and we take it back with what it added", async () => {
      const port = await freePort();
      const config = join(dir, "prometheus.yml");
      await writeFile(
        config,
        `scrape_configs:\n- job_name: self\n  scrape_interval: 1s\n  static_configs: [{targets: ["127.0.0.1:${port}"]}]\n`,
      );
      const flags = [`--config.file=${config}`, `--storage.tsdb.path=${dir}`, `--web.listen-address=127.0.0.1:${port}`];
      server = spawn(
        prometheus!.path,
        [...flags, "--enable-feature=exemplar-storage", "--storage.tsdb.retention.time=60d"],
        {
          env: prometheus!.env,
          stdio: "ignore",
        },
      );
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
      await until(async () => (await query(url, "up")) === "1");
      const exited = new Promise((resolve) => server!.once("exit", resolve));
      server.kill("SIGTERM");
      await exited;

      const { store, lines } = await openTestStore(dir);
      const up = plain(await store.queryable.select([matcher("__name__", "=", "up")], ALL));
      expect(Object.values(up)[0]!.length).toBeGreaterThan(0);
      const kept = await store.queryable.select([matcher("__name__", "=", "requests_total")], ALL);
      for (const { timestamps } of kept) expect(timestamps.length).toBe(HOURS * 60);
      expect(lines.filter((line) => line["level"] !== "info")).toEqual([]);
      await store.close();
    });
  },
);

async function json(url: string): Promise<unknown> {
  return (await fetch(url)).json();
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
