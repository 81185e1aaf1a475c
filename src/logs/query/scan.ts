import type { LineLabels } from "../../languages/logql/line-labels.ts";
import { type Pipeline, runStages } from "../../languages/logql/pipeline.ts";
import type { Block } from "../store/block.ts";
import { type BytesColumn, lineText, lowerBound, metadataOf, type Rows, startOf } from "../store/rows.ts";
import { type BloomQuery, bloomQueryFor } from "../store/token-bloom.ts";
import type { QueryRun } from "./query-run.ts";

/** An instant: ms and the nanoseconds past them. */
export interface Instant {
  readonly ms: number;
  readonly ns: number;
}

/** What a scan reads and in which order it goes. */
export interface ScanPlan {
  readonly pipeline: Pipeline;
  /** First instant that is in, and first that is out again. */
  readonly from: Instant;
  readonly to: Instant;
  readonly backward: boolean;
  /** Whether the caller uses the line, or the structured metadata, of a row. */
  readonly needsLines: boolean;
  readonly needsMetadata: boolean;
}

/**
 * Called for a row that passed the pipeline, with the line as the pipeline left it ("" where lines are not read); the
 * labels are in the `LineLabels` of the scan. Returns false to end the scan of this block.
 */
export type RowVisitor = (rows: Rows, row: number, line: string) => boolean;

/** A plan with what follows from it for every block. */
export class Scanner {
  readonly #plan: ScanPlan;
  readonly #labels: LineLabels;
  readonly #run: QueryRun;
  readonly #needle: Buffer | undefined;
  /** Index of the line filter that the needle settles on its own. */
  readonly #settledFilter: number;
  readonly #needsLines: boolean;
  readonly #needsMetadata: boolean;
  readonly #lineBlooms: BloomQuery;

  constructor(plan: ScanPlan, labels: LineLabels, run: QueryRun) {
    this.#plan = plan;
    this.#labels = labels;
    this.#run = run;
    const { lineFilters, stages } = plan.pipeline;
    // The longest text is the rarest: jump from one of its occurrences to the next.
    const longest = lineFilters.reduce((best, { needle }) => (needle.length > best.length ? needle : best), "");
    this.#needle = longest === "" ? undefined : Buffer.from(longest);
    this.#settledFilter = lineFilters.findIndex((filter) => filter.exact && filter.needle === longest);
    this.#needsLines = plan.needsLines || lineFilters.length > 0 || plan.pipeline.readsLines;
    this.#needsMetadata = plan.needsMetadata || stages.length > 0;
    this.#lineBlooms = lineFilters.flatMap(({ needle }) => bloomQueryFor(needle, false));
  }

  /** Visits the rows of one block that pass, in the plan's order. */
  async scan(block: Block, visit: RowVisitor): Promise<void> {
    if (!(await this.#mayHold(block))) {
      this.#run.blocksSkipped++;
      return;
    }
    const rows = await block.read({ lines: this.#needsLines, metadata: this.#needsMetadata });
    if (rows === undefined) return;
    const plan = this.#plan;
    const from = lowerBound(rows, plan.from.ms, plan.from.ns);
    const to = lowerBound(rows, plan.to.ms, plan.to.ns);
    const bytes = (rows.lines?.bytes.length ?? rows.count * 4) + (rows.metadata?.bytes.length ?? 0);
    this.#run.addBlock(bytes, to - from);
    if (from >= to) return;
    if (this.#needle !== undefined) await this.#scanNeedle(block, rows, from, to, visit);
    else await this.#scanAll(block, rows, from, to, visit);
  }

  async #mayHold(block: Block): Promise<boolean> {
    const queries = [...this.#lineBlooms];
    for (const { name, value } of this.#plan.pipeline.equalities) {
      const own = block.labels.get(name);
      if (own === value) continue;
      // A row can only differ from its stream by structured metadata.
      if (!block.hasMetadata) return false;
      if (own === "") queries.push(...bloomQueryFor(value, true));
    }
    return queries.length === 0 || (await block.mayHold(queries));
  }

  async #scanAll(block: Block, rows: Rows, from: number, to: number, visit: RowVisitor): Promise<void> {
    const { backward } = this.#plan;
    for (let step = 0; step < to - from; step++) {
      const row = backward ? to - 1 - step : from + step;
      if (!this.#row(block, rows, row, visit)) return;
      if (this.#run.due()) await this.#run.pause();
    }
  }

  async #scanNeedle(block: Block, rows: Rows, from: number, to: number, visit: RowVisitor): Promise<void> {
    const lines = rows.lines!;
    const needle = this.#needle!;
    let low = from;
    let high = to;
    while (low < high) {
      const row = this.#plan.backward ? lastRowWith(lines, needle, low, high) : firstRowWith(lines, needle, low, high);
      if (row === undefined) return;
      if (this.#plan.backward) high = row;
      else low = row + 1;
      if (!this.#row(block, rows, row, visit)) return;
      if (this.#run.due()) await this.#run.pause();
    }
  }

  /** False when the visitor wants no more. */
  #row(block: Block, rows: Rows, row: number, visit: RowVisitor): boolean {
    const { lineFilters, stages } = this.#plan.pipeline;
    let line = rows.lines === undefined ? "" : lineText(rows.lines, row);
    for (let index = 0; index < lineFilters.length; index++) {
      if (index !== this.#settledFilter && !lineFilters[index]!.test(line)) return true;
    }
    if (this.#needsMetadata) this.#labels.reset(block.labels, metadataOf(rows, row));
    if (stages.length > 0) {
      const result = runStages(stages, line, this.#labels, rows.timestampsMs[row]!);
      if (result === undefined) return true;
      line = result;
    }
    this.#run.linesMatched++;
    return visit(rows, row, line);
  }
}

/** First row in [low, high) whose line holds the needle; an occurrence across two lines is none. */
function firstRowWith(lines: BytesColumn, needle: Buffer, low: number, high: number): number | undefined {
  let position = startOf(lines, low);
  const end = lines.ends[high - 1]!;
  for (;;) {
    const found = lines.bytes.indexOf(needle, position);
    if (found === -1 || found + needle.length > end) return undefined;
    const row = rowAt(lines, found, low, high);
    if (found + needle.length <= lines.ends[row]!) return row;
    position = found + 1;
  }
}

function lastRowWith(lines: BytesColumn, needle: Buffer, low: number, high: number): number | undefined {
  const start = startOf(lines, low);
  let position = lines.ends[high - 1]! - needle.length;
  while (position >= start) {
    const found = lines.bytes.lastIndexOf(needle, position);
    if (found === -1 || found < start) return undefined;
    const row = rowAt(lines, found, low, high);
    if (found + needle.length <= lines.ends[row]!) return row;
    position = found - 1;
  }
  return undefined;
}

/** The row whose line holds byte `position`. */
function rowAt(lines: BytesColumn, position: number, low: number, high: number): number {
  let first = low;
  let last = high - 1;
  while (first < last) {
    const middle = (first + last) >>> 1;
    if (lines.ends[middle]! > position) last = middle;
    else first = middle + 1;
  }
  return first;
}
