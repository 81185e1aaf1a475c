/** Aligned time range of a head block and of the chunks in it, ms: 2 h, as Prometheus' smallest block. */
export const BLOCK_RANGE_MS = 2 * 60 * 60 * 1_000;
/** The head becomes a block when it spans more than this: one and a half block ranges, as Prometheus. */
export const HEAD_SPAN_MAX_MS = BLOCK_RANGE_MS * 1.5;
/** Samples that a chunk aims at (Prometheus' DefaultSamplesPerChunk) and never passes. */
export const CHUNK_SAMPLES = 120;
export const CHUNK_SAMPLES_MAX = 2 * CHUNK_SAMPLES;
/** Most series in the head; a new one past it is refused, the existing ones go on. */
export const SERIES_MAX = 1_000_000;
/** Samples from further in the future are refused, or one wrong clock would close the store to all others (Prometheus' scrape: 10 min). */
export const FUTURE_MAX_MS = 10 * 60 * 1_000;
/** Newest exemplars kept, over all series; about 300 bytes each. */
export const EXEMPLARS_MAX = 20_000;
/** Characters of an exemplar's label names and values together: OpenMetrics' limit. */
export const EXEMPLAR_LABEL_CHARACTERS_MAX = 128;
/** Different type/help/unit triples remembered per metric name. */
export const METADATA_VARIANTS_MAX = 8;
/** Samples per record when the head is written out as a checkpoint; bounds the record's size. */
export const RECORD_SAMPLES_MAX = 10_000;
/** Pages of block files in memory. */
export const BLOCK_CACHE_BYTES_MAX = 16 * 1024 * 1024; // 16 MiB
/** Decoded symbols and postings tables of blocks in memory; those of blocks that are being read come on top. */
export const BLOCK_TABLE_BYTES_MAX = 16 * 1024 * 1024; // 16 MiB
/** Queries and block writing let the event loop turn after they have worked for this long. */
export const WORK_SLICE_MS = 20;
/** A query starts again when blocks or head changed under it; more often than this something else is wrong. */
export const QUERY_RESTARTS_MAX = 5;
/** Time between looks at whether there is something to compact or to delete. */
export const MAINTENANCE_INTERVAL_MS = 60_000;
/** Time between looks at whether the store has passed its size limit before that. */
export const SIZE_INTERVAL_MS = 5_000;
/** Blocks grow by merging three of a size, up to a tenth of the retention time or this: 31 d, as Prometheus. */
export const BLOCK_RANGE_FACTOR = 3;
export const BLOCK_RANGE_MAX_MS = 31 * 24 * 60 * 60 * 1_000;
/** After so many starts that died while reading the WAL it is set aside. */
export const REPLAY_ATTEMPTS_MAX = 3;
