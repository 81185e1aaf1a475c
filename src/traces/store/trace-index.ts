import { StorageError } from "../../storage/storage-error.ts";

const ID_BYTES = 16;
/** Trace id, block number (4 bytes), trace number in the block (4 bytes). */
const ENTRY_BYTES = ID_BYTES + 8;
/** Bits per trace and probes: about 1 % false positives. */
const BLOOM_BITS_PER_TRACE = 10;
const BLOOM_PROBES = 7;

/** Where a trace lies in a segment. */
export interface TracePlace {
  readonly block: number;
  readonly trace: number;
}

/** All traces of a segment sorted by id, in entries of fixed width. `ids[n]` belongs to `places[n]`. */
export function encodeTraceIndex(ids: readonly Uint8Array[], places: readonly TracePlace[]): Uint8Array {
  const order = ids.map((_id, index) => index).sort((left, right) => Buffer.compare(ids[left]!, ids[right]!));
  const bytes = new Uint8Array(ids.length * ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [position, index] of order.entries()) {
    const at = position * ENTRY_BYTES;
    bytes.set(ids[index]!, at);
    view.setUint32(at + ID_BYTES, places[index]!.block);
    view.setUint32(at + ID_BYTES + 4, places[index]!.trace);
  }
  return bytes;
}

/** The place of `id` by binary search, or undefined. @throws StorageError for bytes that are no index. */
export function findInTraceIndex(index: Uint8Array, id: Uint8Array): TracePlace | undefined {
  if (index.length % ENTRY_BYTES !== 0)
    throw new StorageError("STORAGE_CORRUPT", `trace index of ${index.length} bytes`);
  let low = 0;
  let high = index.length / ENTRY_BYTES;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = middle * ENTRY_BYTES;
    const order = Buffer.compare(index.subarray(at, at + ID_BYTES), id);
    if (order === 0) {
      const view = new DataView(index.buffer, index.byteOffset + at + ID_BYTES, 8);
      return { block: view.getUint32(0), trace: view.getUint32(4) };
    }
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return undefined;
}

/** A Bloom filter over trace ids, as many bits as its length says. Source: Kirsch and Mitzenmacher 2006 (double hashing). */
export function encodeBloom(ids: readonly Uint8Array[]): Uint8Array {
  const bits = new Uint8Array(Math.max(8, Math.ceil((ids.length * BLOOM_BITS_PER_TRACE) / 8)));
  for (const id of ids) for (const bit of probes(id, bits.length * 8)) bits[bit >>> 3]! |= 1 << (bit & 7);
  return bits;
}

/** False where the id is surely not in the filter. */
export function bloomMayContain(bits: Uint8Array, id: Uint8Array): boolean {
  if (bits.length === 0) return true;
  for (const bit of probes(id, bits.length * 8)) if ((bits[bit >>> 3]! & (1 << (bit & 7))) === 0) return false;
  return true;
}

function probes(id: Uint8Array, bitCount: number): number[] {
  const first = mix(id, 0, 0x9e3779b9);
  const second = mix(id, 8, 0x85ebca6b) | 1;
  return Array.from({ length: BLOOM_PROBES }, (_none, probe) => (first + Math.imul(probe, second)) >>> 0).map(
    (hash) => hash % bitCount,
  );
}

/** FNV-1a over the id, starting at `start` and wrapping, with a final avalanche: ids need not be random. */
function mix(id: Uint8Array, start: number, seed: number): number {
  let hash = seed;
  for (let index = 0; index < ID_BYTES; index++) {
    hash = Math.imul(hash ^ id[(start + index) % ID_BYTES]!, 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return (hash ^ (hash >>> 16)) >>> 0;
}
