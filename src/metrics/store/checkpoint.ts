import { readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { METRIC_NAME } from "../../series/labels.ts";
import type { SeriesColumns } from "../../series/queryable.ts";
import { bitsOf } from "../../series/stale.ts";
import { syncDir } from "../../storage/atomic-file.ts";
import { ByteWriter } from "../../storage/varint.ts";
import { Wal } from "../../storage/wal.ts";
import { checkpointName, checkpointSegment } from "../blocks/filenames.ts";
import { ColumnScratch } from "../chunks/column-scratch.ts";
import type { Head } from "./head.ts";
import { exemplarsRecord } from "./head-append.ts";
import { decodeHeadSeries } from "./head-read.ts";
import type { HeadSeries } from "./head-series.ts";
import { RECORD_SAMPLES_MAX } from "./limits.ts";
import {
  histogramRecordType,
  RecordType,
  writeHistogramEntry,
  writeMetadataEntry,
  writeMetadataHeader,
  writeSampleEntry,
  writeSampleHeader,
  writeSeriesEntry,
  writeSeriesHeader,
} from "./records.ts";

const TEMPORARY_SUFFIX = ".tmp";
/** Series per record; bounds the record. */
const RECORD_SERIES_MAX = 1_000;

/**
 * Writes the whole head as a log of its own that stands for the segments up to `segment`, which may be deleted then.
 * Prometheus copies what is still needed out of the old segments; we have it in memory, in the order of series, so the
 * checkpoint comes out smaller and nothing old is read. Batches committed meanwhile are in later segments too, where
 * the replay passes over what it has seen.
 * @throws StorageError; the log is untouched then.
 */
export async function writeCheckpoint(head: Head, walDir: string, segment: number): Promise<void> {
  const target = join(walDir, checkpointName(segment));
  const temporary = `${target}${TEMPORARY_SUFFIX}`;
  await rm(temporary, { recursive: true, force: true });
  const wal = await Wal.open({ dir: temporary, compression: "snappy" });
  try {
    const all = [...head.allSeries()];
    for (let start = 0; start < all.length; start += RECORD_SERIES_MAX) {
      await wal.append([seriesRecord(all.slice(start, start + RECORD_SERIES_MAX))]);
    }
    await writeMetadata(head, wal);
    await writeSamples(head, all, wal);
    await writeExemplars(head, wal);
    await wal.close();
  } catch (error) {
    await wal.close();
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  await rm(target, { recursive: true, force: true });
  await rename(temporary, target);
  await syncDir(walDir);
}

/** Deletes the checkpoints before that of `segment`, and what a crash left half written. */
export async function deleteOldCheckpoints(walDir: string, segment: number): Promise<void> {
  for (const name of await readdir(walDir)) {
    const other = checkpointSegment(name.endsWith(TEMPORARY_SUFFIX) ? name.slice(0, -TEMPORARY_SUFFIX.length) : name);
    const stale = other !== undefined && (other < segment || name.endsWith(TEMPORARY_SUFFIX));
    if (stale) await rm(join(walDir, name), { recursive: true, force: true });
  }
}

function seriesRecord(all: readonly HeadSeries[]): Uint8Array {
  const writer = new ByteWriter(all.length * 128);
  writeSeriesHeader(writer);
  for (const series of all) writeSeriesEntry(writer, series.ref, series.labels);
  return writer.view();
}

async function writeMetadata(head: Head, wal: Wal): Promise<void> {
  const writer = new ByteWriter();
  writeMetadataHeader(writer);
  for (const [metric, variants] of head.metadata.all()) {
    const ref = head.index.postings(METRIC_NAME, metric)[0];
    if (ref !== undefined) for (const metadata of variants) writeMetadataEntry(writer, ref, metadata);
  }
  await wal.append([writer.view()]);
}

async function writeSamples(head: Head, all: readonly HeadSeries[], wal: Wal): Promise<void> {
  const scratch = new ColumnScratch();
  let batch: { series: HeadSeries; columns: SeriesColumns }[] = [];
  let batchSamples = 0;
  for (const series of all) {
    scratch.clear();
    decodeHeadSeries(head, series, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, scratch);
    const columns = scratch.take(series.labels, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
    if (columns === undefined) continue;
    batch.push({ series, columns });
    batchSamples += columns.timestamps.length;
    if (batchSamples < RECORD_SAMPLES_MAX) continue;
    await wal.append(sampleRecords(batch));
    batch = [];
    batchSamples = 0;
  }
  await wal.append(sampleRecords(batch));
}

/** One record for all series of floats; a series with native histograms takes a record per sample, in order. */
function sampleRecords(batch: readonly { series: HeadSeries; columns: SeriesColumns }[]): Uint8Array[] {
  const first = batch[0];
  if (first === undefined) return [];
  const firstRef = first.series.ref;
  const firstMs = first.columns.timestamps[0]!;
  const records: Uint8Array[] = [];
  const floats = new ByteWriter(RECORD_SAMPLES_MAX * 12);
  writeSampleHeader(floats, RecordType.Samples, firstRef, firstMs);
  for (const { series, columns } of batch) {
    if (columns.histograms !== undefined) {
      for (let index = 0; index < columns.timestamps.length; index++)
        records.push(singleRecord(series, columns, index));
      continue;
    }
    const bits = bitsOf(columns.values);
    const refDelta = series.ref - firstRef;
    for (let index = 0; index < columns.timestamps.length; index++) {
      const timestampDeltaMs = columns.timestamps[index]! - firstMs;
      writeSampleEntry(floats, refDelta, timestampDeltaMs, bits[2 * index + 1]!, bits[2 * index]!);
    }
  }
  return [floats.view(), ...records];
}

function singleRecord(series: HeadSeries, columns: SeriesColumns, index: number): Uint8Array {
  const writer = new ByteWriter();
  const histogram = columns.histograms?.[index];
  const type = histogram === undefined ? RecordType.Samples : histogramRecordType(histogram);
  writeSampleHeader(writer, type, series.ref, columns.timestamps[index]!);
  const bits = bitsOf(columns.values);
  if (histogram === undefined) writeSampleEntry(writer, 0, 0, bits[2 * index + 1]!, bits[2 * index]!);
  else writeHistogramEntry(writer, 0, 0, histogram);
  return writer.view();
}

async function writeExemplars(head: Head, wal: Wal): Promise<void> {
  const pending: Parameters<typeof exemplarsRecord>[0][number][] = [];
  for (const { ref, exemplar } of head.exemplars.inOrder()) {
    const series = head.get(ref);
    if (series !== undefined) pending.push({ series, exemplar });
  }
  for (let start = 0; start < pending.length; start += RECORD_SERIES_MAX) {
    await wal.append([exemplarsRecord(pending.slice(start, start + RECORD_SERIES_MAX))]);
  }
}
