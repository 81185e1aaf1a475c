import { randomBytes } from "node:crypto";
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { Labels } from "../../series/labels.ts";
import { makeMatcher } from "../../series/matcher.ts";
import { Wal } from "../../storage/wal.ts";
import type { Entry } from "../entry.ts";
import { entry, evaluateAt, findLines, openTestStore, stream, type TestStore } from "../testing.ts";
import { segmentsDir, walDir } from "./filenames.ts";
import { lineText, metadataOf } from "./rows.ts";
import { encodeEntries } from "./wal-record.ts";

const NOW_MS = 1_795_000_000_000;
const APP = { app: "a" };

let testStore: TestStore;
afterEach(() => testStore?.dispose());

function lines(query = '{app="a"}'): Promise<string[]> {
  return findLines(testStore.store, query, NOW_MS - 86_400_000, NOW_MS + 86_400_000);
}

describe("what is acknowledged is there", () => {
  test("after a kill, from the WAL", async () => {
    testStore = await openTestStore();
    await testStore.store.append([stream(APP, entry(NOW_MS, "one", { trace_id: "t1" }), entry(NOW_MS + 1, "two"))]);
    await testStore.reopen();
    expect(await lines()).toEqual(["one", "two"]);
    expect(await lines('{app="a"} | trace_id="t1"')).toEqual(["one"]);
  });

  test("once, after a flush and a kill with entries behind the flush", async () => {
    testStore = await openTestStore();
    await testStore.store.append([stream(APP, entry(NOW_MS, "one"))]);
    await testStore.store.flush();
    await testStore.store.append([stream(APP, entry(NOW_MS + 1, "two"))]);
    await testStore.reopen();
    expect(await lines()).toEqual(["one", "two"]);
    await testStore.store.flush();
    await testStore.reopen();
    expect(await lines()).toEqual(["one", "two"]);
    expect(await readdir(segmentsDir(testStore.dataDir))).toHaveLength(2);
  });

  test("once, when the kill came between the segment and the end of the WAL", async () => {
    testStore = await openTestStore();
    await testStore.store.append([stream(APP, entry(NOW_MS, "one"))]);
    const wal = walDir(testStore.dataDir);
    const before = new Map<string, Buffer>();
    for (const name of await readdir(wal)) before.set(name, await readFile(join(wal, name)));
    await testStore.store.flush();
    for (const [name, bytes] of before) await writeFile(join(wal, name), bytes);
    await testStore.reopen();
    expect(await lines()).toEqual(["one"]);
  });

  test("while a flush runs, and pushes go on", async () => {
    testStore = await openTestStore();
    const pushed: string[] = [];
    const flushes: Promise<void>[] = [];
    for (let round = 0; round < 20; round++) {
      const texts = Array.from({ length: 50 }, (_, index) => `line ${round}-${index}`);
      await testStore.store.append([
        stream(APP, ...texts.map((text, index) => entry(NOW_MS + round * 50 + index, text))),
      ]);
      pushed.push(...texts);
      if (round % 3 === 0) flushes.push(testStore.store.flush());
      expect(await lines()).toEqual(pushed);
    }
    await Promise.all(flushes);
    await testStore.reopen();
    expect(await lines()).toEqual(pushed);
  });

  test("when somebody removed the WAL in between, and its numbers would begin anew", async () => {
    testStore = await openTestStore();
    for (const text of ["one", "two", "three"]) {
      await testStore.store.append([stream(APP, entry(NOW_MS, text))]);
      await testStore.store.flush();
    }
    await rm(walDir(testStore.dataDir), { recursive: true });
    await testStore.reopen();
    await testStore.store.append([stream(APP, entry(NOW_MS + 1, "four"))]);
    await testStore.reopen();
    expect(await lines()).toEqual(["one", "two", "three", "four"]);
  });

  test("when the WAL is larger than what may be in memory: it goes to disk during replay", async () => {
    testStore = await openTestStore();
    // As after flushes that failed for long: more in the WAL than memory may hold.
    const wal = await Wal.open({ dir: walDir(testStore.dataDir), segmentBytesMax: 1024 * 1024 });
    for (let round = 0; round < 200; round++) {
      const noise = randomBytes(60_000).toString("hex");
      await wal.append(encodeEntries([stream(APP, entry(NOW_MS + round, `${round} ${noise}`))]));
    }
    await wal.close();
    await testStore.reopen();
    const count = (): Promise<unknown> =>
      evaluateAt(testStore.store, 'sum(count_over_time({app="a"}[1h]))', {
        startMs: NOW_MS + 1_000,
        stepMs: 1,
        steps: 1,
      });
    expect(await count()).toEqual({ "{}": [200] });
    expect(await readdir(segmentsDir(testStore.dataDir))).toHaveLength(1);
    await testStore.reopen();
    expect(await count()).toEqual({ "{}": [200] });
  });

  test("bytes that are no UTF-8 are stored as they came", async () => {
    testStore = await openTestStore();
    const line = Buffer.from([0xff, 0x00, 0xc0, 0x41]);
    await testStore.store.append([
      { labels: Labels.fromRecord(APP), entries: [{ timestampMs: NOW_MS, subMsNs: 7, line, metadata: [] }] },
    ]);
    await testStore.store.flush();
    const [block] = testStore.store.select([makeMatcher("=", "app", "a")], NOW_MS, NOW_MS);
    const rows = await block!.read({ lines: true, metadata: true });
    expect(rows!.lines!.bytes).toEqual(line);
    expect(rows!.subMsNs[0]).toBe(7);
  });
});

