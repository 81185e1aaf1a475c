import type { LineLabels } from "../../languages/logql/line-labels.ts";
import { type Pipeline, runStages, type StageFunction } from "../../languages/logql/pipeline.ts";
import type { Labels } from "../../series/labels.ts";
import { type Block, mayHaveMetadata } from "../store/block.ts";
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
  /** Whether the caller uses the line of a row. */
  readonly needsLines: boolean;
}

/**
 * Called for a row that passed the pipeline, with the line as the pipeline left it ("" where lines are not read); the
 * labels are in the `LineLabels` of the scan. Returns false to end the scan of this block.
 */
export type RowVisitor = (rows: Rows, row: number, line: string) => boolean;

/** One block under scan. */
interface BlockScan {
  readonly labels: Labels;
  readonly rows: Rows;
  /** Rows of the plan's time range. */
  readonly from: number;
  readonly to: number;
  readonly stages: readonly StageFunction[];
  readonly needsMetadata: boolean;
  readonly visit: RowVisitor;
}

/** What a caller does with one block. */
export interface BlockHandler {
  readonly visit: RowVisitor;
  /** Whether `visit` looks at the labels; else metadata may stay unread. */
  readonly usesLabels: boolean;
  /** Called when all rows pass: true when the caller needs no more than the block's counts, so nothing is read. */
  takeWhole?(): boolean;
}

/** What a caller does with the blocks of a query. */
export interface BlockVisitor {
  /** Called before a block is read. */
  begin(block: Block): BlockHandler;
  /** True when this block and all after it can be left out. */
  enough?(block: Block): boolean;
}

/** A plan with what follows from it for every block. */
export class Scanner {
  readonly #plan: ScanPlan;
  readonly #labels: LineLabels;
  readonly #run: QueryRun;
  readonly #needle: Buffer | undefined;
  /** Index of the line filter that the needle settles on its own. */
  readonly #settledFilter: number;
  readonly #needsLines: boolean;
  readonly #lineBlooms: BloomQuery;

  constructor(plan: ScanPlan, labels: LineLabels, run: QueryRun) {
    this.#plan = plan;
    this.#labels = labels;
    this.#run = run;
    const { lineFilters } = plan.pipeline;
    // The longest text is the rarest: jump from one of its occurrences to the next.
    const longest = lineFilters.reduce((best, { needle }) => (needle.length > best.length ? needle : best), "");
    this.#needle = longest === "" ? undefined : Buffer.from(longest);
    this.#settledFilter = lineFilters.findIndex((filter) => filter.exact && filter.needle === longest);
    this.#needsLines = plan.needsLines || lineFilters.length > 0 || plan.pipeline.readsLines;
    this.#lineBlooms = lineFilters.flatMap(({ needle }) => bloomQueryFor(needle, false));
  }

  /**
   * Visits the rows that pass, block by block and within each in the plan's order. The next block is read from disk
   * and decompressed while this one is scanned.
   */
  async scan(blocks: readonly Block[], visitor: BlockVisitor): Promise<void> {
    let reading = this.#readAhead(blocks[0], visitor);
    for (let index = 0; index < blocks.length; index++) {
      if (visitor.enough?.(blocks[index]!) === true) break;
      const scan = await reading;
      reading = this.#readAhead(blocks[index + 1], visitor);
      if (scan === undefined) continue;
      if (this.#needle !== undefined) await this.#scanNeedle(scan);
      else await this.#scanAll(scan);
      await this.#run.pause();
    }
    await reading;
  }

  #readAhead(block: Block | undefined, visitor: BlockVisitor): Promise<BlockScan | undefined> {
    if (block === undefined) return Promise.resolve(undefined);
    const reading = this.#read(block, visitor);
    reading.catch(() => undefined); // whoever awaits it gets the error; nobody may, when an earlier block fails first
    return reading;
  }

  /** Reads what a block's scan needs; undefined when none of its rows can pass. */
  async #read(block: Block, visitor: BlockVisitor): Promise<BlockScan | undefined> {
    const stages = await this.#stagesFor(block);
    if (stages === undefined) {
      this.#run.blocksSkipped++;
      return undefined;
    }
    const { visit, usesLabels, takeWhole } = visitor.begin(block);
    const passesWhole = stages.length === 0 && this.#plan.pipeline.lineFilters.length === 0 && this.#covers(block);
    if (passesWhole && takeWhole?.() === true) {
      this.#run.addBlock(0, block.rows);
      this.#run.linesMatched += block.rows;
      return undefined;
    }
    const needsMetadata = usesLabels || stages.length > 0;
    const rows = await block.read({ lines: this.#needsLines, metadata: needsMetadata });
    if (rows === undefined) return undefined;
    const from = lowerBound(rows, this.#plan.from.ms, this.#plan.from.ns);
    const to = lowerBound(rows, this.#plan.to.ms, this.#plan.to.ns);
    const bytes = (rows.lines?.bytes.length ?? rows.count * 4) + (rows.metadata?.bytes.length ?? 0);
    this.#run.addBlock(bytes, to - from);
    return from < to ? { labels: block.labels, rows, from, to, stages, needsMetadata, visit } : undefined;
  }

  /** Whether every row of a block lies in the plan's time range, whatever its nanoseconds. */
  #covers(block: Block): boolean {
    return block.minMs > this.#plan.from.ms && block.maxMs < this.#plan.to.ms;
  }

  /** The stages that rows of a block still have to pass; undefined when none of them can. */
  async #stagesFor(block: Block): Promise<readonly StageFunction[] | undefined> {
    const { leadingMatchers, stages } = this.#plan.pipeline;
    const queries = [...this.#lineBlooms];
    let decided = 0;
    let open = false;
    for (const matcher of leadingMatchers) {
      // A row can only differ from its stream by structured metadata.
      if (mayHaveMetadata(block, [matcher.name])) {
        open = true;
        if (matcher.type === "=" && !block.labels.has(matcher.name))
          queries.push(...bloomQueryFor(matcher.value, true));
      } else if (!matcher.matches(block.labels.get(matcher.name))) return undefined;
      else if (!open) decided++;
    }
    if (queries.length > 0 && !(await block.mayHold(queries))) return undefined;
    return decided === 0 ? stages : stages.slice(decided);
  }

  async #scanAll(scan: BlockScan): Promise<void> {
    const { backward } = this.#plan;
    const { from, to } = scan;
    for (let step = 0; step < to - from; step++) {
      const row = backward ? to - 1 - step : from + step;
      if (!this.#row(scan, row)) return;
      if (this.#run.due()) await this.#run.pause();
    }
  }

  async #scanNeedle(scan: BlockScan): Promise<void> {
    const lines = scan.rows.lines!;
    const needle = this.#needle!;
    let low = scan.from;
    let high = scan.to;
    while (low < high) {
      const row = this.#plan.backward ? lastRowWith(lines, needle, low, high) : firstRowWith(lines, needle, low, high);
      if (row === undefined) return;
      if (this.#plan.backward) high = row;
      else low = row + 1;
      if (!this.#row(scan, row)) return;
      if (this.#run.due()) await this.#run.pause();
    }
  }

  /** False when the visitor wants no more. */
  #row({ labels, rows, stages, needsMetadata, visit }: BlockScan, row: number): boolean {
    const { lineFilters } = this.#plan.pipeline;
    let line = rows.lines === undefined ? "" : lineText(rows.lines, row);
    for (let index = 0; index < lineFilters.length; index++) {
      if (index !== this.#settledFilter && !lineFilters[index]!.test(line)) return true;
    }
    if (needsMetadata) this.#labels.reset(labels, metadataOf(rows, row));
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
