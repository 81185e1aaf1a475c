import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CounterResetHint, type FloatHistogram } from "../../series/float-histogram.ts";
import { Labels } from "../../series/labels.ts";
import { bitsOf, isStale } from "../../series/stale.ts";
import type { MetricsStore } from "./store.ts";
import { matcher, openTestStore, plain, series, withStoreDir } from "./store-testing.ts";

const START_MS = 1_700_000_000_000;
const ALL = { minTimeMs: 0, maxTimeMs: START_MS * 2 };
const byName = (name: string) => [matcher("__name__", "=", name)];

async function select(store: MetricsStore, name: string) {
  return plain(await store.queryable.select(byName(name), ALL));
}

/** Writes `samples` scrapes of `count` counters, 15 s apart. */
async function scrape(store: MetricsStore, count: number, samples: number, fromMs = START_MS): Promise<void> {
  const refs = new Array<number>(count).fill(0);
  const labels = refs.map((_, index) => series("requests_total", { instance: `i${index % 7}`, path: `/p${index}` }));
  for (let sample = 0; sample < samples; sample++) {
    const appender = store.appender();
    for (let index = 0; index < count; index++) {
      refs[index] = appender.append(refs[index]!, labels[index]!, fromMs + sample * 15_000, sample * (index + 1));
    }
    await appender.commit();
  }
}

test("store: what was committed is there after a reopening without a close, in order and bit by bit", async () => {
  await withStoreDir(async (dir) => {
    const first = await openTestStore(dir);
    await scrape(first.store, 50, 300);
    const appender = first.store.appender();
    appender.appendStale(0, series("requests_total", { instance: "i0", path: "/p0" }), START_MS + 300 * 15_000);
    appender.append(0, series("odd"), START_MS + 300 * 15_000, Number.NaN);
    await appender.commit();
    const before = await first.store.queryable.select(byName("requests_total"), ALL);
    expect(before.length).toBe(50);
    expect(before[3]!.timestamps.length).toBe(300);

    const second = await openTestStore(dir); // the first one is not closed, as after kill -9
    const after = await second.store.queryable.select(byName("requests_total"), ALL);
    expect(plain(after)).toEqual(plain(before));
    const stale = after.find((columns) => columns.labels.get("path") === "/p0")!;
    expect(isStale(bitsOf(stale.values), 300)).toBe(true);
    expect(isStale(bitsOf(stale.values), 299)).toBe(false);
    expect(await select(second.store, "odd")).toEqual({ odd: [[START_MS + 300 * 15_000, Number.NaN]] });
    expect(second.store.stats).toMatchObject({ series: 51, minTimeMs: START_MS });
    await first.store.close();
    await second.store.close();
  });
});

test("store: refuses what Prometheus refuses, with its words, and keeps the rest of the batch", async () => {
  await withStoreDir(async (dir) => {
    const { store } = await openTestStore(dir, { now: () => START_MS });
    const first = store.appender();
    const ref = first.append(0, series("up"), START_MS, 1);
    expect(first.append(ref, series("up"), START_MS, 1)).toBe(ref);
    expect(() => first.append(ref, series("up"), START_MS, 2)).toThrow("duplicate sample for timestamp");
    expect(() => first.append(ref, series("up"), START_MS - 1, 2)).toThrow("out of order sample");
    expect(() => first.append(0, series("up"), START_MS + 3_600_000, 1)).toThrow("out of bounds");
    await first.commit();
    const second = store.appender();
    expect(second.append(ref, series("up"), START_MS, 1)).toBe(ref);
    expect(() => second.append(ref, series("up"), START_MS, 2)).toThrow("duplicate sample for timestamp");
    expect(() => second.append(ref, series("up"), START_MS - 1, 2)).toThrow("out of order sample");
    expect(() => second.append(0, series("new"), START_MS - 3_600_001, 1)).toThrow("out of bounds");
    second.append(0, series("new"), START_MS - 3_600_000, 1);
    await second.commit();
    expect(await select(store, "up")).toEqual({ up: [[START_MS, 1]] });
    expect(await select(store, "new")).toEqual({ new: [[START_MS - 3_600_000, 1]] });
    await store.close();
  });
});

test("store: a batch is invisible before its commit and after its rollback", async () => {
  await withStoreDir(async (dir) => {
    const { store } = await openTestStore(dir);
    const appender = store.appender();
    appender.append(0, series("a"), START_MS, 1);
    expect(await select(store, "a")).toEqual({});
    appender.rollback();
    await appender.commit();
    expect(await select(store, "a")).toEqual({});
    await store.close();
  });
});

