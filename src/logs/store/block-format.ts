import { Labels } from "../../series/labels.ts";
import { StorageError } from "../../storage/storage-error.ts";
import type { ByteReader, ByteWriter } from "../../storage/varint.ts";
import { BLOCK_BYTES_MAX, BLOCK_ROWS_MAX, LINE_BYTES_MAX, METADATA_BYTES_MAX } from "../limits.ts";

/** Layout of segment files; docs/formats/logs-segment.md is its description. */
export const SEGMENT_MAGIC = Buffer.from("GWZLOGS1");
export const BLOCK_MAGIC = Buffer.from("LBLK");
export const FOOTER_MAGIC = Buffer.from("GWZLEND1");
/** indexOffset u64, indexBytes u32, indexRawBytes u32, walThrough u64, crc u32, magic. */
export const FOOTER_BYTES = 8 + 4 + 4 + 8 + 4 + FOOTER_MAGIC.length;
/** Magic, header length u32. */
export const BLOCK_PREFIX_BYTES = 8;
export const CRC_BYTES = 4;

export const BLOCK_HEADER_BYTES_MAX = 1024 * 1024;
const TEXTS_MAX = 4_096;
/** Most metadata names that a header lists. */
export const METADATA_NAMES_MAX = 64;
/** Count that stands for "too many to list". */
const METADATA_NAMES_UNKNOWN = 255;
/** No section decompresses to more: a full block, one entry over, and the varints of its rows. */
const SECTION_BYTES_MAX = BLOCK_BYTES_MAX + LINE_BYTES_MAX + METADATA_BYTES_MAX + BLOCK_ROWS_MAX * 24;

/** Sections of a block in their order in the file. */
export const SECTIONS = ["times", "lines", "metadata", "bloom"] as const;
export type SectionName = (typeof SECTIONS)[number];

/** Where a section lies and how long it is once decompressed; `bytes` 0 where the block has none. */
export interface Section {
  readonly bytes: number;
  readonly rawBytes: number;
}

/** What is known of a block without reading its sections. */
export interface BlockHeader {
  readonly labels: Labels;
  readonly rows: number;
  readonly minMs: number;
  readonly maxMs: number;
  /** Line bytes, uncompressed. */
  readonly lineBytes: number;
  /** Names of structured metadata that rows have, sorted; undefined when they are too many to list. */
  readonly metadataNames: readonly string[] | undefined;
  readonly sections: Readonly<Record<SectionName, Section>>;
}

export function encodeBlockHeader(header: BlockHeader, writer: ByteWriter): void {
  writer.uvarint(header.labels.pairs.length);
  for (const text of header.labels.pairs) writer.uvarintText(text);
  writer.uvarint(header.rows);
  writer.varint(header.minMs);
  writer.uvarint(header.maxMs - header.minMs);
  writer.uvarint(header.lineBytes);
  writer.uvarint(header.metadataNames === undefined ? METADATA_NAMES_UNKNOWN : header.metadataNames.length);
  for (const name of header.metadataNames ?? []) writer.uvarintText(name);
  for (const name of SECTIONS) {
    writer.uvarint(header.sections[name].bytes);
    writer.uvarint(header.sections[name].rawBytes);
  }
}

/** @throws StorageError for anything that no writer of ours makes. */
export function decodeBlockHeader(reader: ByteReader): BlockHeader {
  const texts = reader.uvarint();
  if (texts > TEXTS_MAX || texts % 2 !== 0) throw new StorageError("STORAGE_CORRUPT", `block header of ${texts} texts`);
  const pairs = Array.from({ length: texts }, () => reader.uvarintText());
  const rows = reader.uvarint();
  if (rows < 1 || rows > BLOCK_ROWS_MAX) throw new StorageError("STORAGE_CORRUPT", `block of ${rows} rows`);
  const minMs = reader.varint();
  const maxMs = minMs + reader.uvarint();
  const lineBytes = reader.uvarint();
  const names = reader.uvarint();
  if (names > METADATA_NAMES_UNKNOWN) throw new StorageError("STORAGE_CORRUPT", `block header of ${names} names`);
  const metadataNames =
    names === METADATA_NAMES_UNKNOWN ? undefined : Array.from({ length: names }, () => reader.uvarintText());
  const section = (): Section => {
    const bytes = reader.uvarint();
    const rawBytes = reader.uvarint();
    if (rawBytes > SECTION_BYTES_MAX) throw new StorageError("STORAGE_TOO_LARGE", `block section of ${rawBytes} bytes`);
    return { bytes, rawBytes };
  };
  const sections = { times: section(), lines: section(), metadata: section(), bloom: section() };
  return { labels: Labels.fromSorted(pairs), rows, minMs, maxMs, lineBytes, metadataNames, sections };
}

/** Bytes of a block from its magic to its last checksum. */
export function blockBytes(headerBytes: number, header: BlockHeader): number {
  const sections = SECTIONS.reduce((sum, name) => sum + sectionSpan(header.sections[name]), 0);
  return BLOCK_PREFIX_BYTES + headerBytes + CRC_BYTES + sections;
}

/** Bytes that a section takes in the file, its checksum included. */
export function sectionSpan(section: Section): number {
  return section.bytes === 0 ? 0 : section.bytes + CRC_BYTES;
}
