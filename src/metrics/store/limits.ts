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
