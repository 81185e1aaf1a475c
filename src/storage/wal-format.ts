/**
 * Prometheus' WAL framing (tsdb/docs/format/wal.md), byte by byte in docs/formats/wal.md: a segment is a run of
 * 32 KiB pages, a page holds fragments of records, a fragment is `type u8 | length u16 BE | crc32c u32 BE | bytes`.
 */
export const PAGE_BYTES = 32 * 1024;
export const HEADER_BYTES = 7;
/** A record's compressed form must fit into one segment; reader and writer refuse more than this, compressed or not. */
export const RECORD_BYTES_MAX = 64 * 1024 * 1024;

/** Low three bits of a fragment's type byte. */
export const FragmentType = { PageEnd: 0, Full: 1, First: 2, Middle: 3, Last: 4 } as const;
export const FRAGMENT_TYPE_MASK = 0x07;
/** Set on the type byte of every fragment of a record that is a snappy block. */
export const SNAPPY_FLAG = 0x08;
/** Prometheus 2.45 and later may write zstd; we read it, we never write it. */
export const ZSTD_FLAG = 0x10;

const SEGMENT_NAME = /^\d{8,}$/;

/** `00000000`, `00000001`, …: eight digits, as Prometheus names them. */
export function segmentName(segment: number): string {
  return String(segment).padStart(8, "0");
}

/**
 * The segment that a writer begins with, behind the existing ones (their sizes by number). A last segment that never got
 * a record is used again, so that a crash loop does not count segments up.
 */
export function segmentToBegin(sizes: ReadonlyMap<number, number>): number {
  const last = Math.max(-1, ...sizes.keys());
  return last >= 0 && sizes.get(last) === 0 ? last : last + 1;
}

/** The numbers of the segments among a folder's names, ascending. */
export function segmentNumbers(names: readonly string[]): number[] {
  return names
    .filter((name) => SEGMENT_NAME.test(name))
    .map(Number)
    .sort((left, right) => left - right);
}
