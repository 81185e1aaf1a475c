/** Most bytes of one export request after decompression; gRPC's own default for received messages. */
export const REQUEST_BYTES_MAX = 4 * 1024 * 1024; // 4 MiB
/** OTLP over HTTP gets a little more: the Collector batches without a byte limit. */
export const HTTP_REQUEST_BYTES_MAX = 16 * 1024 * 1024; // 16 MiB
/** Most bytes of one trace that the head keeps, as Tempo's `max_bytes_per_trace`; later spans are discarded, counted. */
export const TRACE_BYTES_MAX = 5_000_000;
/** Most traces in the head, as Tempo's `max_traces_per_user`; the head is cut well before. */
export const LIVE_TRACES_MAX = 100_000;
/** Longest attribute value, in UTF-16 units, that a column holds; the span itself keeps all of it. */
export const INDEXED_VALUE_LENGTH_MAX = 2_048;
/** Most attribute keys per scope that get a column in one head; attributes past it are kept but not searchable. */
export const ATTRIBUTE_COLUMNS_MAX = 2_000;
/** Deepest nesting of array and key-value attributes; a span with a deeper one is malformed. */
export const VALUE_DEPTH_MAX = 32;

/** The head becomes a segment when it holds this many spans, … */
export const HEAD_SPANS_MAX = 65_536;
/** … this many bytes of spans, … */
export const HEAD_BYTES_MAX = 16 * 1024 * 1024; // 16 MiB
/** … or when its oldest span arrived this long ago. */
export const HEAD_AGE_MAX_MS = 60 * 60 * 1000;
/** Heads that wait for their segment (a slow or full disk); beyond, export requests are refused. */
export const FROZEN_HEADS_MAX = 3;

/** Rows of one block of a segment; a trace is never cut in two, so a block may hold more by one trace. */
export const BLOCK_SPANS = 8_192;
/** Spans of one chunk of raw span bytes, before compression. */
export const RAW_CHUNK_BYTES = 64 * 1024;
/** Decoded columns of segments kept for the next query. */
export const CACHE_BYTES_MAX = 16 * 1024 * 1024; // 16 MiB
/** How often old segments are looked for. */
export const RETENTION_INTERVAL_MS = 60 * 1000;
