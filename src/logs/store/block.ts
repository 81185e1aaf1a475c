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
  /** Names of structured metadata that rows have; undefined when they are too many to list. */
  readonly metadataNames: readonly string[] | undefined;
  /** The rows; undefined when the block is damaged or its file was deleted in the meantime. */
  read(columns: Columns): Promise<Rows | undefined>;
  /** False only when no row can satisfy the query. */
  mayHold(query: BloomQuery): Promise<boolean>;
}

/** Whether rows of a block can have one of these names in their structured metadata. */
export function mayHaveMetadata(block: Block, names: readonly string[]): boolean {
  const { metadataNames } = block;
  if (metadataNames === undefined) return names.length > 0;
  return names.some((name) => metadataNames.includes(name));
}
