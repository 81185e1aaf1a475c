import { join } from "node:path";
import type { Logger } from "pino";
import { StorageError } from "../../storage/storage-error.ts";
import { readWal, Wal } from "../../storage/wal.ts";
import { type DiscardReason, type OtlpVisitor, readOtlpTraces, type SpanCursor } from "../ingest/otlp-reader.ts";
import { FROZEN_HEADS_MAX, HEAD_AGE_MAX_MS, HEAD_BYTES_MAX, HEAD_SPANS_MAX, RETENTION_INTERVAL_MS } from "../limits.ts";
import { TENANT, type TraceMetrics } from "../metrics.ts";
import { WAL_DIR } from "./filenames.ts";
import { Head } from "./head.ts";
import { HeadBlock } from "./head-block.ts";
import { type BlockFilter, SegmentSet } from "./segment-set.ts";
import { attributeScopes, type ColumnRequest, type SpanBlock } from "./span-block.ts";
import { StartGuard } from "./start-guard.ts";

/** Small segments of the log: replay makes room in memory only between them, and what a head covered goes soon. */
const WAL_SEGMENT_BYTES = 4 * 1024 * 1024; // 4 MiB
/** Share of the size cap that one head may fill: its segment must find room beside others, and beside the next head's log. */
const HEAD_SHARE_MAX = 0.2;
/** Pause before a failed flush is tried again. */
const FLUSH_RETRY_MS = 5_000;

export interface TraceStoreOptions {
  readonly dataDir: string;
  readonly logger: Logger;
  readonly metrics: TraceMetrics;
  readonly retentionMs: number;
  /** Most bytes of segments and write-ahead log together. */
  readonly bytesMax: number;
}

const EVERY_BLOCK: BlockFilter = { isWanted: () => true, mayMatch: () => true };

/** How many spans of a request were refused, by reason. */
export type Discarded = Partial<Record<DiscardReason, number>>;

/** A head that takes no more spans and waits for its segment. */
interface FrozenHead {
  readonly head: Head;
  readonly block: HeadBlock;
  /** Segments of the log before this one hold nothing that is not in this head or an older one. */
  readonly walEnd: number;
}

/** Sees each span that the store took, in the order of arrival; not during replay. */
export type SpanObserver = OtlpVisitor;

/**
 * All spans of the role: write-ahead log, head, segments. A request is acknowledged when the log has it and then is in
 * the head at once.
 */
export class TraceStore {
  readonly #options: TraceStoreOptions;
  readonly #segments: SegmentSet;
  #wal!: Wal;
  #head = new Head();
  #headBlock: { rowCount: number; block: HeadBlock } | undefined;
  readonly #frozen: FrozenHead[] = [];
  #flushing: Promise<void> | undefined;
  #cutting = false;
  #closed = false;
  #flushRetry: NodeJS.Timeout | undefined;
  #upkeep: NodeJS.Timeout | undefined;

  private constructor(options: TraceStoreOptions, segments: SegmentSet) {
    this.#options = options;
    this.#segments = segments;
  }

  /** Opens the folder and replays what has no segment yet. @throws StorageError when the folder cannot be used. */
  static async open(options: TraceStoreOptions): Promise<TraceStore> {
    const segments = await SegmentSet.open(options);
    const store = new TraceStore(options, segments);
    const guard = await StartGuard.enter(options.dataDir, WAL_DIR);
    if (guard.setAside !== undefined) {
      options.metrics.walDamage.inc();
      options.logger.error(
        { setAside: guard.setAside, failedStarts: guard.failedStarts },
        "the last starts did not survive reading the write-ahead log: it was set aside, what is only in it cannot be found",
      );
    }
    await store.#replay();
    await guard.passed();
    store.#upkeep = setInterval(() => void store.#runUpkeep(), RETENTION_INTERVAL_MS);
    store.#upkeep.unref();
    return store;
  }

  get liveTraces(): number {
    return this.#frozen.reduce((sum, { head }) => sum + head.traceCount, this.#head.traceCount);
  }

  get liveSpans(): number {
    return this.#frozen.reduce((sum, { head }) => sum + head.rowCount, this.#head.rowCount);
  }

  get headBytes(): number {
    return this.#frozen.reduce((sum, { head }) => sum + head.bytes, this.#head.bytes);
  }

  get walBytes(): number {
    return this.#wal.bytes;
  }

  get segments(): SegmentSet {
    return this.#segments;
  }

