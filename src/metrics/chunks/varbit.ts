import { StorageError } from "../../storage/storage-error.ts";
import type { BitReader, BitWriter } from "./bit-stream.ts";

/**
 * Integers of native histogram chunks: as many ones as the bucket's number, a zero (none after the eighth one), then
 * the number in the bucket's bits. Source: Prometheus tsdb/chunkenc/varbit.go.
 */
const BUCKET_BITS = [0, 3, 6, 9, 12, 18, 25, 56, 64];
const LAST_BUCKET = BUCKET_BITS.length - 1;
const TWO_32 = 4_294_967_296;

/** A signed integer of at most 2^53 in magnitude. */
export function writeVarbitInt(stream: BitWriter, value: number): void {
  let bucket = value === 0 ? 0 : 1;
  // The ranges are lopsided as those of the times are: -(2^(n-1) - 1) to 2^(n-1).
  while (bucket > 0 && bucket < LAST_BUCKET) {
    const half = 2 ** (BUCKET_BITS[bucket]! - 1);
    if (value >= 1 - half && value <= half) break;
    bucket++;
  }
  writeInBucket(stream, bucket, value);
}

/** An unsigned integer of at most 2^53. */
export function writeVarbitUint(stream: BitWriter, value: number): void {
  let bucket = 0;
  while (bucket < LAST_BUCKET && value >= 2 ** BUCKET_BITS[bucket]!) bucket++;
  writeInBucket(stream, bucket, value);
}

/** @throws StorageError */
export function readVarbitInt(reader: BitReader): number {
  const bits = BUCKET_BITS[readBucket(reader)]!;
  if (bits === 0) return 0;
  if (bits === 64) return safe(reader.int64());
  const low = reader.read64(bits);
  const { high } = reader;
  if (bits <= 32) return low > 2 ** (bits - 1) ? low - 2 ** bits : low;
  // The sign goes to the upper half first: the whole pattern would be more than a double holds exactly.
  const signBit = 2 ** (bits - 33);
  const negative = high > signBit || (high === signBit && low > 0);
  return safe((negative ? high - 2 * signBit : high) * TWO_32 + low);
}

/** @throws StorageError */
export function readVarbitUint(reader: BitReader): number {
  const bits = BUCKET_BITS[readBucket(reader)]!;
  return bits === 0 ? 0 : safe(readBits(reader, bits));
}

function writeInBucket(stream: BitWriter, bucket: number, value: number): void {
  if (bucket === LAST_BUCKET) stream.write(0xff, LAST_BUCKET);
  else stream.write(2 ** (bucket + 1) - 2, bucket + 1);
  const high = Math.floor(value / TWO_32);
  if (bucket > 0) stream.write64(high, value - high * TWO_32, BUCKET_BITS[bucket]!);
}

function readBucket(reader: BitReader): number {
  let bucket = 0;
  while (bucket < LAST_BUCKET && reader.bit() === 1) bucket++;
  return bucket;
}

function readBits(reader: BitReader, bits: number): number {
  const low = reader.read64(bits);
  return reader.high * TWO_32 + low;
}

function safe(value: number): number {
  if (Number.isSafeInteger(value)) return value;
  throw new StorageError("STORAGE_CORRUPT", "integer in a chunk does not fit in 53 bits");
}
