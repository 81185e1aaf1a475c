import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry } from "prom-client";
import { createLogger } from "../../runtime/logger.ts";
import { Labels } from "../../series/labels.ts";
import type { Matcher, MatchType, SeriesColumns } from "../../series/queryable.ts";
import { MetricsStore, type MetricsStoreOptions } from "./store.ts";

/** A store in a folder of its own, with what it logged and counted at hand. */
export interface TestStore {
  readonly store: MetricsStore;
  readonly dir: string;
  readonly lines: Record<string, unknown>[];
  readonly registry: Registry;
}

/** Opens a store for tests: retention 15 d, 1 GiB, log lines collected. */
export async function openTestStore(dir: string, options: Partial<MetricsStoreOptions> = {}): Promise<TestStore> {
  const lines: Record<string, unknown>[] = [];
  const registry = new Registry();
  const store = await MetricsStore.open({
    dir,
    retentionMs: 15 * 24 * 3_600_000,
    bytesMax: () => 1024 * 1024 * 1024,
    logger: createLogger("metrics", "debug", { write: (line) => void lines.push(JSON.parse(line)) }),
    registry,
    ...options,
  });
  return { store, dir, lines, registry };
}

/** Runs `action` in a folder that is removed afterwards. */
export async function withStoreDir<T>(action: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), "gatewayz-tsdb-"));
  try {
    return await action(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** A matcher for tests; patterns go to V8's engine. */
export function matcher(name: string, type: MatchType, value: string): Matcher {
  const pattern = type === "=~" || type === "!~" ? new RegExp(`^(?:${value})$`, "u") : undefined;
  const positive = type === "=" || type === "=~";
  const matches = (other: string): boolean => (pattern ? pattern.test(other) : other === value) === positive;
  return { name, type, value, matches };
}

export function series(name: string, labels: Record<string, string> = {}): Labels {
  return Labels.fromRecord({ __name__: name, ...labels });
}

/** `labels → [[time, value], …]`, for comparisons. */
export function plain(columns: readonly SeriesColumns[]): Record<string, [number, number][]> {
  return Object.fromEntries(
    columns.map(({ labels, timestamps, values }) => [
      labels.toString(),
      Array.from(timestamps, (timestampMs, index): [number, number] => [timestampMs, values[index]!]),
    ]),
  );
}
