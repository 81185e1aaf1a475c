import * as zlib from "node:zlib";
import * as lz4 from "lz4-napi";
import { compressSync as snappyCompress } from "snappy";
import { zstdContentSize, zstdDecompress } from "../runtime/zstd.ts";
import { snappyUncompress } from "./snappy-block.ts";
import { StorageError } from "./storage-error.ts";

export type Codec = "zstd" | "lz4" | "snappy" | "none";

/** Fast and already six times smaller on log lines; higher levels cost more CPU than the disk saved is worth. */
const ZSTD_LEVEL = 1;
/** Where the content size goes in a frame header that has a window descriptor and no dictionary id. */
const ZSTD_DESCRIPTOR_OFFSET = 4;
const ZSTD_SIZE_OFFSET = 6;
const ZSTD_SIZE_BYTES = 4;
const ZSTD_SIZE_FLAG = 0x80;
/** lz4-napi's blocks begin with their uncompressed length, u32 little-endian. */
const LZ4_LENGTH_BYTES = 4;

/** `node:zlib` has zstd since Node 22.15; these names are absent from the Node 20 types. */
interface ZstdInZlib {
  zstdCompress?(
    data: Uint8Array,
    options: { params: Record<number, number> },
    done: (error: Error | null, out: Buffer) => void,
  ): void;
  constants: { ZSTD_c_compressionLevel?: number };
}

/** Compresses one chunk, off the event loop where the codec's library can. */
export async function compressChunk(codec: Codec, chunk: Uint8Array): Promise<Uint8Array> {
  switch (codec) {
    case "zstd":
      return compressZstd(chunk);
    case "lz4":
      return lz4.compress(chunk);
    case "snappy":
      return snappyCompress(chunk);
    case "none":
      return chunk;
  }
}

/**
 * Undoes `compressChunk`. The stated length is checked against `bytesMax` before any memory is taken.
 * @throws StorageError STORAGE_TOO_LARGE past the limit; STORAGE_CORRUPT or STORAGE_TRUNCATED for bytes that do not decode.
 */
export async function decompressChunk(codec: Codec, bytes: Uint8Array, bytesMax: number): Promise<Uint8Array> {
  switch (codec) {
    case "zstd":
      return decompressZstd(bytes, bytesMax);
    case "lz4":
      return decompressLz4(bytes, bytesMax);
    case "snappy":
      return snappyUncompress(bytes, bytesMax);
    case "none":
      if (bytes.length > bytesMax) throw tooLarge(bytes.length, bytesMax);
      return bytes;
  }
}

async function compressZstd(chunk: Uint8Array): Promise<Uint8Array> {
  const { zstdCompress, constants } = zlib as unknown as ZstdInZlib;
  if (zstdCompress === undefined || constants.ZSTD_c_compressionLevel === undefined) {
    const { compress } = await import("@mongodb-js/zstd");
    return withContentSize(await compress(asBuffer(chunk), ZSTD_LEVEL), chunk.length);
  }
  const options = { params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL } };
  return new Promise((resolve, reject) => {
    zstdCompress(chunk, options, (error, out) => {
      if (error === null) resolve(withContentSize(out, chunk.length));
      else reject(error);
    });
  });
}

/**
 * A streaming encoder leaves the content size out of the frame header, and without it nobody can refuse a frame before
 * taking memory for it. So we add the field: RFC 8878 section 3.1.1.1, four bytes behind the window descriptor.
 */
function withContentSize(frame: Buffer, contentBytes: number): Uint8Array {
  if (zstdContentSize(frame) !== undefined) return frame;
  const stated = Buffer.allocUnsafe(frame.length + ZSTD_SIZE_BYTES);
  frame.copy(stated, 0, 0, ZSTD_SIZE_OFFSET);
  stated[ZSTD_DESCRIPTOR_OFFSET]! |= ZSTD_SIZE_FLAG;
  stated.writeUInt32LE(contentBytes, ZSTD_SIZE_OFFSET);
  frame.copy(stated, ZSTD_SIZE_OFFSET + ZSTD_SIZE_BYTES, ZSTD_SIZE_OFFSET);
  return stated;
}

async function decompressZstd(bytes: Uint8Array, bytesMax: number): Promise<Uint8Array> {
  try {
    return await zstdDecompress(asBuffer(bytes), bytesMax);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof RangeError || code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(undefined, bytesMax);
    throw corrupt("zstd", error);
  }
}

async function decompressLz4(bytes: Uint8Array, bytesMax: number): Promise<Uint8Array> {
  if (bytes.length < LZ4_LENGTH_BYTES) throw new StorageError("STORAGE_TRUNCATED", "lz4 chunk has no length");
  const stated = asBuffer(bytes).readUInt32LE(0);
  if (stated > bytesMax) throw tooLarge(stated, bytesMax);
  try {
    return await lz4.uncompress(bytes);
  } catch (error) {
    throw corrupt("lz4", error);
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function tooLarge(stated: number | undefined, bytesMax: number): StorageError {
  const what = stated === undefined ? "chunk is larger than it may be" : `chunk of ${stated} bytes`;
  return new StorageError("STORAGE_TOO_LARGE", `${what}; the limit is ${bytesMax}`);
}

function corrupt(codec: Codec, cause: unknown): StorageError {
  return new StorageError("STORAGE_CORRUPT", `${codec} chunk does not decode: ${(cause as Error).message}`, { cause });
}
