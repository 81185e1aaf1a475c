import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { SyncWal } from "./sync-wal.ts";
import { readAll, withTempDir } from "./wal-testing.ts";

const PAGE = 32 * 1024;
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

test("records are on file when append returns, at positions that grow, over pages and segments", () =>
  withTempDir(async (dir) => {
    const wal = SyncWal.open({ dir, segmentBytesMax: 2 * PAGE });
    const sizes = [1, 0, 5_000, 40_000, 30_000, 20_000, 3];
    const positions = sizes.map((size, index) => wal.append(new Uint8Array(size).fill(65 + index)));
    const { records, damages } = await readAll(dir, "truncate"); // While it is open: what a killed process leaves.
    expect(records.map((record) => [record.length, record[0]])).toEqual(
      sizes.map((size, index) => [size, size === 0 ? undefined : 65 + index]),
    );
    expect(damages).toEqual([]);
    for (const [index, position] of positions.entries()) {
      const before = positions[index - 1];
      if (before === undefined) expect(position).toEqual({ segment: 0, index: 0 });
      else expect(position.segment > before.segment || position.index === before.index + 1).toBe(true);
    }
    const last = positions.at(-1)!.segment;
    expect(last).toBeGreaterThan(0);
    wal.truncateBefore(last);
    expect(wal.bytes).toBe(wal.segmentBytes);
    wal.close();
    expect(() => wal.append(new Uint8Array(1))).toThrow("closed");
    const reopened = SyncWal.open({ dir });
    expect(reopened.position).toEqual({ segment: last + 1, index: 0 });
    reopened.close();
  }));

test("a record that is too large is refused, the next one is taken", () =>
  withTempDir(async (dir) => {
    const wal = SyncWal.open({ dir, segmentBytesMax: PAGE });
    expect(() => wal.append(new Uint8Array(PAGE))).toThrow("the limit is");
    wal.append(Buffer.from("fits"));
    wal.close();
    expect((await readAll(dir, "truncate")).records.map(text)).toEqual(["fits"]);
  }));

test("a torn tail loses the last record only", () =>
  withTempDir(async (dir) => {
    const wal = SyncWal.open({ dir });
    wal.append(Buffer.from("whole"));
    const before = wal.segmentBytes;
    wal.append(Buffer.from("torn"));
    wal.close();
    truncateSync(join(dir, "00000000"), before + 9);
    const { records, damages } = await readAll(dir, "truncate");
    expect(records.map(text)).toEqual(["whole"]);
    expect(damages).toHaveLength(1);
    const next = SyncWal.open({ dir });
    next.append(Buffer.from("later"));
    next.close();
    expect((await readAll(dir, "truncate")).records.map(text)).toEqual(["whole", "later"]);
  }));

test("a folder that cannot be written says so", () =>
  withTempDir(async (dir) => {
    writeFileSync(join(dir, "file"), "");
    expect(() => SyncWal.open({ dir: join(dir, "file") })).toThrow(
      expect.objectContaining({ code: "STORAGE_WRITE_FAILED" }),
    );
  }));

test("any records come back in order", async () => {
  const records = fc.array(fc.uint8Array({ maxLength: 9_000 }), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(records, (all) =>
      withTempDir(async (dir) => {
        const wal = SyncWal.open({ dir, segmentBytesMax: PAGE });
        for (const record of all) wal.append(record);
        wal.close();
        const read = await readAll(dir, "truncate");
        expect(read.records.map(text)).toEqual(all.map(text));
      }),
    ),
    { numRuns: 30 },
  );
});
