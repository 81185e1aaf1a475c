import { readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { MetricsStore } from "./store.ts";
import { matcher, openTestStore, plain, series, withStoreDir } from "./store-testing.ts";

const HOUR_MS = 3_600_000;
/** A multiple of two hours. */
const START_MS = 1_700_006_400_000 - (1_700_006_400_000 % (2 * HOUR_MS));
const ALL = { minTimeMs: 0, maxTimeMs: START_MS * 2 };
const SERIES = 12;

/** A minute's samples of all series, for `hours`. */
async function fill(store: MetricsStore, hours: number, fromMs = START_MS): Promise<void> {
  for (let minute = 0; minute < hours * 60; minute++) {
    const appender = store.appender();
    for (let index = 0; index < SERIES; index++) {
      const timestampMs = fromMs + minute * 60_000;
      appender.append(0, series("m", { index: `${index}`, ключ: "значение 𝒳" }), timestampMs, timestampMs / 7 + index);
    }
    await appender.commit();
    if (minute % 60 === 59) await store.maintain();
  }
}

async function everything(store: MetricsStore) {
  return plain(await store.queryable.select([matcher("__name__", "=", "m")], ALL));
}

function expected(hours: number, fromHour = 0): number {
  return (hours - fromHour) * 60;
}

async function blockNames(dir: string): Promise<string[]> {
  return (await readdir(dir)).filter((name) => /^[0-9A-Z]{26}$/.test(name)).sort();
}

test("blocks: the head's old part becomes blocks, blocks are merged, and queries see all samples once", async () => {
  await withStoreDir(async (dir) => {
    const { store, registry } = await openTestStore(dir, { retentionMs: 60 * 24 * HOUR_MS });
    await fill(store, 15);
    const names = await blockNames(dir);
    // 15 h: [0, 6) and [6, 12) merged, [12, 14)? is the head's until it spans three hours.
    expect(names.length).toBeLessThan(6);
    expect(store.stats.minTimeMs! - START_MS).toBeGreaterThanOrEqual(10 * HOUR_MS);
    const before = await everything(store);
    expect(Object.keys(before).length).toBe(SERIES);
    for (const samples of Object.values(before)) {
      expect(samples.length).toBe(expected(15));
      for (const [index, [timestampMs]] of samples.entries()) expect(timestampMs).toBe(START_MS + index * 60_000);
    }
    const walNames = await readdir(join(dir, "wal"));
    expect(walNames.filter((name) => name.startsWith("checkpoint.")).length).toBe(1);
    expect(await registry.getSingleMetricAsString("prometheus_tsdb_compactions_total")).toMatch(/ [5-9]|1\d\n?/);
    expect(await store.queryable.labelValues("index", [], ALL)).toHaveLength(SERIES);
    expect(await store.queryable.labelNames([matcher("index", "=", "3")], ALL)).toEqual(["__name__", "index", "ключ"]);
    const part = await store.queryable.select([matcher("index", "=", "3")], {
      minTimeMs: START_MS + 90 * 60_000,
      maxTimeMs: START_MS + 150 * 60_000,
    });
    expect(part[0]!.timestamps.length).toBe(61);

    const again = await openTestStore(dir, { retentionMs: 60 * 24 * HOUR_MS }); // without a close, as after kill -9
    expect(await everything(again.store)).toEqual(before);
    await store.close();
    await again.store.close();
  });
});

test("blocks: a flipped bit anywhere in a block is noticed, the block set aside, the rest served", async () => {
  await withStoreDir(async (dir) => {
    const first = await openTestStore(dir);
    await fill(first.store, 8);
    await first.store.close();
    const [name] = await blockNames(dir);
    const all = 8 * 60;
    for (const file of ["index", "chunks/000001", "tombstones"]) {
      const path = join(dir, name!, file);
      const whole = await readFile(path);
      for (let step = 0; step < 24; step++) {
        const at = Math.floor((whole.length * step) / 24);
        const flipped = Buffer.from(whole);
        flipped[at]! ^= 1 << (step % 8);
        await writeFile(path, flipped);
        const { store, lines } = await openTestStore(dir);
        const found = Object.values(await everything(store));
        await store.close();
        const aside = (await readdir(dir)).find((other) => other.endsWith(".corrupt"));
        // Padding, and the label indices that nobody reads any more, may be flipped without harm.
        if (aside === undefined) {
          expect(found.map((samples) => samples.length)).toEqual(found.map(() => all));
          expect(found.length).toBe(SERIES);
          continue;
        }
        expect(found.length, `${file} at ${at}`).toBe(SERIES);
        for (const samples of found) expect(samples.length).toBeLessThan(all);
        expect(lines.some((line) => `${line["msg"]}`.includes("corrupt"))).toBe(true);
        await rename(join(dir, aside), join(dir, name!));
      }
      await writeFile(path, whole);
    }
  });
});

test("blocks: retention by age and by size deletes the oldest, the WAL counted", async () => {
  await withStoreDir(async (dir) => {
    let bytesMax = 1024 * 1024 * 1024;
    const { store } = await openTestStore(dir, { retentionMs: 5 * HOUR_MS, bytesMax: () => bytesMax });
    await fill(store, 14);
    for (const samples of Object.values(await everything(store))) {
      expect(samples[0]![0]).toBeGreaterThanOrEqual(START_MS + 4 * HOUR_MS);
      expect(samples.at(-1)![0]).toBe(START_MS + 14 * HOUR_MS - 60_000);
    }
    const blocks = await blockNames(dir);
    bytesMax = store.stats.walBytes + store.stats.blockBytes - 1;
    await store.maintain();
    expect((await blockNames(dir)).length).toBeLessThan(blocks.length);
    bytesMax = 4_000;
    await store.maintain();
    expect(await blockNames(dir)).toEqual([]);
    const [samples] = Object.values(await everything(store));
    expect(samples!.length).toBeGreaterThan(0);
    expect(samples!.length).toBeLessThan(3 * 60);
    await store.close();
  });
});

test("blocks: a small size limit holds for the log too, past series whose one chunk is still open", async () => {
  await withStoreDir(async (dir) => {
    const limit = 40_000;
    const { store } = await openTestStore(dir, { retentionMs: 5 * HOUR_MS, bytesMax: () => limit });
    for (let step = 0; step < 6_000; step++) {
      const appender = store.appender();
      appender.append(0, series("m", { path: "/fast" }), START_MS + step * 100, Math.random());
      if (step % 100 === 0) appender.append(0, series("m", { path: "/slow" }), START_MS + step * 100, step);
      await appender.commit();
      if (step % 1_000 === 999) {
        await store.maintain();
        expect(store.stats.walBytes).toBeLessThan(limit);
      }
    }
    const newest = Object.values(await everything(store)).map((samples) => samples.at(-1)![0]);
    expect(newest.sort()).toEqual([START_MS + 590_000, START_MS + 599_900]);
    await store.close();
  });
});

test("blocks: a WAL of many hours becomes blocks while it is read; nothing is lost", async () => {
  await withStoreDir(async (dir) => {
    const first = await openTestStore(dir);
    for (let minute = 0; minute < 12 * 60; minute++) {
      const appender = first.store.appender();
      for (const path of ["/a", "/b"]) appender.append(0, series("m", { path }), START_MS + minute * 60_000, minute);
      await appender.commit(); // and no maintenance: all stays in the log
    }
    const before = await everything(first.store);
    expect(await blockNames(dir)).toEqual([]);
    for (let restart = 0; restart < 2; restart++) {
      const { store } = await openTestStore(dir);
      expect((await blockNames(dir)).length).toBe(5);
      expect(store.stats.minTimeMs).toBe(START_MS + 10 * HOUR_MS);
      expect(await everything(store)).toEqual(before);
      await store.close();
    }
    await first.store.close();
  });
});
