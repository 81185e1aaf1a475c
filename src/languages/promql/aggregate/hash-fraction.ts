import type { Labels } from "../../../series/labels.ts";

const MASK = 0xffff_ffff_ffff_ffffn;
const PRIME1 = 0x9e37_79b1_85eb_ca87n;
const PRIME2 = 0xc2b2_ae3d_27d4_eb4fn;
const PRIME3 = 0x1656_67b1_9e37_79f9n;
const PRIME4 = 0x85eb_ca77_c2b2_ae63n;
const PRIME5 = 0x27d4_eb2f_1656_67c5n;

/**
 * A label set's place in [0, 1), the same in every query, as `limit_ratio` needs it: the xxHash64 of Prometheus' own
 * label encoding (each name and value behind its length), so that both choose the same series.
 */
export function hashFraction(labels: Labels): number {
  const parts: Buffer[] = [];
  for (const text of labels.pairs) {
    const bytes = Buffer.from(text);
    parts.push(lengthPrefix(bytes.length), bytes);
  }
  return Number(xxHash64(Buffer.concat(parts))) / 2 ** 64;
}

/** One byte up to 254, else 255 and three bytes, little-endian. Source: Prometheus model/labels, stringlabels. */
function lengthPrefix(length: number): Buffer {
  if (length < 255) return Buffer.of(length);
  return Buffer.of(255, length & 0xff, (length >> 8) & 0xff, (length >> 16) & 0xff);
}

/** xxHash64 with seed 0. Source: the algorithm's specification (Cyan4973/xxHash, doc/xxhash_spec.md). */
function xxHash64(input: Buffer): bigint {
  let offset = 0;
  let hash: bigint;
  if (input.length >= 32) {
    const lanes = [(PRIME1 + PRIME2) & MASK, PRIME2, 0n, (MASK + 1n - PRIME1) & MASK];
    for (; offset + 32 <= input.length; offset += 32) {
      for (let lane = 0; lane < 4; lane++) lanes[lane] = round(lanes[lane]!, input.readBigUInt64LE(offset + lane * 8));
    }
    const [a, b, c, d] = lanes as [bigint, bigint, bigint, bigint];
    hash = (rotate(a, 1n) + rotate(b, 7n) + rotate(c, 12n) + rotate(d, 18n)) & MASK;
    for (const lane of lanes) hash = ((hash ^ round(0n, lane)) * PRIME1 + PRIME4) & MASK;
  } else hash = PRIME5;
  hash = (hash + BigInt(input.length)) & MASK;
  for (; offset + 8 <= input.length; offset += 8)
    hash = (rotate(hash ^ round(0n, input.readBigUInt64LE(offset)), 27n) * PRIME1 + PRIME4) & MASK;
  if (offset + 4 <= input.length) {
    hash = (rotate(hash ^ ((BigInt(input.readUInt32LE(offset)) * PRIME1) & MASK), 23n) * PRIME2 + PRIME3) & MASK;
    offset += 4;
  }
  for (; offset < input.length; offset++)
    hash = (rotate(hash ^ ((BigInt(input[offset]!) * PRIME5) & MASK), 11n) * PRIME1) & MASK;
  hash = ((hash ^ (hash >> 33n)) * PRIME2) & MASK;
  hash = ((hash ^ (hash >> 29n)) * PRIME3) & MASK;
  return hash ^ (hash >> 32n);
}

function round(accumulator: bigint, input: bigint): bigint {
  return (rotate((accumulator + input * PRIME2) & MASK, 31n) * PRIME1) & MASK;
}

function rotate(value: bigint, bits: bigint): bigint {
  return ((value << bits) | (value >> (64n - bits))) & MASK;
}
