import { readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Wal } from "./wal.ts";
import { PAGE_BYTES, segmentName } from "./wal-format.ts";
import { readAll, withTempDir } from "./wal-testing.ts";

/** A record whose content tells its number, so that a loss or a swap is seen. */
function numbered(index: number, bytes: number): Uint8Array {
  const record = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at++) record[at] = (index * 31 + at * 7 + (at >>> 3)) & 0xff;
  return record;
}

async function writeRecords(
  dir: string,
  records: Uint8Array[],
  compression: "none" | "snappy" = "none",
): Promise<void> {
  const wal = await Wal.open({ dir, compression });
  for (const record of records) await wal.append([record]);
  await wal.close();
}

test("wal: records of any size come back, over pages, segments and reopenings", async () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 70_000 }), { minLength: 1, maxLength: 12 });
  const compressions = fc.constantFrom<"none" | "snappy">("none", "snappy");
  await fc.assert(
    fc.asyncProperty(sizes, sizes, compressions, async (first, second, compression) => {
      await withTempDir(async (dir) => {
        const written: Uint8Array[] = [];
        for (const batch of [first, second]) {
          const wal = await Wal.open({ dir, compression, segmentBytesMax: 4 * PAGE_BYTES });
          const records = batch.map((bytes, index) => numbered(index + written.length, bytes));
          await wal.append(records);
          written.push(...records);
          await wal.close();
        }
        const { records, damages } = await readAll(dir, "truncate");
        expect(damages).toEqual([]);
        expect(records.length).toBe(written.length);
        for (const [index, record] of records.entries()) expect(Buffer.compare(record, written[index]!)).toBe(0);
      });
    }),
    { numRuns: 30 },
  );
});

test("wal: a record begins rightly in each of a page's last bytes", async () => {
  for (let left = 0; left <= 16; left++) {
    await withTempDir(async (dir) => {
      const written = [numbered(1, PAGE_BYTES - 7 - left), numbered(2, 50), numbered(3, 0)];
      await writeRecords(dir, written);
      const { records, damages } = await readAll(dir, "truncate");
      expect(damages, `${left} bytes left`).toEqual([]);
      expect(records.map((record) => record.length)).toEqual(written.map((record) => record.length));
    });
  }
});

test("wal: callers at the same time share writes and all records arrive in order of their callers", async () => {
  await withTempDir(async (dir) => {
    const wal = await Wal.open({ dir });
    await Promise.all(Array.from({ length: 500 }, (_, index) => wal.append([numbered(index, 100 + index)])));
    await wal.close();
    const { records } = await readAll(dir, "truncate");
    expect(records.map((record) => record.length)).toEqual(Array.from({ length: 500 }, (_, index) => 100 + index));
    await expect(wal.append([numbered(0, 1)])).rejects.toMatchObject({ code: "STORAGE_CLOSED" });
  });
});

test("wal: cut at every byte, only the tail is lost and writing goes on", async () => {
  await withTempDir(async (dir) => {
    const source = join(dir, "source");
    const written = [12, 0, 300, 32_761, 900, 33_000, 40].map((bytes, index) => numbered(index, bytes));
    await writeRecords(source, written);
    const whole = await readFile(join(source, segmentName(0)));
    const ends = recordEnds(written);
    // Every byte near a fragment's edge, and a stride through the long middles.
    const cuts = new Set<number>();
    for (const end of [0, ...ends, PAGE_BYTES, 2 * PAGE_BYTES]) for (let d = -9; d <= 9; d++) cuts.add(end + d);
    for (let cut = 0; cut < whole.length; cut += 997) cuts.add(cut);
    for (const cut of cuts) {
      if (cut < 0 || cut > whole.length) continue;
      const copy = join(dir, `cut-${cut}`);
      await writeRecords(copy, []);
      await writeFile(join(copy, segmentName(0)), whole.subarray(0, cut));
      const before = await readAll(copy, "truncate");
      const expected = ends.filter((end) => end <= cut).length;
      expect(before.records.length, `cut at ${cut}`).toBe(expected);
      await writeRecords(copy, [numbered(99, 50)]);
      const after = await readAll(copy, "truncate");
      expect(after.damages, `cut at ${cut}`).toEqual([]);
      expect(after.records.length).toBe(expected + 1);
      for (const [index, record] of before.records.entries()) expect(Buffer.compare(record, written[index]!)).toBe(0);
    }
  });
});

