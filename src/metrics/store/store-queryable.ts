import { setImmediate as nextTurn } from "node:timers/promises";
import { compareLabels, compareNames, type Labels } from "../../series/labels.ts";
import type { Matcher, Queryable, SelectHints, SeriesColumns } from "../../series/queryable.ts";
import type { StorageError } from "../../storage/storage-error.ts";
import type { Block } from "../blocks/block.ts";
import { selectRefs } from "../blocks/postings.ts";
import { ColumnScratch } from "../chunks/column-scratch.ts";
import type { SeriesSource } from "../chunks/series-source.ts";
import type { Exemplar } from "./appender.ts";
import type { BlockSet } from "./block-set.ts";
import type { Head } from "./head.ts";
import { headLabelNames, headLabelValues, selectHead } from "./head-read.ts";
import { QUERY_RESTARTS_MAX, WORK_SLICE_MS } from "./limits.ts";
import { isCorrupt } from "./maintenance.ts";

export interface ExemplarSeries {
  readonly seriesLabels: Labels;
  /** Sorted by time. */
  readonly exemplars: Exemplar[];
}

/** Where queries read: head and blocks together. */
export interface MetricsQueryable extends Queryable {
  /** Exemplars of the series that match any of the matcher lists, within the range (Unix ms, inclusive). */
  exemplars(matchers: readonly (readonly Matcher[])[], startMs: number, endMs: number): ExemplarSeries[];
}

/** A series and the places that hold its chunks, oldest first. */
interface MergedSource {
  readonly labels: Labels;
  readonly parts: { readonly source: SeriesSource; readonly block: Block | undefined }[];
}

const NO_COLUMNS = { timestamps: new Float64Array(0), values: new Float64Array(0) };
/** Scratches kept for the next queries; each has grown to the longest series it has met. */
const SCRATCHES_MAX = 4;

/** A block turned out to be corrupt while it was read, or what is where has changed: the query starts again. */
class Restart extends Error {}

/** Answers queries from blocks and head. */
export class StoreQueryable implements MetricsQueryable {
  readonly #head: Head;
  readonly #blocks: BlockSet;
  readonly #scratches: ColumnScratch[] = [];
  #generation = 0;

  constructor(head: Head, blocks: BlockSet) {
    this.#head = head;
    this.#blocks = blocks;
  }

  /** Tells the queries under way that samples have moved from the head to a block, or blocks have gone. */
  moved(): void {
    this.#generation++;
  }

  select(matchers: readonly Matcher[], hints: SelectHints): Promise<SeriesColumns[]> {
    return this.#withBlocks(hints, (blocks) => this.#select(blocks, matchers, hints));
  }