describe("order and duplicates", () => {
  test("late entries are read in their place, the same line at the same time once", async () => {
    testStore = await openTestStore();
    const { store } = testStore;
    await store.append([
      stream(APP, entry(NOW_MS + 2, "c"), entry(NOW_MS, "a"), entry(NOW_MS + 1, "b"), entry(NOW_MS, "a")),
    ]);
    await store.append([stream(APP, entry(NOW_MS + 2, "c"), entry(NOW_MS + 2, "other"))]);
    expect(await lines()).toEqual(["a", "b", "c", "other"]);
    await store.flush();
    expect(await lines()).toEqual(["a", "b", "c", "other"]);
  });

  test("like a plain list, whatever is pushed, flushed and reopened in whatever order", async () => {
    const pushArbitrary = fc.record({
      stream: fc.constantFrom("x", "y"),
      entries: fc.array(fc.tuple(fc.integer({ min: 0, max: 50 }), fc.constantFrom("l1", "l2", "l3"), fc.boolean()), {
        maxLength: 8,
      }),
      next: fc.constantFrom("nothing", "flush", "reopen"),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(pushArbitrary, { maxLength: 8 }), async (pushes) => {
        const own = await openTestStore();
        const model = new Set<string>();
        for (const push of pushes) {
          const entries = push.entries.map(([time, line, traced]) =>
            entry(NOW_MS + time, line, traced ? { t: line } : {}),
          );
          if (entries.length > 0) await own.store.append([stream({ app: "a", s: push.stream }, ...entries)]);
          for (const [time, line] of push.entries) model.add(`${push.stream} ${time} ${line}`);
          if (push.next === "flush") await own.store.flush();
          if (push.next === "reopen") await own.reopen();
        }
        const found: string[] = [];
        for (const name of ["x", "y"]) {
          const query = `{app="a", s="${name}"} | line_format "{{.s}} {{__timestamp__ | unixEpochMillis}} {{__line__}}" | drop t`;
          found.push(...(await findLines(own.store, query, NOW_MS, NOW_MS + 100)));
        }
        const expected = [...model].map((text) =>
          text.replace(/ (\d+) /, (_, time: string) => ` ${NOW_MS + Number(time)} `),
        );
        expect([...new Set(found)].sort()).toEqual(expected.sort());
        await own.dispose();
      }),
      { numRuns: 25 },
    );
  });

  test("many rows become several blocks and count as many", async () => {
    testStore = await openTestStore();
    const text = "x".repeat(2_000);
    for (let round = 0; round < 10; round++) {
      const entries: Entry[] = Array.from({ length: 200 }, (_, index) =>
        entry(NOW_MS + round * 200 + index, `${text} ${round * 200 + index}`),
      );
      await testStore.store.append([stream(APP, ...entries)]);
    }
    const count = async (): Promise<unknown> =>
      evaluateAt(testStore.store, 'sum(count_over_time({app="a"}[1h]))', {
        startMs: NOW_MS + 10_000,
        stepMs: 1,
        steps: 1,
      });
    expect(await count()).toEqual({ "{}": [2_000] });
    await testStore.store.flush();
    expect(testStore.store.select([makeMatcher("=", "app", "a")], NOW_MS, NOW_MS + 10_000).length).toBeGreaterThan(3);
    expect(await count()).toEqual({ "{}": [2_000] });
    expect(await lines('{app="a"} |= " 1234"')).toHaveLength(1);
  });
});

