/** Numbers of Prometheus' block files (tsdb/docs/format); byte by byte in docs/formats/metrics-block.md. */
export const INDEX_MAGIC = 0xbaaad700;
export const INDEX_VERSION = 2;
export const CHUNKS_MAGIC = 0x85bd40dd;
export const CHUNKS_VERSION = 1;
/** Magic u32, version u8, three bytes of padding. */
export const CHUNKS_HEADER_BYTES = 8;
export const TOMBSTONES_MAGIC = 0x0130ba30;
export const TOMBSTONES_VERSION = 1;
export const META_VERSION = 1;
export const CRC_BYTES = 4;
/** Six offsets of eight bytes and their checksum. */
export const TOC_BYTES = 6 * 8 + CRC_BYTES;
/** A series' entry begins at a multiple of this, and its ref is the quotient. */
export const SERIES_ALIGNMENT = 16;
/** Most bytes of one chunk file. */
export const CHUNK_FILE_BYTES_MAX = 512 * 1024 * 1024;
/** A chunk's ref is its file's number (from 0) in the upper 32 bits and its offset in the lower. */
export const CHUNK_FILE_STRIDE = 2 ** 32;

/** Where the index' sections begin; in the order of the table of contents. */
export interface IndexToc {
  readonly symbols: number;
  readonly series: number;
  readonly labelIndices: number;
  readonly labelIndicesTable: number;
  readonly postings: number;
  readonly postingsTable: number;
}

/** A chunk as it lies in a block or is about to. */
export interface BlockChunk {
  readonly encoding: number;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  readonly data: Uint8Array;
}