  labelNames(matchers: readonly Matcher[], hints: SelectHints): Promise<string[]> {
    return this.#withBlocks(hints, async (blocks) => {
      const names = new Set(this.#headIn(hints) ? headLabelNames(this.#head, matchers) : []);
      for (const block of blocks) {
        this.#reading(block, () => {
          if (matchers.length === 0) for (const name of block.index.names()) names.add(name);
          else
            for (const { labels } of this.#labelsOf(block, matchers))
              for (const [name] of labels.entries()) names.add(name);
        });
      }
      return limited([...names].sort(compareNames), hints.limit);
    });
  }

  labelValues(name: string, matchers: readonly Matcher[], hints: SelectHints): Promise<string[]> {
    return this.#withBlocks(hints, async (blocks) => {
      const values = new Set(this.#headIn(hints) ? headLabelValues(this.#head, name, matchers) : []);
      for (const block of blocks) {
        this.#reading(block, () => {
          if (matchers.length === 0) for (const value of block.index.values(name)) values.add(value);
          else for (const { labels } of this.#labelsOf(block, matchers)) values.add(labels.get(name));
        });
      }
      values.delete("");
      return limited([...values].sort(compareNames), hints.limit);
    });
  }

  exemplars(matcherLists: readonly (readonly Matcher[])[], startMs: number, endMs: number): ExemplarSeries[] {
    const byRef = this.#head.exemplars.within(startMs, endMs);
    const found = new Map<number, ExemplarSeries>();
    for (const matchers of matcherLists) {
      const refs = selectRefs(this.#head.index, matchers);
      for (let index = 0; index < refs.length; index++) {
        const ref = refs[index]!;
        const exemplars = byRef.get(ref);
        if (exemplars !== undefined) found.set(ref, { seriesLabels: this.#head.get(ref)!.labels, exemplars });
      }
    }
    return [...found.values()].sort((left, right) => compareLabels(left.seriesLabels, right.seriesLabels));
  }

  async #select(blocks: readonly Block[], matchers: readonly Matcher[], hints: SelectHints): Promise<SeriesColumns[]> {
    const slice = new TimeSlice(hints.signal, () => this.#generation);
    const sources = await this.#mergedSources(blocks, matchers, hints, slice);
    const found: SeriesColumns[] = [];
    const scratch = this.#scratches.pop() ?? new ColumnScratch();
    try {
      for (const { labels, parts } of sources) {
        if (hints.limit && found.length >= hints.limit) break;
        if (hints.labelsOnly) {
          found.push({ labels, ...NO_COLUMNS });
          continue;
        }
        scratch.clear();
        for (const { source, block } of parts) {
          if (block === undefined) source.decode(scratch);
          else this.#reading(block, () => source.decode(scratch));
        }
        const columns = scratch.take(labels, hints.minTimeMs, hints.maxTimeMs);
        if (columns !== undefined) found.push(columns);
        if (slice.over) await slice.pause();
      }
    } finally {
      if (this.#scratches.length < SCRATCHES_MAX) this.#scratches.push(scratch);
    }
    return found;
  }

  /** Series of all places by their labels, in order. */
  async #mergedSources(
    blocks: readonly Block[],
    matchers: readonly Matcher[],
    hints: SelectHints,
    slice: TimeSlice,
  ): Promise<MergedSource[]> {
    const { minTimeMs, maxTimeMs } = hints;
    if (blocks.length === 0) {
      const head = selectHead(this.#head, matchers, minTimeMs, maxTimeMs);
      const merged = head.map((source) => ({ labels: source.labels, parts: [{ source, block: undefined }] }));
      return merged.sort((left, right) => compareLabels(left.labels, right.labels));
    }
    const byLabels = new Map<string, MergedSource>();
    const add = (source: SeriesSource, block: Block | undefined): void => {
      const known = byLabels.get(source.labels.key);
      if (known !== undefined) known.parts.push({ source, block });
      else byLabels.set(source.labels.key, { labels: source.labels, parts: [{ source, block }] });
    };
    for (const block of blocks) {
      for (const source of this.#reading(block, () => block.select(matchers, minTimeMs, maxTimeMs))) add(source, block);
      if (slice.over) await slice.pause();
    }
    for (const source of selectHead(this.#head, matchers, minTimeMs, maxTimeMs)) add(source, undefined);
    return [...byLabels.values()].sort((left, right) => compareLabels(left.labels, right.labels));
  }

  #headIn({ minTimeMs, maxTimeMs }: SelectHints): boolean {
    return this.#head.minTimeMs <= maxTimeMs && this.#head.maxTimeMs >= minTimeMs;
  }

  #labelsOf(block: Block, matchers: readonly Matcher[]): SeriesSource[] {
    return block.select(matchers, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
  }

  /** Runs a query against the blocks of its range; again, when a block was set aside or samples moved under it. */
  async #withBlocks<T>(hints: SelectHints, query: (blocks: readonly Block[]) => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      const blocks = this.#blocks.acquire(hints.minTimeMs, hints.maxTimeMs);
      try {
        return await query(blocks);
      } catch (error) {
        if (!(error instanceof Restart) || attempt >= QUERY_RESTARTS_MAX) throw error;
        const { cause } = error;
        if (cause instanceof CorruptBlock) await this.#blocks.setAside(cause.block, cause.reason);
      } finally {
        this.#blocks.release(blocks);
      }
    }
  }

  #reading<T>(block: Block, read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      throw new Restart("block is corrupt", { cause: new CorruptBlock(block, error) });
    }
  }
}

class CorruptBlock {
  readonly block: Block;
  readonly reason: StorageError;

  constructor(block: Block, reason: StorageError) {
    this.block = block;
    this.reason = reason;
  }
}

/** Lets the event loop turn between slices of work; throws when the query was cancelled or the ground has moved. */
class TimeSlice {
  readonly #signal: AbortSignal | undefined;
  readonly #generation: () => number;
  readonly #startGeneration: number;
  #startedAt = performance.now();

  constructor(signal: AbortSignal | undefined, generation: () => number) {
    this.#signal = signal;
    this.#generation = generation;
    this.#startGeneration = generation();
  }

  get over(): boolean {
    return performance.now() - this.#startedAt >= WORK_SLICE_MS;
  }

  async pause(): Promise<void> {
    await nextTurn();
    this.#signal?.throwIfAborted();
    if (this.#generation() !== this.#startGeneration) throw new Restart("samples have moved");
    this.#startedAt = performance.now();
  }
}

function limited<T>(values: T[], limit: number | undefined): T[] {
  return limit ? values.slice(0, limit) : values;
}
