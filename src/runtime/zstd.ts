import * as zlib from "node:zlib";

/** `node:zlib` has zstd since Node 22.15; these names are absent from the Node 20 types. */
interface ZstdInZlib {
  zstdDecompress?(
    data: Uint8Array,
    options: { maxOutputLength: number },
    done: (error: Error | null, out: Buffer) => void,
  ): void;
}

/** Bytes 0xFD2FB528, little-endian: RFC 8878 section 3.1.1. */
const ZSTD_MAGIC = 0xfd2fb528;

/**
 * Decompresses one zstd frame, refusing more than `bytesMax` of output.
 * Without zlib's own decoder the frame must state its content size, as it is checked before any memory is taken.
 * @throws RangeError when the output would pass `bytesMax` or its size is not stated; Error when the bytes are no frame.
 */
export async function zstdDecompress(data: Buffer, bytesMax: number): Promise<Buffer> {
  const native = (zlib as ZstdInZlib).zstdDecompress;
  if (native !== undefined) {
    // zlib takes no limit of 0, which an empty chunk has.
    const options = { maxOutputLength: Math.max(1, bytesMax) };
    const out = await new Promise<Buffer>((resolve, reject) => {
      native(data, options, (error, whole) => (error === null ? resolve(whole) : reject(error)));
    });
    if (out.length > bytesMax) throw new RangeError(`zstd content of ${out.length} bytes; the limit is ${bytesMax}`);
    return out;
  }
  const stated = zstdContentSize(data);
  if (stated === undefined) throw new RangeError("zstd frame does not state its content size");
  if (stated > bytesMax) throw new RangeError(`zstd content of ${stated} bytes; the limit is ${bytesMax}`);
  const { decompress } = await import("@mongodb-js/zstd");
  return decompress(data);
}

/** Content size from a frame header (RFC 8878 section 3.1.1.1), undefined where the header leaves it out. */
export function zstdContentSize(data: Buffer): number | undefined {
  if (data.length < 6 || data.readUInt32LE(0) !== ZSTD_MAGIC) throw new Error("not a zstd frame");
  const descriptor = data[4]!;
  const singleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >> 6;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!;
  const offset = 5 + (singleSegment ? 0 : 1) + dictionaryBytes;
  if (sizeFlag === 0) return singleSegment ? data[offset] : undefined;
  if (data.length < offset + (1 << sizeFlag)) throw new Error("zstd frame header is cut off");
  if (sizeFlag === 1) return data.readUInt16LE(offset) + 256;
  if (sizeFlag === 2) return data.readUInt32LE(offset);
  return Number(data.readBigUInt64LE(offset));
}
