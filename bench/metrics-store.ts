import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { matcher, openTestStore, series } from "../src/metrics/store/store-testing.ts";

/**
 * The metrics store alone: appending, memory, selecting and replay of 10,000 series at 15 s for three hours.
 *
 *   node --expose-gc --import tsx bench/metrics-store.ts
 */
const SERIES = 10_000;
const STEP_MS = 15_000;
const STEPS = (3 * 3_600_000) / STEP_MS;
const START_MS = 1_700_006_400_000;
const MILLION = 1e6;
const ALL = { minTimeMs: 0, maxTimeMs: Number.MAX_SAFE_INTEGER };

const collectGarbage = (globalThis as { gc?: () => void }).gc ?? (() => undefined);
const samples = (SERIES * STEPS) / MILLION;

function memoryMegabytes(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / MILLION;
}

async function measure(name: string, action: () => Promise<void>): Promise<void> {
  const startedAt = performance.now();
  const before = process.cpuUsage();
  await action();
  const seconds = (performance.now() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(before);
  const cpuSeconds = (user + system) / MILLION / samples;
  console.log(`${name}: ${(samples / seconds).toFixed(1)} M samples/s, ${cpuSeconds.toFixed(3)} CPU s per M samples`);
}

const dir = await mkdtemp(join(tmpdir(), "gatewayz-bench-"));
try {
  const emptyMegabytes = memoryMegabytes();
  const { store } = await openTestStore(dir);
  const refs = new Float64Array(SERIES);
  const values = new Float64Array(SERIES);
  const labels = Array.from({ length: SERIES }, (_, index) =>
    series("http_request_duration_seconds_bucket", {
      job: "gatewayz_staging",
      instance: "127.0.0.1:8000",
      path: `/v1/chat/completions/${index % 100}`,
      le: String(Math.floor(index / 100)),
    }),
  );
  await measure("append", async () => {
    for (let step = 0; step < STEPS; step++) {
      const appender = store.appender();
      for (let index = 0; index < SERIES; index++) {
        values[index]! += (index * 7 + step) % 13;
        refs[index] = appender.append(refs[index]!, labels[index]!, START_MS + step * STEP_MS, values[index]!);
      }
      await appender.commit();
    }
  });
  labels.length = 0;
  console.log(`memory of head and labels: ${(memoryMegabytes() - emptyMegabytes).toFixed(1)} MB`);
  console.log(`WAL: ${(store.stats.walBytes / MILLION / samples).toFixed(1)} bytes a sample`);
  for (let round = 0; round < 3; round++) {
    await measure("select all", async () => void (await store.queryable.select([matcher("job", "!=", "")], ALL)));
  }
  await store.close();
  await measure("replay", async () => (await openTestStore(dir)).store.close());
} finally {
  await rm(dir, { recursive: true, force: true });
}
