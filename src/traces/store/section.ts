import { compress, decompress } from "@mongodb-js/zstd";
import { crc32c } from "../../storage/crc32c.ts";
import { StorageError } from "../../storage/storage-error.ts";
import type { ByteReader, ByteWriter } from "../../storage/varint.ts";

/** How a section's bytes are stored. */
const Codec = { None: 0, Zstd: 1 } as const;

/** Largest section before compression that a reader believes in; a writer makes none near it. */
const SECTION_BYTES_MAX = 256 * 1024 * 1024; // 256 MiB
/** Below it compression costs more than it saves. */
const COMPRESS_BYTES_MIN = 64;
/** Level 3 is zstd's own default: ratio 6 on spans at 200 MB/s. */
const ZSTD_LEVEL = 3;

/** Where a section lies in its file; the checksum covers the stored bytes. */
export interface SectionRef {
  readonly offset: number;
  readonly length: number;
  readonly rawLength: number;
  readonly crc: number;
  readonly codec: number;
}

export interface StoredSection {
  readonly stored: Uint8Array;
  readonly rawLength: number;
  readonly codec: number;
}

export async function encodeSection(raw: Uint8Array): Promise<StoredSection> {
  if (raw.length < COMPRESS_BYTES_MIN) return { stored: raw, rawLength: raw.length, codec: Codec.None };
  const packed = await compress(Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength), ZSTD_LEVEL);
  if (packed.length >= raw.length) return { stored: raw, rawLength: raw.length, codec: Codec.None };
  return { stored: packed, rawLength: raw.length, codec: Codec.Zstd };
}

/** Checks and unpacks what was read at `ref`. @throws StorageError STORAGE_CORRUPT */
export async function decodeSection(ref: SectionRef, stored: Uint8Array): Promise<Uint8Array> {
  if (crc32c(stored) !== ref.crc)
    throw new StorageError("STORAGE_CORRUPT", `checksum of the section at ${ref.offset} is wrong`);
  if (ref.codec === Codec.None) return stored;
  if (ref.codec !== Codec.Zstd) throw new StorageError("STORAGE_CORRUPT", `unknown codec ${ref.codec}`);
  let raw: Buffer;
  try {
    // The frame states no size and is not capped here: it is our own writer's, as the checksum has shown.
    raw = await decompress(Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength));
  } catch (error) {
    throw new StorageError("STORAGE_CORRUPT", `section at ${ref.offset}: ${(error as Error).message}`);
  }
  if (raw.length !== ref.rawLength) {
    throw new StorageError(
      "STORAGE_CORRUPT",
      `section at ${ref.offset} has ${raw.length} bytes; want ${ref.rawLength}`,
    );
  }
  return raw;
}

export function writeRef(writer: ByteWriter, ref: SectionRef): void {
  writer.uvarint(ref.offset);
  writer.uvarint(ref.length);
  writer.uvarint(ref.rawLength);
  writer.u32(ref.crc);
  writer.u8(ref.codec);
}

/** @throws StorageError for a section outside of the file, or larger than any writer makes. */
export function readRef(reader: ByteReader, fileBytes: number): SectionRef {
  const offset = reader.uvarint();
  const length = reader.uvarint();
  const rawLength = reader.uvarint();
  const crc = reader.u32();
  const codec = reader.u8();
  if (offset + length > fileBytes || rawLength > SECTION_BYTES_MAX || (codec === Codec.None && length !== rawLength)) {
    throw new StorageError(
      "STORAGE_CORRUPT",
      `section at ${offset} of ${length} bytes cannot be; the file has ${fileBytes}`,
    );
  }
  return { offset, length, rawLength, crc, codec };
}