describe("damage", () => {
  /** A store with one segment of three blocks, and the path and bytes of its file. */
  async function withSegment(): Promise<{ path: string; bytes: Buffer }> {
    testStore = await openTestStore();
    await testStore.store.append(
      ["p", "q", "r"].map((name) =>
        stream(
          { app: "a", name },
          ...Array.from({ length: 20 }, (_, index) =>
            entry(NOW_MS + index, `${name} ${index} abcdefghij`, { id: `${index}` }),
          ),
        ),
      ),
    );
    await testStore.store.flush();
    const dir = segmentsDir(testStore.dataDir);
    const path = join(dir, (await readdir(dir))[0]!);
    return { path, bytes: await readFile(path) };
  }

  test("a flipped bit anywhere costs at most its own block, and is counted", async () => {
    const { path, bytes } = await withSegment();
    const whole = await lines();
    const seed = 20_260_101;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: bytes.length - 1 }),
        fc.integer({ min: 0, max: 7 }),
        async (at, bit) => {
          const flipped = Buffer.from(bytes);
          flipped[at]! ^= 1 << bit;
          await writeFile(path, flipped);
          await testStore.reopen();
          const found = await lines();
          expect(found.length).toBeGreaterThanOrEqual(40);
          for (const line of found) expect(whole).toContain(line);
        },
      ),
      { numRuns: 60, seed },
    );
  });

  test("a file cut anywhere serves the blocks that are whole", async () => {
    const { path, bytes } = await withSegment();
    const whole = await lines();
    for (let length = 0; length < bytes.length; length += 37) {
      await writeFile(path, bytes.subarray(0, length));
      await testStore.reopen();
      const found = await lines();
      expect(found.length % 20).toBe(0);
      for (const line of found) expect(whole).toContain(line);
      const dir = segmentsDir(testStore.dataDir);
      for (const name of await readdir(dir)) if (name.endsWith(".damaged")) await writeFile(path, bytes);
    }
  });

  test("garbage in the WAL is passed over, entries behind it are there", async () => {
    testStore = await openTestStore();
    await testStore.store.append([stream(APP, entry(NOW_MS, "before"))]);
    const wal = walDir(testStore.dataDir);
    const name = (await readdir(wal)).sort().at(-1)!;
    // Noise does not compress, so that the last record begins on a page of its own.
    const noise = Array.from({ length: 20_000 }, () => Math.random().toString(36).slice(2, 9)).join("");
    await testStore.store.append([stream(APP, entry(NOW_MS + 1, noise))]);
    await testStore.store.append([stream(APP, entry(NOW_MS + 2, "after"))]);
    const bytes = await readFile(join(wal, name));
    bytes.fill(0xa5, 20, 60);
    await writeFile(join(wal, name), bytes);
    await testStore.reopen();
    const found = await lines();
    expect(found).not.toContain("before");
    expect(found.at(-1)).toBe("after");
  });
});

describe("retention", () => {
  test("deletes segments that are wholly too old", async () => {
    testStore = await openTestStore({ retentionMs: 3_600_000 });
    const nowMs = Date.now();
    await testStore.store.append([stream(APP, entry(nowMs - 2 * 3_600_000, "old"))]);
    await testStore.store.flush();
    await testStore.store.append([stream(APP, entry(nowMs, "new"))]);
    await testStore.store.flush();
    await testStore.store.maintain();
    expect(await findLines(testStore.store, '{app="a"}', nowMs - 86_400_000, nowMs + 1)).toEqual(["new"]);
    expect(await readdir(segmentsDir(testStore.dataDir))).toHaveLength(1);
  });

  test("keeps segments and WAL under the size cap by deleting the oldest", async () => {
    const bytesMax = 400_000;
    testStore = await openTestStore({ bytesMax });
    const nowMs = Date.now();
    for (let round = 0; round < 12; round++) {
      const noise = Array.from({ length: 500 }, (_, index) =>
        entry(
          nowMs - 100_000 + round * 1_000 + index,
          Array.from({ length: 8 }, () => Math.random().toString(36)).join(" "),
        ),
      );
      await testStore.store.append([stream(APP, ...noise)]);
      await testStore.store.maintain();
      let total = 0;
      for (const dir of [segmentsDir(testStore.dataDir), walDir(testStore.dataDir)]) {
        for (const name of await readdir(dir)) total += (await stat(join(dir, name))).size;
      }
      expect(total).toBeLessThan(bytesMax + 100_000);
    }
    const left = await findLines(testStore.store, '{app="a"}', nowMs - 200_000, nowMs + 100_000);
    expect(left.length).toBeGreaterThan(500);
  });
});

