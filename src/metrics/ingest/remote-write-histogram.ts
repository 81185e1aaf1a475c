import {
  type BucketSpan,
  type CounterResetHint,
  CUSTOM_BUCKETS_SCHEMA,
  type FloatHistogram,
} from "../../series/float-histogram.ts";
import type { ProtobufReader } from "./protobuf-reader.ts";

export interface WrittenHistogram {
  readonly timestampMs: number;
  readonly histogram: FloatHistogram;
  /** True where the sample only says that the series ends here. */
  readonly isStale: boolean;
  /** Why it is no histogram, where it is not; texts of Prometheus' model/histogram. */
  readonly invalid: string | undefined;
}

/**
 * Reads a prompb.Histogram. Integer histograms carry deltas from bucket to bucket, float ones counts; both become
 * counts. @throws ProtobufError
 */
export function readHistogram(reader: ProtobufReader): WrittenHistogram {
  let timestampMs = 0;
  let isStale = false;
  const histogram = emptyHistogram();
  const positiveDeltas: number[] = [];
  const negativeDeltas: number[] = [];
  const customValues: number[] = [];
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        histogram.count = reader.uint();
        break;
      case 2:
        histogram.count = reader.double();
        break;
      case 3:
        histogram.sum = reader.double();
        isStale = Number.isNaN(histogram.sum) && reader.wasStaleMarker();
        break;
      case 4:
        histogram.schema = reader.zigzag();
        break;
      case 5:
        histogram.zeroThreshold = reader.double();
        break;
      case 6:
        histogram.zeroCount = reader.uint();
        break;
      case 7:
        histogram.zeroCount = reader.double();
        break;
      case 8:
        histogram.negativeSpans.push(readSpan(reader.message()));
        break;
      case 9:
        reader.repeated("zigzag", negativeDeltas);
        break;
      case 10:
        reader.repeated("double", histogram.negativeBuckets);
        break;
      case 11:
        histogram.positiveSpans.push(readSpan(reader.message()));
        break;
      case 12:
        reader.repeated("zigzag", positiveDeltas);
        break;
      case 13:
        reader.repeated("double", histogram.positiveBuckets);
        break;
      case 14:
        histogram.counterResetHint = (reader.uint() % 4) as CounterResetHint;
        break;
      case 15:
        timestampMs = reader.int64();
        break;
      case 16:
        reader.repeated("double", customValues);
        break;
      default:
        reader.skip();
    }
  }
  if (positiveDeltas.length > 0) histogram.positiveBuckets = runningSums(positiveDeltas);
  if (negativeDeltas.length > 0) histogram.negativeBuckets = runningSums(negativeDeltas);
  if (customValues.length > 0) histogram.customValues = customValues;
  return { timestampMs, histogram, isStale, invalid: complaint(histogram) };
}

function emptyHistogram(): FloatHistogram {
  return {
    counterResetHint: 0,
    schema: 0,
    zeroThreshold: 0,
    zeroCount: 0,
    count: 0,
    sum: 0,
    positiveSpans: [],
    negativeSpans: [],
    positiveBuckets: [],
    negativeBuckets: [],
  };
}

function readSpan(reader: ProtobufReader): BucketSpan {
  let offset = 0;
  let length = 0;
  while (reader.next()) {
    if (reader.field === 1) offset = reader.zigzag();
    else if (reader.field === 2) length = reader.uint();
    else reader.skip();
  }
  return { offset, length };
}

function runningSums(deltas: readonly number[]): number[] {
  let sum = 0;
  return deltas.map((delta) => (sum += delta));
}

function complaint(histogram: FloatHistogram): string | undefined {
  const { schema, customValues = [] } = histogram;
  if (schema !== CUSTOM_BUCKETS_SCHEMA && (schema < -4 || schema > 8)) {
    return `histogram has an invalid schema, which must be between -4 and 8 for exponential buckets, or -53 for custom buckets, got schema ${schema}`;
  }
  for (let index = 1; index < customValues.length; index++) {
    if (!(customValues[index]! > customValues[index - 1]!)) {
      return `custom buckets: histogram custom bounds must be in strictly increasing order`;
    }
  }
  return (
    sideComplaint("negative", histogram.negativeSpans, histogram.negativeBuckets) ??
    sideComplaint("positive", histogram.positiveSpans, histogram.positiveBuckets)
  );
}

function sideComplaint(side: string, spans: readonly BucketSpan[], buckets: readonly number[]): string | undefined {
  let needed = 0;
  for (const [index, { offset, length }] of spans.entries()) {
    if (index > 0 && offset < 0) {
      return `${side} side: span number ${index + 1} with offset ${offset}: histogram has a span whose offset is negative`;
    }
    needed += length;
  }
  if (needed !== buckets.length) {
    return `${side} side: spans need ${needed} buckets, have ${buckets.length} buckets: histogram spans specify different number of buckets than provided`;
  }
  const negative = buckets.findIndex((count) => count < 0);
  if (negative < 0) return undefined;
  return `${side} side: bucket number ${negative + 1} has observation count of ${buckets[negative]}: histogram has a bucket whose observation count is negative`;
}
