/** Castagnoli polynomial, reflected. Source: RFC 3720 appendix B.4. */
const POLYNOMIAL = 0x82f63b78;
/** Bytes taken per round ("slicing by 8", Kounavis and Berry 2005): eight tables of 256 words, 8 KiB in the L1 cache. */
const SLICES = 8;

const tables = buildTables();

/**
 * CRC-32C of `bytes[start, end)` as an unsigned 32-bit number. Pass the previous result as `crc` to continue over
 * several pieces.
 */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length, crc = 0): number {
  let state = ~crc;
  let offset = start;
  const wordsEnd = end - SLICES;
  while (offset <= wordsEnd) {
    const low =
      state ^ (bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16) | (bytes[offset + 3]! << 24));
    state =
      tables[0x700 | (low & 0xff)]! ^
      tables[0x600 | ((low >>> 8) & 0xff)]! ^
      tables[0x500 | ((low >>> 16) & 0xff)]! ^
      tables[0x400 | (low >>> 24)]! ^
      tables[0x300 | bytes[offset + 4]!]! ^
      tables[0x200 | bytes[offset + 5]!]! ^
      tables[0x100 | bytes[offset + 6]!]! ^
      tables[bytes[offset + 7]!]!;
    offset += SLICES;
  }
  for (; offset < end; offset++) state = (state >>> 8) ^ tables[(state ^ bytes[offset]!) & 0xff]!;
  return ~state >>> 0;
}

/** Table k holds, at 256 * k + b, the CRC of byte b followed by k zero bytes. */
function buildTables(): Int32Array {
  const built = new Int32Array(256 * SLICES);
  for (let byte = 0; byte < 256; byte++) {
    let word = byte;
    for (let bit = 0; bit < 8; bit++) word = word & 1 ? (word >>> 1) ^ POLYNOMIAL : word >>> 1;
    built[byte] = word;
  }
  for (let index = 256; index < built.length; index++) {
    const previous = built[index - 256]!;
    built[index] = (previous >>> 8) ^ built[previous & 0xff]!;
  }
  return built;
}
