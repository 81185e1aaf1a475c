import type { MatrixSeries, QueryResult, QueryValue, VectorSample } from "../../languages/promql/result.ts";
import { formatSampleValue } from "../../series/format-value.ts";
import type { Labels } from "../../series/labels.ts";
import { encodeHistogram } from "./encode-histogram.ts";

/** Result data of `query` and `query_range`, in pieces of at most one series. Source: Prometheus HTTP API, "Expression query result formats". */
export function* encodeQueryResult(result: QueryResult, stats: object | undefined): Generator<string> {
  yield `{"resultType":"${result.value.type}","result":`;
  yield* encodeValue(result.value);
  yield stats === undefined ? "}" : `,"stats":${JSON.stringify(stats)}}`;
}

function* encodeValue(value: QueryValue): Generator<string> {
  switch (value.type) {
    case "scalar":
      yield `[${encodeTime(value.timeMs)},"${formatSampleValue(value.value)}"]`;
      return;
    case "string":
      yield `[${encodeTime(value.timeMs)},${JSON.stringify(value.value)}]`;
      return;
    case "vector":
      yield* encodeList(value.samples, encodeSample);
      return;
    case "matrix":
      yield* encodeList(value.series, encodeSeries);
  }
}

function* encodeList<Item>(items: readonly Item[], encode: (item: Item) => string): Generator<string> {
  yield "[";
  for (let index = 0; index < items.length; index++) yield (index === 0 ? "" : ",") + encode(items[index]!);
  yield "]";
}

function encodeSample({ labels, timeMs, value, histogram }: VectorSample): string {
  const metric = encodeLabels(labels);
  if (histogram !== undefined) {
    return `{"metric":${metric},"histogram":[${encodeTime(timeMs)},${encodeHistogram(histogram)}]}`;
  }
  return `{"metric":${metric},"value":[${encodeTime(timeMs)},"${formatSampleValue(value)}"]}`;
}

function encodeSeries(series: MatrixSeries): string {
  const { timestamps, values, histogramTimestamps, histograms } = series;
  const points: string[] = [];
  for (let index = 0; index < timestamps.length; index++) {
    points.push(`[${encodeTime(timestamps[index]!)},"${formatSampleValue(values[index]!)}"]`);
  }
  const parts = [`{"metric":${encodeLabels(series.labels)}`];
  if (points.length > 0) parts.push(`"values":[${points.join(",")}]`);
  if (histograms.length > 0) {
    const encoded = histograms.map((histogram, index) => {
      return `[${encodeTime(histogramTimestamps[index]!)},${encodeHistogram(histogram)}]`;
    });
    parts.push(`"histograms":[${encoded.join(",")}]`);
  }
  return `${parts.join(",")}}`;
}

/** `{"__name__":"up","job":"x"}`. */
export function encodeLabels(labels: Labels): string {
  return JSON.stringify(labels.toRecord());
}

/** Unix ms as seconds with up to three decimals. */
export function encodeTime(ms: number): string {
  return String(ms / 1_000);
}
