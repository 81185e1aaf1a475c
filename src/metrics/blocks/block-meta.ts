import { randomBytes } from "node:crypto";
import * as z from "zod";
import { StorageError } from "../../storage/storage-error.ts";
import { BLOCK_RANGE_MAX_MS, BLOCK_RANGE_MS } from "../store/limits.ts";
import { META_VERSION } from "./block-format.ts";

const parentSchema = z.looseObject({ ulid: z.string(), minTime: z.number(), maxTime: z.number() });

const metaSchema = z.looseObject({
  ulid: z.string(),
  /** First time of the range, Unix ms, inclusive. */
  minTime: z.number(),
  /** End of the range, exclusive. */
  maxTime: z.number(),
  stats: z
    .looseObject({
      numSamples: z.number().optional(),
      numSeries: z.number().optional(),
      numChunks: z.number().optional(),
    })
    .optional(),
  compaction: z.looseObject({
    level: z.number(),
    sources: z.array(z.string()).optional(),
    parents: z.array(parentSchema).optional(),
  }),
  version: z.literal(META_VERSION),
});

/** A block's `meta.json`, as Prometheus writes it. */
export type BlockMeta = z.infer<typeof metaSchema>;

/** @throws StorageError STORAGE_CORRUPT for anything but a meta.json of version 1 with a possible range. */
export function parseMeta(text: string): BlockMeta {
  try {
    const meta = metaSchema.parse(JSON.parse(text));
    const rangeMs = meta.maxTime - meta.minTime;
    if (rangeMs > 0 && rangeMs <= BLOCK_RANGE_MAX_MS + BLOCK_RANGE_MS) return meta;
    throw new Error(`range of ${rangeMs} ms`);
  } catch (error) {
    throw new StorageError(
      "STORAGE_CORRUPT",
      `meta.json is not of version ${META_VERSION}: ${(error as Error).message}`,
    );
  }
}

/** Crockford's base 32. Source: github.com/ulid/spec */
const ULID_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** A new block name: 48 bits of time, 80 of chance, so that names sort by the time of their making. */
export function newUlid(nowMs: number): string {
  let text = "";
  let time = nowMs;
  for (let index = 0; index < 10; index++) {
    text = ULID_DIGITS[time % 32]! + text;
    time = Math.floor(time / 32);
  }
  for (const byte of randomBytes(16)) text += ULID_DIGITS[byte % 32]!;
  return text;
}
