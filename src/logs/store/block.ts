import type { Labels } from "../../series/labels.ts";
import type { Rows } from "./rows.ts";
import type { BloomQuery } from "./token-bloom.ts";

/** Which columns a query needs beside times and lengths. */
export interface Columns {
  readonly lines: boolean;
  readonly metadata: boolean;
}

/** Rows of one stream over a stretch of time, in memory or in a segment file. */
export interface Block {
  readonly labels: Labels;
  readonly minMs: number;
  readonly maxMs: number;
  readonly rows: number;
  /** Line bytes, uncompressed. */
  readonly lineBytes: number;
  /** Whether the block has structured metadata at all. */
  readonly hasMetadata: boolean;
  /** The rows; undefined when the block is damaged or its file was deleted in the meantime. */
  read(columns: Columns): Promise<Rows | undefined>;
  /** False only when no row can satisfy the query. */
  mayHold(query: BloomQuery): Promise<boolean>;
}
