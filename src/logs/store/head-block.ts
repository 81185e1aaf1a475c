import type { Labels } from "../../series/labels.ts";
import type { Block } from "./block.ts";
import type { Rows } from "./rows.ts";
import type { RowsBuilder } from "./rows-builder.ts";

/** A builder's rows as they were when the query began; what is appended later does not show. */
export class HeadBlock implements Block {
  readonly labels: Labels;
  readonly minMs: number;
  readonly maxMs: number;
  readonly rows: number;
  readonly metadataNames: readonly string[] | undefined;
  readonly #view: Rows;

  constructor(labels: Labels, builder: RowsBuilder) {
    this.labels = labels;
    this.minMs = builder.minMs;
    this.maxMs = builder.maxMs;
    this.#view = builder.view();
    this.rows = this.#view.count;
    this.metadataNames = builder.metadataNames;
  }

  get lineBytes(): number {
    return this.#view.lines!.bytes.length;
  }

  async read(): Promise<Rows> {
    return this.#view;
  }

  async mayHold(): Promise<boolean> {
    return true;
  }
}
