import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { StorageError } from "../../storage/storage-error.ts";
import { ByteWriter } from "../../storage/varint.ts";
import { parseMeta } from "../blocks/block-meta.ts";
import { decodeTombstones } from "../blocks/tombstones.ts";
import { ColumnScratch } from "../chunks/column-scratch.ts";
import { type RecordVisitor, visitRecord, writeSampleEntry, writeSampleHeader } from "./records.ts";
import { matcher, openTestStore, series, withStoreDir } from "./store-testing.ts";

const NOTHING: RecordVisitor = {
  series: () => undefined,
  sample: () => undefined,
  histogram: () => undefined,
  exemplar: () => undefined,
  metadata: () => undefined,
};

/** Bytes near real headers reach further into a decoder than noise does. */
const bytes = fc
  .array(fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 7, 8, 0x7f, 0x80, 0xff), fc.nat(255)), { maxLength: 120 })
  .map((list) => Uint8Array.from(list));

/** Runs a decoder; the only error it may throw is a typed one. */
function typed(decode: () => void): void {
  try {
    decode();
  } catch (error) {
    expect(error).toBeInstanceOf(StorageError);
  }
}

test("fuzz: any bytes as a WAL record are visited or refused", () => {
  fc.assert(
    fc.property(fc.nat(11), bytes, (type, rest) => typed(() => visitRecord(Uint8Array.of(type, ...rest), NOTHING))),
    { numRuns: 3_000 },
  );
});

test("fuzz: any bytes as a chunk of any encoding decode or are refused", () => {
  fc.assert(
    fc.property(fc.nat(4), fc.nat(300), bytes, (encoding, count, rest) => {
      const chunk = Uint8Array.of(count >> 8, count, ...rest);
      typed(() => new ColumnScratch().decode(encoding, chunk, 0, chunk.length));
    }),
    { numRuns: 3_000 },
  );
});

test("fuzz: any text as meta.json, any bytes as tombstones are read or refused", () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (text) => typed(() => void parseMeta(text))),
    { numRuns: 500 },
  );
  fc.assert(
    fc.property(bytes, (file) => typed(() => void decodeTombstones(file))),
    { numRuns: 500 },
  );
});

test("fuzz: samples of any ref, time and bits survive a record", () => {
  const word = fc.integer({ min: 0, max: 0xffff_ffff });
  const sample = fc.tuple(fc.nat(2 ** 31 - 1), fc.integer({ min: -(2 ** 44), max: 2 ** 44 }), word, word);
  fc.assert(
    fc.property(fc.array(sample, { minLength: 1, maxLength: 50 }), (samples) => {
      const writer = new ByteWriter();
      const [firstRef, firstMs] = samples[0]!;
      writeSampleHeader(writer, 2, firstRef, firstMs);
      for (const [ref, ms, high, low] of samples) writeSampleEntry(writer, ref - firstRef, ms - firstMs, high, low);
      const seen: unknown[] = [];
      visitRecord(writer.view(), { ...NOTHING, sample: (...entry) => void seen.push(entry) });
      expect(seen).toEqual(samples);
    }),
  );
});

test("fuzz: a block with any bytes overwritten is served or set aside, never thrown at", async () => {
  await withStoreDir(async (dir) => {
    const source = join(dir, "source");
    const { store } = await openTestStore(source);
    for (let minute = 0; minute < 200; minute++) {
      const appender = store.appender();
      for (const path of ["/a", "/b"])
        appender.append(0, series("m", { path }), 1_700_000_000_000 + minute * 60_000, minute);
      await appender.commit();
    }
    await store.maintain();
    const [block] = (await readdir(source)).filter((name) => name.length === 26);
    await store.close();
    const files = ["index", "chunks/000001", "meta.json", "tombstones"];
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...files),
        fc.nat(10_000),
        fc.uint8Array({ maxLength: 8 }),
        async (file, at, patch) => {
          const copy = join(dir, `run-${run++}`);
          await cp(source, copy, { recursive: true });
          const path = join(copy, block!, file);
          const content = await readFile(path);
          content.set(patch.subarray(0, Math.max(0, content.length - (at % content.length))), at % content.length);
          await writeFile(path, content);
          const opened = await openTestStore(copy);
          const range = { minTimeMs: 0, maxTimeMs: Number.MAX_SAFE_INTEGER };
          const found = await opened.store.queryable.select([matcher("__name__", "=", "m")], range);
          expect(found.length).toBeLessThanOrEqual(2);
          await opened.store.close();
        },
      ),
      { numRuns: 60 },
    );
  });
});