test("store: selects by every kind of matcher, as PromQL means them", async () => {
  await withStoreDir(async (dir) => {
    const { store } = await openTestStore(dir);
    const appender = store.appender();
    for (const job of ["a", "b", "c", ""]) {
      for (const code of ["200", "500"]) appender.append(0, series("m", { job, code }), START_MS, 1);
    }
    await appender.commit();
    const cases: [Parameters<typeof matcher>[], number][] = [
      [[["job", "=", "a"]], 2],
      [[["job", "!=", "a"]], 6],
      [[["job", "=", ""]], 2],
      [[["job", "!=", ""]], 6],
      [[["job", "=~", "a|b"]], 4],
      [[["job", "=~", "a|"]], 4],
      [[["job", "!~", "a|"]], 4],
      [[["job", "=~", ".*"]], 8],
      [[["job", "=~", ".+"]], 6],
      [[["absent", "=", ""]], 8],
      [[["absent", "!=", ""]], 0],
      [
        [
          ["job", "=~", "a|b"],
          ["code", "=", "500"],
        ],
        2,
      ],
      [
        [
          ["job", "!=", "a"],
          ["job", "!=", "b"],
          ["code", "!~", "5.."],
        ],
        2,
      ],
    ];
    for (const [matchers, expected] of cases) {
      const found = await store.queryable.select([...byName("m"), ...matchers.map((args) => matcher(...args))], ALL);
      expect(found.length, JSON.stringify(matchers)).toBe(expected);
    }
    expect(await store.queryable.labelNames([], ALL)).toEqual(["__name__", "code", "job"]);
    expect(await store.queryable.labelValues("job", [matcher("code", "=", "200")], ALL)).toEqual(["a", "b", "c"]);
    expect((await store.queryable.select(byName("m"), { ...ALL, limit: 3 })).length).toBe(3);
    expect((await store.queryable.select(byName("m"), { minTimeMs: 0, maxTimeMs: START_MS - 1 })).length).toBe(0);
    expect(store.cardinality(1).seriesCountByLabelValuePair).toEqual([{ name: "__name__=m", value: 8 }]);
    await store.close();
  });
});

test("store: after three starts that died while reading the WAL it is set aside, and the store starts", async () => {
  await withStoreDir(async (dir) => {
    const first = await openTestStore(dir);
    await scrape(first.store, 3, 3);
    await first.store.close();
    await writeFile(join(dir, "replay.attempts"), "3");
    const { store, lines } = await openTestStore(dir);
    expect(await select(store, "requests_total")).toEqual({});
    expect(lines.some((line) => `${line["msg"]}`.includes("set aside"))).toBe(true);
    await scrape(store, 3, 3);
    await store.close();
    const names = await readdir(dir);
    expect(names).not.toContain("replay.attempts");
    expect(names.some((name) => /^wal-\d+\.corrupt$/.test(name))).toBe(true);
  });
});

test("store: a WAL cut at any byte loses only its tail, says so, and takes samples again", async () => {
  await withStoreDir(async (dir) => {
    const source = join(dir, "source");
    const first = await openTestStore(source);
    await scrape(first.store, 5, 40);
    await first.store.close();
    const whole = await readFile(join(source, "wal", "00000000"));
    let before = 0;
    for (let cut = 0; cut <= whole.length; cut += cut < 100 ? 1 : 211) {
      const copy = join(dir, `cut-${cut}`);
      await mkdir(join(copy, "wal"), { recursive: true });
      await writeFile(join(copy, "wal", "00000000"), whole.subarray(0, cut));
      const { store } = await openTestStore(copy);
      const samples = Object.values(await select(store, "requests_total")).map((points) => points.length);
      expect(new Set(samples).size, `cut at ${cut}`).toBeLessThanOrEqual(1);
      expect(samples[0] ?? 0).toBeGreaterThanOrEqual(before);
      before = samples[0] ?? 0;
      await scrape(store, 5, 1, START_MS + 3_600_000);
      expect((await store.queryable.select(byName("requests_total"), ALL)).length).toBe(5);
      await store.close();
    }
    expect(before).toBeGreaterThan(30);
  });
});