  /**
   * Writes a well-formed export request to the log, then adds it to the head.
   * @throws StorageError when it could not be written; nothing of it is kept then.
   */
  async append(request: Uint8Array, observer: SpanObserver | undefined): Promise<Discarded> {
    // The sender waits for one head to be written; where that fails, it is told to come back.
    if (this.#frozen.length >= FROZEN_HEADS_MAX) await this.#flushFrozen();
    if (this.#head.bytes > 2 * HEAD_BYTES_MAX) this.#cutWhenFull();
    if (this.#frozen.length >= FROZEN_HEADS_MAX || this.#head.bytes > 2 * HEAD_BYTES_MAX) {
      throw new StorageError(
        "STORAGE_WRITE_FAILED",
        `${this.#frozen.length} full heads (limit ${FROZEN_HEADS_MAX}) and ${this.#head.bytes} bytes (limit ${2 * HEAD_BYTES_MAX}) wait for the disk`,
      );
    }
    await this.#wal.append([request]);
    const discarded = this.#apply(request, observer);
    this.#cutWhenFull();
    return discarded;
  }

  /**
   * Blocks that may hold spans of the time range (Unix ms), newest first, with the columns prepared. `filter` leaves
   * out blocks of segments by what their directory says. Damaged ones are set aside, not answered.
   */
  async *blocks(
    startMs: number,
    endMs: number,
    requests: readonly ColumnRequest[],
    filter: BlockFilter = EVERY_BLOCK,
  ): AsyncGenerator<SpanBlock> {
    const heads = this.#frozen.map(({ block }) => block).reverse();
    if (this.#head.rowCount > 0) heads.unshift(this.#currentHeadBlock());
    // Taken now: a head that becomes a segment while this runs must be in one of both lists, not in both or none.
    const segments = this.#segments.blocks(startMs, endMs, requests, filter);
    for (const block of heads) {
      await block.prepare(requests);
      yield block;
    }
    yield* segments;
  }

  /** Blocks that hold the trace, restricted to it where that is cheap. */
  async *blocksOfTrace(traceId: Uint8Array): AsyncGenerator<{ block: SpanBlock; trace: number }> {
    const key = Buffer.from(traceId).toString("latin1");
    for (const head of [this.#head, ...this.#frozen.map((frozen) => frozen.head)]) {
      const rows = head.rowsOfTrace(key);
      if (rows.length > 0) yield { block: new HeadBlock(head, [head.traces[rows[0]!]!]), trace: 0 };
    }
    yield* this.#segments.blocksOfTrace(traceId);
  }

  /**
   * The Span messages of rows `[start, end)` of a block of this store. Where their bytes are damaged none: the rest of
   * the trace is worth more than an error.
   */
  async readSpans(block: SpanBlock, start: number, end: number): Promise<Uint8Array[]> {
    try {
      return await block.rawSpans(start, end);
    } catch (error) {
      // The file was deleted by retention after its columns were read.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      if (!(error instanceof StorageError)) throw error;
      this.#options.metrics.corruptBlocks.inc();
      this.#options.logger.error({ error: error.message }, "raw spans are damaged and left out");
      return [];
    }
  }

  /** Attribute keys in use, from the head and from the directories of segments; with repetitions. */
  async *attributeKeys(startMs: number, endMs: number): AsyncGenerator<ColumnRequest> {
    for (const head of [this.#head, ...this.#frozen.map((frozen) => frozen.head)]) {
      for (const scope of attributeScopes) for (const key of head.attributes[scope].keys) yield { scope, key };
    }
    for await (const { blocks } of this.#segments.directories(startMs, endMs)) {
      for (const { columns } of blocks) yield* columns;
    }
  }

  /** Writes what the log has not synced and stops; the head stays in the log. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#upkeep);
    clearTimeout(this.#flushRetry);
    await this.#flushing;
    await this.#wal.close();
  }

  /** Freezes the head and writes its segment; for tests and `export`. */
  async flush(): Promise<void> {
    await this.#cut();
    await this.#flushFrozen();
  }

  #currentHeadBlock(): HeadBlock {
    const { rowCount } = this.#head;
    if (this.#headBlock?.rowCount !== rowCount) this.#headBlock = { rowCount, block: new HeadBlock(this.#head) };
    return this.#headBlock.block;
  }

  async #replay(): Promise<void> {
    const { dataDir, logger, metrics } = this.#options;
    const walDir = join(dataDir, WAL_DIR);
    const startedAt = performance.now();
    const fromSegment = await this.#segments.replayFrom(walDir);
    let records = 0;
    let segment = fromSegment;
    const onDamage = (info: object): void => {
      metrics.walDamage.inc();
      logger.warn(info, "write-ahead log is damaged; what could not be read is skipped");
    };
    for await (const entry of readWal(walDir, { fromSegment, damage: "resync", onDamage })) {
      if (entry.segment !== segment) {
        segment = entry.segment;
        // Memory stays bounded however long the log is: what is complete becomes a segment on the way.
        if (this.#isFull()) await this.#writeSegment(new HeadBlock(this.#head), segment).then(() => this.#resetHead());
      }
      try {
        this.#apply(entry.record, undefined);
        records++;
      } catch (error) {
        onDamage({ segment: entry.segment, reason: (error as Error).message });
      }
    }
    this.#wal = await Wal.open({
      dir: walDir,
      segmentBytesMax: WAL_SEGMENT_BYTES,
      onError: (error) => logger.error({ error: error.message, code: error.code }, "write-ahead log failed"),
    });
    await this.#wal.truncateBefore(await this.#segments.replayFrom(walDir));
    const seconds = (performance.now() - startedAt) / 1_000;
    logger.info({ records, spans: this.#head.rowCount, seconds }, "write-ahead log replayed");
    this.#cutWhenFull();
  }

  #resetHead(): void {
    this.#head = new Head();
    this.#headBlock = undefined;
  }

  #apply(request: Uint8Array, observer: SpanObserver | undefined): Discarded {
    const appender = new Appender(this.#head, observer);
    const before = unindexed(this.#head);
    const { duplicates, traceCount } = this.#head;
    readOtlpTraces(request, appender);
    const { metrics } = this.#options;
    metrics.unindexedAttributes.inc(unindexed(this.#head) - before);
    metrics.tracesCreated.inc({ tenant: TENANT }, this.#head.traceCount - traceCount);
    metrics.duplicateSpans.inc(this.#head.duplicates - duplicates);
    return appender.discarded;
  }

  #isFull(): boolean {
    const bytesMax = Math.min(HEAD_BYTES_MAX, this.#options.bytesMax * HEAD_SHARE_MAX);
    return this.#head.rowCount >= HEAD_SPANS_MAX || this.#head.bytes >= bytesMax;
  }

  #cutWhenFull(): void {
    if (this.#cutting || this.#closed) return;
    const { createdAtMs } = this.#head;
    const isOld = createdAtMs !== undefined && Date.now() - createdAtMs >= HEAD_AGE_MAX_MS;
    if (!this.#isFull() && !isOld) return;
    this.#cut().then(
      () => this.#flushFrozen(),
      (error: Error) => this.#options.logger.error({ error: error.message }, "cannot start a new log segment"),
    );
  }

  /**
   * Puts a new head in place of the full one. The log is rotated first: requests acknowledged before are in the old
   * head and in older log segments, later ones in the new head and the new segment, because each is added to the head
   * in the turn in which its log write is reported.
   */
  async #cut(): Promise<void> {
    if (this.#cutting || this.#head.rowCount === 0) return;
    this.#cutting = true;
    try {
      const walEnd = await this.#wal.rotate();
      const head = this.#head;
      this.#resetHead();
      this.#frozen.push({ head, block: new HeadBlock(head), walEnd });
    } finally {
      this.#cutting = false;
    }
  }

  /** Writes segments for the frozen heads, oldest first; one at a time. Failures are logged and tried again. */
  #flushFrozen(): Promise<void> {
    this.#flushing ??= this.#flushAll().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  async #flushAll(): Promise<void> {
    clearTimeout(this.#flushRetry);
    while (this.#frozen.length > 0 && !this.#closed) {
      const { block, walEnd } = this.#frozen[0]!;
      try {
        await this.#writeSegment(block, walEnd);
        this.#frozen.shift();
        await this.#wal.truncateBefore(walEnd);
        await this.#segments.enforceRetention(this.#wal.bytes);
      } catch (error) {
        const { logger, metrics } = this.#options;
        metrics.flushFailures.inc();
        logger.error({ error: (error as Error).message, retryMs: FLUSH_RETRY_MS }, "cannot write a segment");
        clearTimeout(this.#flushRetry);
        this.#flushRetry = setTimeout(() => void this.#flushFrozen(), FLUSH_RETRY_MS);
        this.#flushRetry.unref();
        return;
      }
    }
  }

  async #writeSegment(block: HeadBlock, walEnd: number): Promise<void> {
    await this.#segments.write(block, walEnd);
    this.#options.metrics.blocksFlushed.inc();
  }

  async #runUpkeep(): Promise<void> {
    this.#cutWhenFull();
    try {
      await this.#segments.enforceRetention(this.#wal.bytes);
    } catch (error) {
      this.#options.logger.error({ error: (error as Error).message }, "retention failed");
    }
  }
}

function unindexed(head: Head): number {
  return Object.values(head.attributes).reduce((sum, table) => sum + table.unindexed, 0);
}

/** Adds the spans of one request to a head. */
class Appender implements OtlpVisitor {
  readonly #head: Head;
  readonly #observer: SpanObserver | undefined;
  readonly discarded: Discarded = {};
  #resource = 0;
  #scope = 0;

  constructor(head: Head, observer: SpanObserver | undefined) {
    this.#head = head;
    this.#observer = observer;
  }

  resource(...parts: Parameters<OtlpVisitor["resource"]>): void {
    this.#resource = this.#head.internResource(...parts);
    this.#observer?.resource(...parts);
  }

  scope(...parts: Parameters<OtlpVisitor["scope"]>): void {
    this.#scope = this.#head.internScope(...parts);
    this.#observer?.scope(...parts);
  }

  span(span: SpanCursor): void {
    const reason = invalidId(span) ?? this.#head.refusal(span);
    if (reason !== undefined) {
      this.discarded[reason] = (this.discarded[reason] ?? 0) + 1;
      return;
    }
    if (this.#head.append(span, this.#resource, this.#scope)) this.#observer?.span(span);
  }
}

function invalidId(span: SpanCursor): DiscardReason | undefined {
  if (span.traceIdAt < 0) return "invalid_trace_id";
  return span.spanIdAt < 0 ? "invalid_span_id" : undefined;
}