test("under a small size cap the head is flushed by its size, without waiting for the next look", async () => {
  const bytesMax = 100_000;
  testStore = await openTestStore({ bytesMax });
  const nowMs = Date.now();
  for (let round = 0; round < 40; round++) {
    const text = `${round} ${Array.from({ length: 800 }, () => Math.random().toString(36)).join(" ")}`;
    await testStore.store.append([stream(APP, entry(nowMs + round, text))]);
    await testStore.store.append([]); // waits for the disk, as a sender does
  }
  await testStore.store.maintain();
  let total = 0;
  for (const dir of [segmentsDir(testStore.dataDir), walDir(testStore.dataDir)]) {
    for (const name of await readdir(dir)) total += (await stat(join(dir, name))).size;
  }
  expect(total).toBeLessThan(bytesMax * 1.3);
  const left = await findLines(testStore.store, '{app="a"}', nowMs, nowMs + 100);
  expect(left.some((line) => line.startsWith("39 "))).toBe(true);
});

describe("merging", () => {
  /** Flushes one small segment per hour, two streams each, and a late line in every second one. */
  async function flushHours(count: number, from = 0): Promise<string[]> {
    const pushed: string[] = [];
    for (let hour = from; hour < from + count; hour++) {
      const atMs = NOW_MS + hour * 60_000;
      const texts = ["p", "q"].map((name) => `${name} in hour ${hour}`);
      await testStore.store.append(
        texts.map((text) => stream({ app: "a", name: text[0]! }, entry(atMs, text, { hour: `${hour}` }))),
      );
      pushed.push(...texts);
      if (hour % 2 === 1) {
        const late = `p late in hour ${hour}`;
        await testStore.store.append([stream({ app: "a", name: "p" }, entry(atMs - 90_000, late))]);
        pushed.push(late);
      }
      await testStore.store.flush();
    }
    return pushed.sort();
  }
  const files = async (): Promise<string[]> => (await readdir(segmentsDir(testStore.dataDir))).sort();

  test("six flushes become one file, four of those one more, and nothing is lost or read twice", async () => {
    testStore = await openTestStore();
    const pushed = await flushHours(25);
    for (let round = 0; round < 6; round++) await testStore.store.maintain(NOW_MS);
    expect((await lines()).sort()).toEqual(pushed);
    const blocks = testStore.store.select([makeMatcher("=", "app", "a")], NOW_MS - 1e9, NOW_MS + 1e9);
    expect(blocks).toHaveLength(4);
    await testStore.store.close();
    expect(await files()).toEqual(["00000001-00000024.logs", "00000025.logs"]);
    await testStore.reopen();
    expect((await lines()).sort()).toEqual(pushed);
    expect(await lines('{app="a", name="q"} | hour="17"')).toEqual(["q in hour 17"]);
  });

  test("a query that began before reads on, and a kill leaves both files: the merged one counts", async () => {
    testStore = await openTestStore();
    const pushed = await flushHours(6);
    const before = testStore.store.select([makeMatcher("=", "app", "a")], NOW_MS - 1e9, NOW_MS + 1e9);
    await testStore.store.maintain(NOW_MS);
    expect(await files()).toHaveLength(7);
    for (const block of before) expect(await block.read({ lines: true, metadata: true })).toBeDefined();
    await testStore.reopen();
    expect((await lines()).sort()).toEqual(pushed);
    expect(await files()).toEqual(["00000001-00000006.logs"]);
  });

  test("a merged file that cannot be read gives way to the files it was made of", async () => {
    testStore = await openTestStore();
    const pushed = await flushHours(6);
    await testStore.store.maintain(NOW_MS);
    await writeFile(join(segmentsDir(testStore.dataDir), "00000001-00000006.logs"), "garbage");
    await testStore.reopen();
    expect((await lines()).sort()).toEqual(pushed);
  });

  test("a file with a damaged block is left as it is", async () => {
    testStore = await openTestStore();
    await flushHours(6);
    const path = join(segmentsDir(testStore.dataDir), "00000003.logs");
    const bytes = await readFile(path);
    bytes[bytes.indexOf("LBLK") + 60]! ^= 1;
    await writeFile(path, bytes);
    await testStore.store.maintain(NOW_MS);
    await testStore.store.maintain(NOW_MS);
    expect(await files()).toHaveLength(6);
    expect(await readFile(path)).toEqual(bytes);
  });
});

test("rows keep nanoseconds and metadata through a segment", async () => {
  testStore = await openTestStore();
  await testStore.store.append([stream(APP, entry(NOW_MS, "é", { trace_id: "ü", empty: "x" }, 999_999))]);
  await testStore.store.flush();
  await testStore.reopen();
  const [block] = testStore.store.select([], NOW_MS, NOW_MS);
  const rows = (await block!.read({ lines: true, metadata: true }))!;
  expect(lineText(rows.lines!, 0)).toBe("é");
  expect(metadataOf(rows, 0)).toEqual(["trace_id", "ü", "empty", "x"]);
  expect(rows.subMsNs[0]).toBe(999_999);
  expect(block!.metadataNames).toEqual(["empty", "trace_id"]);
});
