import { uncompressSync } from "snappy";
import { StorageError } from "./storage-error.ts";
import { ByteReader } from "./varint.ts";

/**
 * Decompresses a snappy block of at most `bytesMax` (uncompressed). The stated length is checked first, because the
 * library takes as much memory as the prefix claims.
 * @throws StorageError STORAGE_TOO_LARGE, STORAGE_CORRUPT or STORAGE_TRUNCATED.
 */
export function snappyUncompress(block: Uint8Array, bytesMax: number): Uint8Array {
  const stated = new ByteReader(block).uvarint();
  if (stated > bytesMax) {
    throw new StorageError("STORAGE_TOO_LARGE", `snappy block states ${stated} bytes; the limit is ${bytesMax}`);
  }
  try {
    return uncompressSync(block, { asBuffer: true }) as Buffer;
  } catch (error) {
    throw new StorageError("STORAGE_CORRUPT", `snappy block does not decode: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
