import { crc32c } from "../../storage/crc32c.ts";
import { StorageError } from "../../storage/storage-error.ts";
import { ByteReader, ByteWriter } from "../../storage/varint.ts";
import { CRC_BYTES, TOMBSTONES_MAGIC, TOMBSTONES_VERSION } from "./block-format.ts";

/** Magic u32 and version u8; the checksum does not cover them. */
const HEADER_BYTES = 5;

/** Times of a series, Unix ms, both inclusive, that were deleted. */
export interface DeletedRange {
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
}

/** A file without tombstones: we write no others, blocks of Prometheus' may have some. */
export function encodeTombstones(): Uint8Array {
  const writer = new ByteWriter(16);
  writer.u32(TOMBSTONES_MAGIC);
  writer.u8(TOMBSTONES_VERSION);
  writer.u32(crc32c(writer.view(HEADER_BYTES)));
  return writer.copy();
}

/** Deleted ranges by series ref. @throws StorageError STORAGE_CORRUPT or STORAGE_TRUNCATED */
export function decodeTombstones(bytes: Uint8Array): Map<number, DeletedRange[]> {
  const end = bytes.length - CRC_BYTES;
  const reader = new ByteReader(bytes, 0, Math.max(0, end));
  if (reader.u32() !== TOMBSTONES_MAGIC) throw new StorageError("STORAGE_CORRUPT", "tombstones: wrong magic number");
  if (new ByteReader(bytes, end).u32() !== crc32c(bytes, HEADER_BYTES, end)) {
    throw new StorageError("STORAGE_CORRUPT", "tombstones: checksum does not match");
  }
  const version = reader.u8();
  if (version !== TOMBSTONES_VERSION) throw new StorageError("STORAGE_CORRUPT", `tombstones of version ${version}`);
  const ranges = new Map<number, DeletedRange[]>();
  while (reader.remaining > 0) {
    const ref = reader.uvarint();
    const range = { minTimeMs: reader.varint(), maxTimeMs: reader.varint() };
    const known = ranges.get(ref);
    if (known === undefined) ranges.set(ref, [range]);
    else known.push(range);
  }
  return ranges;
}
