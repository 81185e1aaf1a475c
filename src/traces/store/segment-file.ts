import { type FileHandle, open } from "node:fs/promises";
import { crc32c } from "../../storage/crc32c.ts";
import { StorageError } from "../../storage/storage-error.ts";
import { ByteReader } from "../../storage/varint.ts";
import { decodeSection, type SectionRef } from "./section.ts";
import {
  DIRECTORY_BYTES_MAX,
  decodeDirectory,
  SEGMENT_MAGIC,
  type SegmentDirectory,
  TRAILER_BYTES,
  TRAILER_MAGIC,
} from "./segment-format.ts";

/** Reads a segment's directory. @throws StorageError where the file is no whole segment. */
export async function readDirectory(path: string): Promise<{ directory: SegmentDirectory; fileBytes: number }> {
  const handle = await open(path, "r");
  try {
    const fileBytes = (await handle.stat()).size;
    if (fileBytes < SEGMENT_MAGIC.length + TRAILER_BYTES) {
      throw new StorageError("STORAGE_TRUNCATED", `segment of ${fileBytes} bytes`);
    }
    const magic = await readAt(handle, 0, SEGMENT_MAGIC.length);
    const trailer = await readAt(handle, fileBytes - TRAILER_BYTES, TRAILER_BYTES);
    if (!SEGMENT_MAGIC.equals(magic) || !TRAILER_MAGIC.equals(trailer.subarray(TRAILER_BYTES - TRAILER_MAGIC.length))) {
      throw new StorageError("STORAGE_CORRUPT", "not a segment: its magic bytes are missing");
    }
    const reader = new ByteReader(trailer);
    const offset = reader.i64();
    const length = reader.u32();
    const crc = reader.u32();
    if (length > DIRECTORY_BYTES_MAX || offset < 0 || offset + length + TRAILER_BYTES !== fileBytes) {
      throw new StorageError("STORAGE_CORRUPT", `directory at ${offset} of ${length} bytes in a file of ${fileBytes}`);
    }
    const bytes = await readAt(handle, offset, length);
    if (crc32c(bytes) !== crc) throw new StorageError("STORAGE_CORRUPT", "checksum of the directory is wrong");
    return { directory: decodeDirectory(bytes, fileBytes), fileBytes };
  } finally {
    await handle.close();
  }
}

/** Reads, checks and unpacks sections of a segment, in the order given. @throws StorageError, or ENOENT where retention was first. */
export async function readSections(path: string, refs: readonly SectionRef[]): Promise<Uint8Array[]> {
  const handle = await open(path, "r");
  try {
    const sections: Uint8Array[] = [];
    for (const ref of refs) sections.push(await decodeSection(ref, await readAt(handle, ref.offset, ref.length)));
    return sections;
  } finally {
    await handle.close();
  }
}

async function readAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(buffer, done, length - done, offset + done);
    if (bytesRead === 0)
      throw new StorageError("STORAGE_TRUNCATED", `file ends at ${offset + done}; wanted ${offset + length}`);
    done += bytesRead;
  }
  return buffer;
}
