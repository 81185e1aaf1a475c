import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { FloatHistogram } from "../../series/float-histogram.ts";
import { type Labels, METRIC_NAME } from "../../series/labels.ts";
import { StorageError } from "../../storage/storage-error.ts";
import { readWal, type WalDamageInfo } from "../../storage/wal.ts";
import { checkpointSegment } from "../blocks/filenames.ts";
import type { Exemplar, MetricMetadata } from "./appender.ts";
import type { Head } from "./head.ts";
import type { HeadSeries } from "./head-series.ts";
import { type RecordVisitor, visitRecord } from "./records.ts";

/** Postings hold refs in 32 bits; a ref of a WAL that is larger gets a new one. */
const REF_MAX = 0xffff_ffff;

export interface ReplayResult {
  readonly records: number;
  readonly samples: number;
  /** Entries whose series no record had told before: what a damaged log lost. */
  readonly unknownRefs: number;
  /** Records whose checksum was right and whose content was not; passed over. */
  readonly badRecords: number;
}

export interface ReplayHooks {
  /** Called for the checkpoint's or the log's damage, once each. */
  onDamage(dir: string, info: WalDamageInfo): void;
  /**
   * Called after each record of the log, to take out of the head what is too much for it. A log is in the order of
   * time; a checkpoint, which is not, is read without.
   */
  spill(): Promise<void> | undefined;
}

/**
 * Rebuilds the head from the newest checkpoint and the segments after it, one record at a time. Damage ends the log
 * where it begins; what was cut off is kept. Samples before `head.minValidTimeMs` are in blocks and passed over.
 */
export async function replayHead(head: Head, walDir: string, hooks: ReplayHooks): Promise<ReplayResult> {
  const replay = new Replay(head);
  const checkpoint = await newestCheckpoint(walDir);
  const whole = { ...hooks, spill: () => undefined };
  if (checkpoint !== undefined) await replay.read(join(walDir, checkpoint.name), 0, whole);
  await replay.read(walDir, checkpoint === undefined ? 0 : checkpoint.segment + 1, hooks);
  return replay;
}

/** The checkpoint that stands for the most segments, or undefined where there is none. */
async function newestCheckpoint(walDir: string): Promise<{ name: string; segment: number } | undefined> {
  let newest: { name: string; segment: number } | undefined;
  for (const name of await namesIn(walDir)) {
    const segment = checkpointSegment(name);
    if (segment !== undefined && segment >= (newest?.segment ?? 0)) newest = { name, segment };
  }
  return newest;
}

async function namesIn(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

class Replay implements ReplayResult, RecordVisitor {
  records = 0;
  samples = 0;
  unknownRefs = 0;
  badRecords = 0;
  readonly #head: Head;
  /**
   * Refs of the log that mean another ref in the head: two batches may have logged their series in another order than
   * they made them, and a later run may have logged a series again.
   */
  readonly #aliases = new Map<number, HeadSeries>();

  constructor(head: Head) {
    this.#head = head;
  }

  async read(dir: string, fromSegment: number, hooks: ReplayHooks): Promise<void> {
    const onDamage = (info: WalDamageInfo): void => hooks.onDamage(dir, info);
    for await (const { record } of readWal(dir, { fromSegment, damage: "truncate", onDamage })) {
      this.records++;
      try {
        visitRecord(record, this);
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
        this.badRecords++;
      }
      const spilling = hooks.spill();
      if (spilling !== undefined) await spilling;
    }
  }

  series(ref: number, labels: Labels): void {
    const known = this.#head.find(labels);
    if (known !== undefined) {
      if (known.ref === ref) this.#aliases.delete(ref);
      else this.#aliases.set(ref, known);
      return;
    }
    const { nextRef } = this.#head;
    if (ref >= nextRef && ref <= REF_MAX) {
      this.#head.create(ref, labels).logged = true;
      this.#aliases.delete(ref);
    } else this.#aliases.set(ref, this.#head.create(nextRef, labels));
  }

  sample(ref: number, timestampMs: number, high: number, low: number): void {
    const series = this.#find(ref);
    if (series === undefined || timestampMs < this.#head.minValidTimeMs) return;
    if (this.#head.append(series, timestampMs, high, low)) this.samples++;
  }

  histogram(ref: number, timestampMs: number, histogram: FloatHistogram): void {
    const series = this.#find(ref);
    if (series === undefined || timestampMs < this.#head.minValidTimeMs) return;
    if (this.#head.appendHistogram(series, timestampMs, histogram)) this.samples++;
  }

  exemplar(ref: number, exemplar: Exemplar): void {
    const series = this.#find(ref);
    if (series !== undefined) this.#head.exemplars.add(series.ref, exemplar);
  }

  metadata(ref: number, metadata: MetricMetadata): void {
    const series = this.#find(ref);
    if (series !== undefined) this.#head.metadata.add(series.labels.get(METRIC_NAME), metadata);
  }

  #find(ref: number): HeadSeries | undefined {
    const series = this.#aliases.get(ref) ?? this.#head.get(ref);
    if (series === undefined) this.unknownRefs++;
    return series;
  }
}
