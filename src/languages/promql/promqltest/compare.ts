import type { FloatHistogram } from "../../../series/float-histogram.ts";
import { formatG } from "../../../series/format-value.ts";
import { compactHistogram } from "../../../series/histogram-arithmetic.ts";
import { sameBounds, sideOf } from "../../../series/histogram-buckets.ts";
import { histogramExpression } from "../../../series/histogram-text.ts";
import { almostEqual } from "../histogram/classic-buckets.ts";
import type { MatrixSeries, QueryValue } from "../result.ts";
import type { EvalCommand } from "./parse-script.ts";
import type { SequenceValue } from "./sequence.ts";

/** Relative difference that two implementations may have. */
const EPSILON = 1e-6;

/** What is wrong with a result, or undefined where it is as expected. */
export function compareValue(command: EvalCommand, value: QueryValue): string | undefined {
  if (value.type === "string") return command.string === value.value ? undefined : `got string ${value.value}`;
  if (value.type === "scalar") {
    if (command.scalar === undefined) return `got scalar ${value.value}`;
    if (almostEqual(command.scalar, value.value, EPSILON)) return undefined;
    return `want scalar ${command.scalar}, got ${value.value}`;
  }
  if (command.scalar !== undefined) return `want scalar ${command.scalar}, got a ${value.type}`;
  return value.type === "vector" ? compareVector(command, value) : compareMatrix(command, value.series);
}

function compareVector(command: EvalCommand, { samples }: QueryValue & { type: "vector" }): string | undefined {
  const ordered = command.expectations.some(({ kind }) => kind === "ordered");
  const seen = new Set<string>();
  for (const [place, { labels, value, histogram }] of samples.entries()) {
    const expected = command.series.findLast((series) => series.labels.key === labels.key);
    const got = histogram === undefined ? formatG(value) : histogramExpression(histogram);
    if (expected === undefined) return `unexpected ${labels} ${got}`;
    if (ordered && expected.place !== place) return `want ${labels} at place ${expected.place}, got it at ${place}`;
    const wanted = expected.values[0];
    if (wanted === undefined || !sameValue(wanted, histogram ?? value))
      return `${labels}: want ${describe(wanted)}, got ${got}`;
    seen.add(labels.key);
  }
  return missing(command, seen);
}

function missing(command: EvalCommand, seen: ReadonlySet<string>): string | undefined {
  const absent = command.series.find((series) => !seen.has(series.labels.key));
  return absent && `want ${absent.labels} ${describe(absent.values[0])}, got nothing`;
}

function compareMatrix(command: EvalCommand, list: readonly MatrixSeries[]): string | undefined {
  const { startMs, stepMs } = command.rangeVector ?? command;
  const seen = new Set<string>();
  for (const series of list) {
    const expected = command.series.findLast(({ labels }) => labels.key === series.labels.key);
    const got = sampleMap(series);
    if (expected === undefined) return `unexpected ${series.labels} ${describeSeries(got)}`;
    seen.add(series.labels.key);
    const wanted = expected.values.filter(({ kind }) => kind !== "omitted").length;
    let found = 0;
    for (const [index, value] of expected.values.entries()) {
      if (value.kind === "omitted") continue;
      const sample = got.get(startMs + index * stepMs);
      if (sample === undefined || !sameValue(value, sample))
        return `${series.labels} at ${startMs + index * stepMs} ms: want ${describe(value)}, got ${describeSample(sample)} (${describeSeries(got)})`;
      found++;
    }
    if (wanted !== got.size || found !== got.size)
      return `${series.labels}: want ${wanted} samples, got ${describeSeries(got)}`;
  }
  return missing(command, seen);
}

function sampleMap(series: MatrixSeries): Map<number, number | FloatHistogram> {
  const samples = new Map<number, number | FloatHistogram>();
  series.timestamps.forEach((time, index) => {
    samples.set(time, series.values[index]!);
  });
  series.histogramTimestamps.forEach((time, index) => {
    samples.set(time, series.histograms[index]!);
  });
  return samples;
}

function describeSeries(samples: ReadonlyMap<number, number | FloatHistogram>): string {
  return [...samples].map(([time, sample]) => `${describeSample(sample)} @${time}`).join(" ");
}

function describeSample(sample: number | FloatHistogram | undefined): string {
  if (sample === undefined) return "nothing";
  return typeof sample === "number" ? formatG(sample) : histogramExpression(sample);
}

function describe(value: SequenceValue | undefined): string {
  if (value?.kind === "float") return formatG(value.value);
  return value?.kind === "histogram" ? histogramExpression(value.histogram) : (value?.kind ?? "nothing");
}

function sameValue(wanted: SequenceValue, got: number | FloatHistogram): boolean {
  if (wanted.kind === "float") return typeof got === "number" && almostEqual(wanted.value, got, EPSILON);
  if (wanted.kind !== "histogram" || typeof got === "number") return false;
  return sameHistogram(compactHistogram(wanted.histogram), compactHistogram(got), wanted.hintGiven);
}

function sameHistogram(wanted: FloatHistogram, got: FloatHistogram, compareHint: boolean): boolean {
  const close = (left: number, right: number) => almostEqual(left, right, EPSILON);
  return (
    wanted.schema === got.schema &&
    close(wanted.count, got.count) &&
    close(wanted.sum, got.sum) &&
    sameBounds(wanted.customValues, got.customValues) &&
    wanted.zeroThreshold === got.zeroThreshold &&
    close(wanted.zeroCount, got.zeroCount) &&
    sameSide(wanted.positiveSpans, wanted.positiveBuckets, got.positiveSpans, got.positiveBuckets) &&
    sameSide(wanted.negativeSpans, wanted.negativeBuckets, got.negativeSpans, got.negativeBuckets) &&
    (!compareHint || wanted.counterResetHint === got.counterResetHint)
  );
}

function sameSide(
  wantedSpans: FloatHistogram["positiveSpans"],
  wantedBuckets: readonly number[],
  gotSpans: FloatHistogram["positiveSpans"],
  gotBuckets: readonly number[],
): boolean {
  const wanted = sideOf(wantedSpans, wantedBuckets);
  const got = sideOf(gotSpans, gotBuckets);
  return (
    wanted.indexes.length === got.indexes.length &&
    wanted.indexes.every(
      (index, position) =>
        index === got.indexes[position] && almostEqual(wanted.counts[position]!, got.counts[position]!, EPSILON),
    )
  );
}