test("store: exemplars, metadata and native histograms survive a restart", async () => {
  await withStoreDir(async (dir) => {
    const first = await openTestStore(dir);
    const appender = first.store.appender();
    const ref = appender.append(0, series("latency_bucket", { le: "1" }), START_MS, 3);
    const exemplar = { labels: Labels.fromRecord({ trace_id: "ab".repeat(16) }), value: 0.5, timestampMs: START_MS };
    appender.appendExemplar(ref, series("latency_bucket", { le: "1" }), exemplar);
    appender.appendMetadata(ref, Labels.EMPTY, { type: "histogram", help: "Latency.\nIn s.", unit: "seconds" });
    const histogram: FloatHistogram = {
      counterResetHint: CounterResetHint.Unknown,
      schema: 3,
      zeroThreshold: 2 ** -128,
      zeroCount: 1,
      count: 7,
      sum: 18.4,
      positiveSpans: [{ offset: 0, length: 2 }],
      negativeSpans: [{ offset: -3, length: 1 }],
      positiveBuckets: [2, 3],
      negativeBuckets: [1],
    };
    appender.appendHistogram(0, series("native"), START_MS, histogram);
    await appender.commit();
    const again = first.store.appender();
    again.appendExemplar(ref, Labels.EMPTY, exemplar);
    expect(() => again.appendExemplar(ref, Labels.EMPTY, { ...exemplar, value: 1 })).toThrow("out of order exemplar");
    again.appendHistogram(0, series("native"), START_MS + 1, { ...histogram, count: 8, zeroCount: 2 });
    await again.commit();
    const last = first.store.appender();
    last.appendStale(0, series("native"), START_MS + 2);
    await last.commit();
    await first.store.close();

    const { store } = await openTestStore(dir);
    const found = store.queryable.exemplars([byName("latency_bucket"), byName("nothing")], START_MS, START_MS);
    expect(found.map(({ seriesLabels, exemplars }) => [seriesLabels.toString(), exemplars.length])).toEqual([
      ['latency_bucket{le="1"}', 1],
    ]);
    expect(found[0]!.exemplars[0]!.labels.get("trace_id")).toBe("ab".repeat(16));
    expect(store.metadata("latency_bucket").get("latency_bucket")).toEqual([
      { type: "histogram", help: "Latency.\nIn s.", unit: "seconds" },
    ]);
    const [native] = await store.queryable.select(byName("native"), ALL);
    expect(native!.histograms).toEqual([
      histogram,
      { ...histogram, count: 8, zeroCount: 2, counterResetHint: CounterResetHint.NotReset },
      undefined,
    ]);
    expect(isStale(bitsOf(native!.values), 2)).toBe(true);
    await store.close();
  });
});

test("store: a clock that jumps loses nothing that was there, and takes samples again when it is right", async () => {
  await withStoreDir(async (dir) => {
    let now = START_MS;
    const { store } = await openTestStore(dir, { now: () => now });
    await scrape(store, 2, 2);
    for (const wrong of [0, Date.UTC(2100, 0, 1), START_MS - 3_600_000, START_MS + 3_600_000]) {
      now = wrong;
      const appender = store.appender();
      // A scraper stamps with the same wrong clock; what is too old or too new is refused, nothing else happens.
      try {
        appender.append(0, series("wrong_clock", { at: String(wrong) }), wrong, 1);
      } catch (error) {
        expect((error as Error).message).toBe("out of bounds");
      }
      appender.rollback();
      await store.maintain();
    }
    now = START_MS + 60_000;
    await scrape(store, 2, 2, now);
    const found = await select(store, "requests_total");
    expect(Object.values(found).map((samples) => samples.length)).toEqual([4, 4]);
    await store.close();
  });
});

test("store: batches that met and series logged in another order replay to the same head", async () => {
  await withStoreDir(async (dir) => {
    const { store } = await openTestStore(dir);
    const first = store.appender();
    const second = store.appender();
    first.append(0, series("a"), START_MS, 1);
    second.append(0, series("b"), START_MS, 2);
    first.append(0, series("shared"), START_MS, 3);
    second.append(0, series("shared"), START_MS, 4);
    await Promise.all([second.commit(), first.commit()]);
    const before = plain(await store.queryable.select([matcher("__name__", "=~", ".+")], ALL));
    expect(before).toEqual({ a: [[START_MS, 1]], b: [[START_MS, 2]], shared: [[START_MS, 4]] });
    for (let restart = 0; restart < 3; restart++) {
      const again = await openTestStore(dir);
      const appender = again.store.appender();
      appender.append(0, series("c", { restart: String(restart) }), START_MS, restart);
      await appender.commit();
      const after = plain(await again.store.queryable.select([matcher("__name__", "=~", "a|b|shared")], ALL));
      expect(after).toEqual(before);
      expect((await again.store.queryable.select(byName("c"), ALL)).length).toBe(restart + 1);
      await again.store.close();
    }
    await store.close();
  });
});
