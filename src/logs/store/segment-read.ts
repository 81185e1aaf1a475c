import { type FileHandle, open } from "node:fs/promises";
import { BloomFilter } from "../../storage/bloom-filter.ts";
import { decompressChunk } from "../../storage/codec.ts";
import { crc32c } from "../../storage/crc32c.ts";
import { StorageError } from "../../storage/storage-error.ts";
import { ByteReader } from "../../storage/varint.ts";
import { asBuffer } from "./block-columns.ts";
import {
  BLOCK_HEADER_BYTES_MAX,
  BLOCK_MAGIC,
  BLOCK_PREFIX_BYTES,
  type BlockHeader,
  blockBytes,
  CRC_BYTES,
  decodeBlockHeader,
  FOOTER_BYTES,
  FOOTER_MAGIC,
  SECTIONS,
  SEGMENT_MAGIC,
  type SectionName,
  sectionSpan,
} from "./block-format.ts";

/** Largest index accepted: blocks by the hundred thousand. */
const INDEX_BYTES_MAX = 64 * 1024 * 1024;
/** Bytes read at once while looking for blocks in a file without a usable index. */
const SCAN_BYTES = 256 * 1024;

/** A block in a file. */
export interface SegmentBlock {
  readonly offset: number;
  readonly headerBytes: number;
  readonly header: BlockHeader;
}

/** What a segment file says about itself. */
export interface SegmentFile {
  readonly path: string;
  readonly bytes: number;
  readonly blocks: readonly SegmentBlock[];
  /** First WAL segment whose records are not in here; undefined when the footer is damaged. */
  readonly walThrough: number | undefined;
  /** Why the index could not be used, where the blocks had to be searched for instead. */
  readonly damage: string | undefined;
}

/**
 * Reads a segment's index. Where index or footer are damaged, the file is searched for blocks, each of which
 * carries its own header: what can be read is served.
 * @throws StorageError when it is no segment file at all, or the file system's error.
 */
export async function openSegment(path: string): Promise<SegmentFile> {
  const handle = await open(path, "r");
  try {
    const { size } = await handle.stat();
    try {
      const { blocks, walThrough } = await readIndex(handle, size);
      return { path, bytes: size, blocks, walThrough, damage: undefined };
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      const blocks = await searchBlocks(handle, size);
      if (blocks.length === 0) throw error;
      return { path, bytes: size, blocks, walThrough: undefined, damage: error.message };
    }
  } finally {
    await handle.close();
  }
}

async function readIndex(handle: FileHandle, size: number): Promise<{ blocks: SegmentBlock[]; walThrough: number }> {
  if (size < SEGMENT_MAGIC.length + FOOTER_BYTES)
    throw new StorageError("STORAGE_TRUNCATED", `segment of ${size} bytes`);
  const magic = await readAt(handle, 0, SEGMENT_MAGIC.length);
  if (!magic.equals(SEGMENT_MAGIC)) throw new StorageError("STORAGE_CORRUPT", "not a logs segment");
  const footer = await readAt(handle, size - FOOTER_BYTES, FOOTER_BYTES);
  if (!footer.subarray(-FOOTER_MAGIC.length).equals(FOOTER_MAGIC)) {
    throw new StorageError("STORAGE_CORRUPT", "segment has no footer");
  }
  const reader = new ByteReader(footer);
  const indexOffset = reader.i64();
  const indexBytes = reader.u32();
  const rawBytes = reader.u32();
  const walThrough = reader.i64();
  const crc = reader.u32();
  if (indexOffset < 0 || indexOffset + indexBytes + FOOTER_BYTES !== size || rawBytes > INDEX_BYTES_MAX) {
    throw new StorageError("STORAGE_CORRUPT", "segment footer does not fit the file");
  }
  const index = await readAt(handle, indexOffset, indexBytes);
  const fields = footer.subarray(0, FOOTER_BYTES - FOOTER_MAGIC.length - CRC_BYTES);
  if (crc32c(fields, 0, fields.length, crc32c(index)) !== crc) {
    throw new StorageError("STORAGE_CORRUPT", "segment index checksum mismatch");
  }
  return { blocks: decodeIndex(await decompressChunk("zstd", index, rawBytes), indexOffset), walThrough };
}

