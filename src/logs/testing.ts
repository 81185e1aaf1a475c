import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { Registry } from "prom-client";
import { parse } from "../languages/logql/parse.ts";
import { Labels } from "../series/labels.ts";
import type { Entry, StreamEntries } from "./entry.ts";
import { LogMetrics } from "./metrics.ts";
import { evaluateMetric } from "./query/evaluate.ts";
import { runLogQuery } from "./query/log-query.ts";
import { QueryRun } from "./query/query-run.ts";
import type { Grid } from "./query/result.ts";
import { LogStore, type LogStoreOptions } from "./store/store.ts";

/** A store in a folder of its own, and what tests ask of it. */
export interface TestStore {
  readonly dataDir: string;
  readonly metrics: LogMetrics;
  store: LogStore;
  /** Opens the folder anew, as after a kill: the old store is not closed first. */
  reopen(options?: Partial<LogStoreOptions>): Promise<void>;
  dispose(): Promise<void>;
}

export async function openTestStore(overrides: Partial<LogStoreOptions> = {}): Promise<TestStore> {
  const dataDir = overrides.dataDir ?? (await mkdtemp(join(tmpdir(), "gatewayz-logs-store-")));
  const open = (options: Partial<LogStoreOptions> = {}): Promise<LogStore> =>
    LogStore.open({
      dataDir,
      logger: pino({ level: "silent" }),
      metrics: new LogMetrics(new Registry()),
      retentionMs: 15 * 86_400_000,
      bytesMax: 1024 ** 3,
      maintenance: false,
      ...overrides,
      ...options,
    });
  const metrics = new LogMetrics(new Registry());
  const opened = new Set<LogStore>();
  const test: TestStore = {
    dataDir,
    metrics,
    store: await open({ metrics }),
    async reopen(options) {
      opened.add(test.store);
      test.store = await open(options);
    },
    async dispose() {
      for (const store of [...opened, test.store]) await store.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
  return test;
}

/** An entry of text at a time. */
export function entry(
  timestampMs: number,
  line: string,
  metadata: Readonly<Record<string, string>> = {},
  subMsNs = 0,
): Entry {
  return { timestampMs, subMsNs, line: Buffer.from(line), metadata: Object.entries(metadata).flat() };
}

export function stream(labels: Readonly<Record<string, string>>, ...entries: Entry[]): StreamEntries {
  return { labels: Labels.fromRecord(labels), entries };
}

/** Lines that a log query finds, oldest first, whatever stream they are in. */
export async function findLines(
  store: LogStore,
  query: string,
  fromMs: number,
  toMs: number,
  limit = 5_000,
): Promise<string[]> {
  const expr = parse(query);
  if (expr.kind !== "log") throw new Error("not a log query");
  const run = new QueryRun(new AbortController().signal);
  const from = { ms: fromMs, ns: 0 };
  const to = { ms: toMs, ns: 0 };
  const streams = await runLogQuery(store, { expr, from, to, backward: false, limit, categorize: false }, run);
  const hits = streams.flatMap(({ hits: own }) => own);
  return hits.sort((left, right) => left.ms - right.ms || left.ns - right.ns).map(({ line }) => line);
}

/** A metric query's series as text: `{labels}` → values by step, `undefined` where there is none. */
export async function evaluateAt(
  store: LogStore,
  query: string,
  grid: Grid,
): Promise<Record<string, (number | undefined)[]>> {
  const expr = parse(query);
  if (expr.kind === "log") throw new Error("not a metric query");
  const result = await evaluateMetric(store, expr, grid, new QueryRun(new AbortController().signal));
  if (result.kind === "scalar") return { scalar: [result.value] };
  return Object.fromEntries(
    result.series.map(({ labels, values, present }) => [
      labels.toString(),
      Array.from(values, (value, step) => (present[step] === 1 ? value : undefined)),
    ]),
  );
}
