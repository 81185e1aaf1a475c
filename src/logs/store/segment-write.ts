import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { Labels } from "../../series/labels.ts";
import { syncDir, writeFully } from "../../storage/atomic-file.ts";
import { compressChunk } from "../../storage/codec.ts";
import { crc32c } from "../../storage/crc32c.ts";
import { writeError } from "../../storage/storage-error.ts";
import { ByteWriter } from "../../storage/varint.ts";
import { encodeMetadataColumn, encodeTimes } from "./block-columns.ts";
import {
  BLOCK_MAGIC,
  type BlockHeader,
  encodeBlockHeader,
  FOOTER_MAGIC,
  SECTIONS,
  SEGMENT_MAGIC,
  type SectionName,
} from "./block-format.ts";
import type { RowsBuilder } from "./rows-builder.ts";
import { buildTokenBloom } from "./token-bloom.ts";

/** Sections whose bytes are compressed; a bloom filter is as dense as it gets. */
const COMPRESSED: ReadonlySet<SectionName> = new Set(["times", "lines", "metadata"]);

/** A block as it was written: where, and what its header says. */
export interface WrittenBlock {
  readonly offset: number;
  readonly header: BlockHeader;
}

/** Rows of one stream that become one block. */
export interface BlockToWrite {
  readonly labels: Labels;
  readonly builder: RowsBuilder;
}

/**
 * Writes a segment file: beside its name first, fsynced, then renamed, so that it is there whole or not at all.
 * `walThrough` is the first WAL segment whose records are not in it.
 * @throws StorageError STORAGE_FULL or STORAGE_WRITE_FAILED; nothing is left behind.
 */
export async function writeSegment(
  path: string,
  input: Iterable<BlockToWrite> | AsyncIterable<BlockToWrite>,
  walThrough: number,
): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    const handle = await open(temporary, "w", 0o600);
    try {
      const blocks: WrittenBlock[] = [];
      let offset = SEGMENT_MAGIC.length;
      await writeFully(handle, SEGMENT_MAGIC, 0);
      for await (const { labels, builder } of input) {
        const { bytes, header } = await encodeBlock(labels, builder);
        await writeFully(handle, bytes, offset);
        blocks.push({ offset, header });
        offset += bytes.length;
      }
      await writeFully(handle, await encodeIndex(blocks, offset, walThrough), offset);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await syncDir(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw writeError(`write segment ${path}`, error);
  }
}

/** One block: prefix, header, checksum, then each section with its checksum. */
async function encodeBlock(labels: Labels, builder: RowsBuilder): Promise<{ bytes: Uint8Array; header: BlockHeader }> {
  const rows = builder.view();
  const minMs = rows.timestampsMs[0]!;
  const raw: Record<SectionName, Uint8Array | undefined> = {
    times: encodeTimes(rows, minMs),
    lines: rows.lines!.bytes,
    metadata: rows.metadata === undefined ? undefined : encodeMetadataColumn(rows.metadata),
    bloom: buildTokenBloom(rows)?.serialize(),
  };
  const stored = new Map<SectionName, Uint8Array>();
  for (const name of SECTIONS) {
    const bytes = raw[name];
    if (bytes === undefined || bytes.length === 0) continue;
    stored.set(name, COMPRESSED.has(name) ? await compressChunk("zstd", bytes) : bytes);
  }
  const section = (name: SectionName) => ({ bytes: stored.get(name)?.length ?? 0, rawBytes: raw[name]?.length ?? 0 });
  const header: BlockHeader = {
    labels,
    rows: rows.count,
    minMs,
    maxMs: rows.timestampsMs[rows.count - 1]!,
    lineBytes: rows.lines!.bytes.length,
    metadataNames: builder.metadataNames,
    sections: {
      times: section("times"),
      lines: section("lines"),
      metadata: section("metadata"),
      bloom: section("bloom"),
    },
  };
  const headerWriter = new ByteWriter();
  encodeBlockHeader(header, headerWriter);
  const writer = new ByteWriter(headerWriter.length + rows.lines!.bytes.length / 4 + 1_024);
  writer.bytes(BLOCK_MAGIC);
  writer.u32(headerWriter.length);
  writer.bytes(headerWriter.view());
  writer.u32(crc32c(headerWriter.view()));
  for (const bytes of stored.values()) {
    writer.bytes(bytes);
    writer.u32(crc32c(bytes));
  }
  return { bytes: writer.view(), header };
}

/** The index (every block's offset and header, compressed) and the footer that says where it is. */
async function encodeIndex(blocks: readonly WrittenBlock[], offset: number, walThrough: number): Promise<Uint8Array> {
  const index = new ByteWriter();
  index.uvarint(blocks.length);
  for (const block of blocks) {
    index.uvarint(block.offset);
    encodeBlockHeader(block.header, index);
  }
  const compressed = await compressChunk("zstd", index.view());
  const writer = new ByteWriter(compressed.length + 64);
  writer.bytes(compressed);
  writer.i64(offset);
  writer.u32(compressed.length);
  writer.u32(index.length);
  writer.i64(walThrough);
  // The checksum covers the index and the footer's own fields, so a flip in either is seen.
  writer.u32(crc32c(writer.view()));
  writer.bytes(FOOTER_MAGIC);
  return writer.view();
}