function decodeIndex(bytes: Uint8Array, indexOffset: number): SegmentBlock[] {
  const reader = new ByteReader(bytes);
  const count = reader.uvarint();
  const blocks: SegmentBlock[] = [];
  for (let index = 0; index < count; index++) {
    const offset = reader.uvarint();
    const start = reader.offset;
    const header = decodeBlockHeader(reader);
    const headerBytes = reader.offset - start;
    if (offset + blockBytes(headerBytes, header) > indexOffset) {
      throw new StorageError("STORAGE_CORRUPT", "segment index points past the blocks");
    }
    blocks.push({ offset, headerBytes, header });
  }
  return blocks;
}

/** Finds blocks by their magic; a header counts when its checksum is right. */
async function searchBlocks(handle: FileHandle, size: number): Promise<SegmentBlock[]> {
  const blocks: SegmentBlock[] = [];
  let offset = 0;
  while (offset + BLOCK_PREFIX_BYTES < size) {
    const chunk = await readAt(handle, offset, Math.min(SCAN_BYTES, size - offset));
    const found = chunk.indexOf(BLOCK_MAGIC);
    if (found === -1) {
      offset += Math.max(1, chunk.length - BLOCK_MAGIC.length + 1);
      continue;
    }
    const block = await readBlockHeader(handle, offset + found, size);
    if (block === undefined) offset += found + 1;
    else {
      blocks.push(block);
      offset = block.offset + blockBytes(block.headerBytes, block.header);
    }
  }
  return blocks;
}

async function readBlockHeader(handle: FileHandle, offset: number, size: number): Promise<SegmentBlock | undefined> {
  try {
    const headerBytes = (await readAt(handle, offset + BLOCK_MAGIC.length, 4)).readUInt32BE(0);
    if (headerBytes > BLOCK_HEADER_BYTES_MAX) return undefined;
    const bytes = await readAt(handle, offset + BLOCK_PREFIX_BYTES, headerBytes + CRC_BYTES);
    if (crc32c(bytes, 0, headerBytes) !== bytes.readUInt32BE(headerBytes)) return undefined;
    const header = decodeBlockHeader(new ByteReader(bytes, 0, headerBytes));
    return offset + blockBytes(headerBytes, header) > size ? undefined : { offset, headerBytes, header };
  } catch (error) {
    if (error instanceof StorageError) return undefined;
    throw error;
  }
}

/**
 * Reads one section, verified and decompressed; undefined where the block has none.
 * @throws StorageError STORAGE_CORRUPT for bytes that do not fit their checksum.
 */
export async function readSection(
  handle: FileHandle,
  block: SegmentBlock,
  name: SectionName,
): Promise<Buffer | undefined> {
  const section = block.header.sections[name];
  if (section.bytes === 0) return undefined;
  let offset = block.offset + BLOCK_PREFIX_BYTES + block.headerBytes + CRC_BYTES;
  for (const before of SECTIONS) {
    if (before === name) break;
    offset += sectionSpan(block.header.sections[before]);
  }
  const bytes = await readAt(handle, offset, section.bytes + CRC_BYTES);
  const stored = bytes.subarray(0, section.bytes);
  if (crc32c(stored) !== bytes.readUInt32BE(section.bytes)) {
    throw new StorageError("STORAGE_CORRUPT", `section ${name} checksum mismatch at offset ${offset}`);
  }
  if (name === "bloom") return stored;
  const raw = await decompressChunk("zstd", stored, section.rawBytes);
  if (raw.length !== section.rawBytes) throw new StorageError("STORAGE_CORRUPT", `section ${name} has a wrong length`);
  return asBuffer(raw);
}

export function readBloom(bytes: Buffer): BloomFilter {
  return BloomFilter.deserialize(bytes);
}

async function readAt(handle: FileHandle, offset: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(bytes);
  let filled = 0;
  while (filled < bytes) {
    const { bytesRead } = await handle.read(buffer, filled, bytes - filled, offset + filled);
    if (bytesRead === 0) throw new StorageError("STORAGE_TRUNCATED", `file ends at ${offset + filled}`);
    filled += bytesRead;
  }
  return buffer;
}
