import type { LogExpr } from "../../languages/logql/ast.ts";
import { LineLabels } from "../../languages/logql/line-labels.ts";
import { compilePipeline } from "../../languages/logql/pipeline.ts";
import { compareLabels, Labels } from "../../series/labels.ts";
import { compareTimes } from "../entry.ts";
import { RESULT_LENGTH_MAX } from "../limits.ts";
import type { Block } from "../store/block.ts";
import type { LogStore } from "../store/store.ts";
import { QueryError } from "./query-error.ts";
import type { QueryRun } from "./query-run.ts";
import { type Instant, type RowVisitor, Scanner } from "./scan.ts";

export interface LogQuery {
  readonly expr: LogExpr;
  /** First instant that is in, and first that is out again. */
  readonly from: Instant;
  readonly to: Instant;
  readonly backward: boolean;
  readonly limit: number;
  /** Keep structured metadata and parsed labels apart from the stream's own (`categorize-labels`). */
  readonly categorize: boolean;
}

/** One line of the answer. */
export interface Hit {
  readonly ms: number;
  readonly ns: number;
  readonly line: string;
  /** Labels that the answer groups by. */
  readonly labels: Labels;
  /** With `categorize`: the labels that are not in `labels`. */
  readonly metadata: readonly (readonly [string, string])[];
  readonly parsed: readonly (readonly [string, string])[];
}

/** Lines with the same labels, in the order of the query. */
export interface HitStream {
  readonly labels: Labels;
  readonly hits: Hit[];
}

/** Finds the newest (or oldest, for a forward query) `limit` lines that pass the pipeline. */
export async function runLogQuery(store: LogStore, query: LogQuery, run: QueryRun): Promise<HitStream[]> {
  const pipeline = compilePipeline(query.expr.stages);
  const labels = new LineLabels();
  const { from, to, backward } = query;
  const plan = { pipeline, from, to, backward, needsLines: true };
  const scanner = new Scanner(plan, labels, run);
  const collector = new Collector(query.limit, backward);
  const blocks = store.select(query.expr.matchers, from.ms, to.ms).sort(inOrder(backward));
  const visit: RowVisitor = (rows, row, line) => {
    const ms = rows.timestampsMs[row]!;
    const ns = rows.subMsNs[row]!;
    if (!collector.wants(ms, ns)) return false;
    collector.add(makeHit(labels, query.categorize, ms, ns, line));
    return true;
  };
  await scanner.scan(blocks, {
    begin: () => ({ visit, usesLabels: true }),
    enough: (block) => collector.closedTo(backward ? block.maxMs : block.minMs),
  });
  return groupHits(collector.result());
}

function inOrder(backward: boolean): (left: Block, right: Block) => number {
  return backward ? (left, right) => right.maxMs - left.maxMs : (left, right) => left.minMs - right.minMs;
}

function makeHit(labels: LineLabels, categorize: boolean, ms: number, ns: number, line: string): Hit {
  if (!categorize) return { ms, ns, line, labels: labels.result(true), metadata: [], parsed: [] };
  return {
    ms,
    ns,
    line,
    labels: labels.untouched ? labels.result(false) : Labels.fromEntries(labels.streamPairs()),
    metadata: labels.metadataPairs(),
    parsed: labels.parsedPairs(),
  };
}

/** Keeps the best `limit` hits of what it is shown. */
class Collector {
  readonly #limit: number;
  readonly #backward: boolean;
  #hits: Hit[] = [];
  /** Characters of the lines held. */
  #length = 0;
  /** The worst hit kept once there are `limit`; only better ones are wanted. */
  #worst: Hit | undefined;

  constructor(limit: number, backward: boolean) {
    this.#limit = limit;
    this.#backward = backward;
  }

  wants(ms: number, ns: number): boolean {
    return this.#worst === undefined || this.#order(ms, ns, this.#worst.ms, this.#worst.ns) < 0;
  }

  /** Whether nothing from this time on can be wanted any more. */
  closedTo(ms: number): boolean {
    return this.#worst !== undefined && (this.#backward ? ms < this.#worst.ms : ms > this.#worst.ms);
  }

  /** @throws QueryError when the lines together are more than one answer may hold. */
  add(hit: Hit): void {
    this.#hits.push(hit);
    this.#length += hit.line.length;
    if (this.#length > RESULT_LENGTH_MAX) {
      this.#cut();
      if (this.#length > RESULT_LENGTH_MAX / 2) {
        throw new QueryError(
          400,
          `the lines of the result are longer than ${RESULT_LENGTH_MAX / 2} characters together; lower the limit or filter more lines`,
          "max_result_length",
        );
      }
    }
    if (this.#hits.length >= this.#limit * 2 || (this.#worst === undefined && this.#hits.length === this.#limit))
      this.#cut();
  }

  result(): Hit[] {
    this.#cut();
    return this.#hits;
  }

  #cut(): void {
    this.#hits.sort((left, right) => this.#order(left.ms, left.ns, right.ms, right.ns));
    this.#hits = this.#hits.filter((hit, index) => !isRepeated(this.#hits, index, hit)).slice(0, this.#limit);
    this.#length = this.#hits.reduce((sum, { line }) => sum + line.length, 0);
    if (this.#hits.length === this.#limit) this.#worst = this.#hits.at(-1);
  }

  #order(leftMs: number, leftNs: number, rightMs: number, rightNs: number): number {
    return this.#backward
      ? compareTimes(rightMs, rightNs, leftMs, leftNs)
      : compareTimes(leftMs, leftNs, rightMs, rightNs);
  }
}

/** Neighbours of one time that are looked at for duplicates. */
const REPEATS_COMPARED_MAX = 64;

/** Whether the same line of the same labels at the same time comes before: a retried push, half in a segment already. */
function isRepeated(hits: readonly Hit[], index: number, hit: Hit): boolean {
  const stop = Math.max(0, index - REPEATS_COMPARED_MAX);
  for (let before = index - 1; before >= stop; before--) {
    const other = hits[before]!;
    if (other.ms !== hit.ms || other.ns !== hit.ns) return false;
    if (other.line === hit.line && other.labels.key === hit.labels.key) return true;
  }
  return false;
}

function groupHits(hits: readonly Hit[]): HitStream[] {
  const streams = new Map<string, HitStream>();
  for (const hit of hits) {
    const stream = streams.get(hit.labels.key);
    if (stream === undefined) streams.set(hit.labels.key, { labels: hit.labels, hits: [hit] });
    else stream.hits.push(hit);
  }
  return [...streams.values()].sort((left, right) => compareLabels(left.labels, right.labels));
}
