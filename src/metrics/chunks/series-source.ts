import type { Labels } from "../../series/labels.ts";
import type { ColumnScratch } from "./column-scratch.ts";

/** One series in one place (head or block), whose chunks of the asked range can be decoded. */
export interface SeriesSource {
  readonly labels: Labels;
  /** Appends the chunks that touch the range to the scratch. @throws StorageError when a block's bytes are wrong. */
  decode(scratch: ColumnScratch): void;
}
