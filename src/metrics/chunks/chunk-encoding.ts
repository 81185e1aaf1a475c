/** Chunk encodings by their number on disk. Source: Prometheus tsdb/chunkenc/chunk.go. */
export const ChunkEncoding = { None: 0, Xor: 1, Histogram: 2, FloatHistogram: 3 } as const;