/** Offsets at which each record's last fragment ends. */
function recordEnds(records: Uint8Array[]): number[] {
  const ends: number[] = [];
  let offset = 0;
  for (const record of records) {
    let left = record.length;
    do {
      const size = Math.min(left, PAGE_BYTES - (offset % PAGE_BYTES) - 7);
      offset += 7 + size;
      left -= size;
      ends.push(offset);
      if (left > 0) ends.pop();
      if (PAGE_BYTES - (offset % PAGE_BYTES) < 7) offset += PAGE_BYTES - (offset % PAGE_BYTES);
    } while (left > 0);
  }
  return ends;
}

test("wal: a flipped bit is noticed; truncate keeps what came before, resync also what comes after", async () => {
  await withTempDir(async (dir) => {
    const written = Array.from({ length: 60 }, (_, index) => numbered(index, 5_000));
    const source = join(dir, "source");
    await writeRecords(source, written);
    const whole = await readFile(join(source, segmentName(0)));
    for (let seed = 0; seed < 60; seed++) {
      const at = (seed * 7_919) % (whole.length - 1);
      const flipped = Buffer.from(whole);
      flipped[at]! ^= 1 << (seed % 8);
      for (const damage of ["truncate", "resync"] as const) {
        const copy = join(dir, `${damage}-${seed}`);
        await writeRecords(copy, []);
        await writeFile(join(copy, segmentName(0)), flipped);
        const { records, damages } = await readAll(copy, damage);
        expect(damages.length, `byte ${at}`).toBe(1);
        const numbers = records.map((record) => written.findIndex((other) => Buffer.compare(other, record) === 0));
        expect(numbers).not.toContain(-1);
        if (damage === "truncate") {
          expect(numbers).toEqual(numbers.map((_, index) => index));
          expect(damages[0]!.setAside.length).toBe(1);
        } else {
          // One page holds six to seven of these records.
          expect(records.length).toBeGreaterThanOrEqual(60 - 8);
          expect((await stat(join(copy, segmentName(0)))).size).toBe(whole.length);
        }
      }
    }
  });
});

test("wal: damage in an early segment sets the later ones aside under names that no reader takes for segments", async () => {
  await withTempDir(async (dir) => {
    const wal = await Wal.open({ dir, compression: "none" });
    for (let index = 0; index < 3; index++) {
      await wal.append([numbered(index, 100), numbered(index + 10, 100)]);
      await wal.rotate();
    }
    expect([wal.firstSegment, wal.lastSegment]).toEqual([0, 3]);
    await wal.close();
    const first = await readFile(join(dir, segmentName(1)));
    first[120]! ^= 4;
    await writeFile(join(dir, segmentName(1)), first);
    const { records, damages } = await readAll(dir, "truncate");
    expect(records.length).toBe(3);
    expect(damages).toMatchObject([
      { segment: 1, offset: 107, setAside: ["00000001-107.damaged", "00000002-0.damaged", "00000003-0.damaged"] },
    ]);
    const again = await Wal.open({ dir });
    expect(again.lastSegment).toBe(2);
    await again.append([numbered(7, 10)]);
    await again.truncateBefore(2);
    expect(again.firstSegment).toBe(2);
    await again.close();
    expect((await readdir(dir)).filter((name) => !name.endsWith(".damaged"))).toEqual(["00000002"]);
  });
});

test("wal: a zero-filled tail, an empty and a missing segment are survived", async () => {
  await withTempDir(async (dir) => {
    await writeRecords(dir, [numbered(1, 100), numbered(2, 100)]);
    await truncate(join(dir, segmentName(0)), 3 * PAGE_BYTES + 11); // grows by zeros
    expect((await readAll(dir, "truncate")).records.length).toBe(2);
    await writeFile(join(dir, segmentName(1)), "");
    await writeRecords(dir, [numbered(3, 100)]);
    expect(await readdir(dir)).toEqual(["00000000", "00000001"]);
    await writeFile(join(dir, segmentName(3)), await readFile(join(dir, segmentName(1))));
    const { records, damages } = await readAll(dir, "truncate");
    expect(records.length).toBe(3);
    expect(damages).toMatchObject([{ reason: "segment 00000002 is missing", setAside: ["00000003-0.damaged"] }]);
  });
});

test("wal: records that no segment can hold are refused, the others are not", async () => {
  await withTempDir(async (dir) => {
    const wal = await Wal.open({ dir, segmentBytesMax: PAGE_BYTES, compression: "none" });
    await expect(wal.append([numbered(1, PAGE_BYTES)])).rejects.toMatchObject({ code: "STORAGE_TOO_LARGE" });
    await wal.append([numbered(2, PAGE_BYTES - 7)]);
    await wal.append([numbered(3, 10)]);
    await wal.close();
    expect((await readAll(dir, "truncate")).records.map((record) => record.length)).toEqual([PAGE_BYTES - 7, 10]);
  });
});
