import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { crc32c } from "../../storage/crc32c.ts";
import { ByteWriter } from "../../storage/varint.ts";
import { Block } from "../blocks/block.ts";
import { type BlockMeta, newUlid } from "../blocks/block-meta.ts";
import { writeBlock } from "../blocks/block-writer.ts";
import { PageCache } from "../blocks/page-cache.ts";
import { ColumnScratch } from "../chunks/column-scratch.ts";
import { highBits, lowBits } from "../chunks/value-bits.ts";
import { blockRanges, mergedBlock, planMerge } from "./block-merge.ts";
import { Head } from "./head.ts";
import { headBlock } from "./head-block.ts";
import { BLOCK_RANGE_MS } from "./limits.ts";
import { matcher, series, withStoreDir } from "./store-testing.ts";

const HOUR_MS = 3_600_000;
const NOW_MS = 1_700_000_000_000;

function block(fromHour: number, toHour: number): { meta: BlockMeta } {
  const meta = { ulid: newUlid(NOW_MS), minTime: fromHour * HOUR_MS, maxTime: toHour * HOUR_MS, version: 1 as const };
  return { meta: { ...meta, compaction: { level: 1 } } };
}

const ranges = [2, 6, 18].map((hours) => hours * HOUR_MS);
const plans = [
  { name: "nothing", blocks: [], merged: [] },
  {
    name: "the newest block is left alone",
    blocks: [
      [0, 2],
      [2, 4],
      [4, 6],
    ],
    merged: [],
  },
  {
    name: "a full range",
    blocks: [
      [0, 2],
      [2, 4],
      [4, 6],
      [6, 8],
    ],
    merged: [
      [0, 2],
      [2, 4],
      [4, 6],
    ],
  },
  {
    name: "a range with a gap, when it gets no more",
    blocks: [
      [0, 2],
      [4, 6],
      [12, 14],
    ],
    merged: [
      [0, 2],
      [4, 6],
    ],
  },
  {
    name: "a first block that begins late",
    blocks: [
      [1, 2],
      [2, 4],
      [4, 6],
      [6, 8],
    ],
    merged: [
      [1, 2],
      [2, 4],
      [4, 6],
    ],
  },
  {
    name: "merged ones again",
    blocks: [
      [0, 6],
      [6, 12],
      [12, 18],
      [18, 20],
    ],
    merged: [
      [0, 6],
      [6, 12],
      [12, 18],
    ],
  },
  {
    name: "one block alone is not merged",
    blocks: [
      [0, 2],
      [6, 8],
      [12, 14],
      [18, 20],
    ],
    merged: [
      [0, 2],
      [6, 8],
      [12, 14],
    ],
  },
] as const;
for (const { name, blocks, merged } of plans) {
  test(`merge plan: ${name}`, () => {
    const plan = planMerge(
      blocks.map(([from, to]) => block(from, to)),
      ranges,
    );
    expect(plan.map(({ meta }) => [meta.minTime / HOUR_MS, meta.maxTime / HOUR_MS])).toEqual(merged);
  });
}

test("block ranges: three times the one before, up to a tenth of the retention", () => {
  expect(blockRanges(24 * HOUR_MS)).toEqual([BLOCK_RANGE_MS]);
  expect(blockRanges(15 * 24 * HOUR_MS).map((range) => range / HOUR_MS)).toEqual([2, 6, 18]);
});

/** A block of one series with a sample a minute in [from, to), values by `value`. */
async function minuteBlock(dir: string, from: number, to: number, value: (minute: number) => number): Promise<string> {
  const head = new Head();
  const { series: made } = head.findOrCreate(series("m"));
  for (let minute = from; minute < to; minute++) {
    head.append(made, minute * 60_000, highBits(value(minute)), lowBits(value(minute)));
  }
  const meta = await writeBlock(dir, headBlock(head, from * 60_000, to * 60_000), NOW_MS);
  return join(dir, meta!.ulid);
}

async function samplesOf(dir: string, cache: PageCache): Promise<[number, number][]> {
  const opened = await Block.open(dir, cache);
  const scratch = new ColumnScratch();
  const [source] = opened.select([matcher("__name__", "=", "m")], 0, NOW_MS);
  source!.decode(scratch);
  const { timestamps, values } = scratch.take(source!.labels, 0, NOW_MS)!;
  opened.close();
  return Array.from(timestamps, (timestampMs, index) => [timestampMs / 60_000, values[index]!]);
}

test("merge: overlapping blocks and deleted ranges are written anew, each time once", async () => {
  await withStoreDir(async (dir) => {
    const cache = new PageCache(1024 * 1024);
    const first = await minuteBlock(dir, 0, 110, (minute) => minute);
    const second = await minuteBlock(dir, 100, 200, (minute) => minute + 0.5);
    // Minutes 10 to 19 of the first block's only series are deleted, as Prometheus' API would delete them.
    const one = await Block.open(first, cache);
    const entries = new ByteWriter();
    entries.uvarint(Number(one.index.all()[0]));
    entries.varint(10 * 60_000);
    entries.varint(19 * 60_000);
    one.close();
    const file = await readFile(join(first, "tombstones"));
    const crc = Buffer.alloc(4);
    crc.writeUInt32BE(crc32c(entries.view()));
    await writeFile(join(first, "tombstones"), Buffer.concat([file.subarray(0, 5), entries.view(), crc]));
    expect((await samplesOf(first, cache)).length).toBe(100);

    const parents = [await Block.open(first, cache), await Block.open(second, cache)];
    const meta = await writeBlock(dir, mergedBlock(parents), NOW_MS);
    expect(meta).toMatchObject({ compaction: { level: 2 }, stats: { numSamples: 190, numSeries: 1 } });
    expect(meta!.compaction.parents!.map(({ ulid }) => join(dir, ulid))).toEqual([first, second]);
    for (const parent of parents) parent.close();
    const merged = await samplesOf(join(dir, meta!.ulid), cache);
    const expected = Array.from({ length: 200 }, (_, minute) => [minute, minute < 110 ? minute : minute + 0.5]);
    expect(merged).toEqual(expected.filter(([minute]) => minute! < 10 || minute! > 19));
  });
});
