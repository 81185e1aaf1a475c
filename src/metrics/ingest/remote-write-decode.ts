import { compareNames, Labels } from "../../series/labels.ts";
import { REMOTE_WRITE_LABELS_MAX } from "../limits.ts";
import type { Exemplar, MetricMetadata } from "../store/appender.ts";
import { ProtobufError, ProtobufReader } from "./protobuf-reader.ts";
import { readHistogram, type WrittenHistogram } from "./remote-write-histogram.ts";

/** One series of a write request. The arrays are reused for the next series: read them before it is asked for. */
export interface WrittenSeries {
  labels: Labels;
  /** Why `labels` are no series, where they are not; then the samples cannot be stored. */
  invalid: string | undefined;
  timestampsMs: number[];
  values: number[];
  /** Indexes of samples that are staleness markers. */
  stale: Set<number>;
  exemplars: Exemplar[];
  histograms: WrittenHistogram[];
}

export interface WrittenMetadata extends MetricMetadata {
  readonly family: string;
}

/** Source: prompb/types.proto, MetricMetadata.MetricType. */
const TYPES = ["unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset"];

/**
 * Walks a remote write 1.0 request (prompb.WriteRequest, uncompressed) series by series.
 * @throws ProtobufError where the bytes are no such message; series before the damage have been handed out already.
 */
export function* decodeWriteRequest(
  bytes: Uint8Array,
  onMetadata: (metadata: WrittenMetadata) => void,
): Generator<WrittenSeries> {
  const reader = new ProtobufReader(bytes);
  const series: WrittenSeries = {
    labels: Labels.EMPTY,
    invalid: undefined,
    timestampsMs: [],
    values: [],
    stale: new Set(),
    exemplars: [],
    histograms: [],
  };
  while (reader.next()) {
    if (reader.field === 1) {
      readSeries(reader.message(), series);
      yield series;
    } else if (reader.field === 3) onMetadata(readMetadata(reader.message()));
    else reader.skip();
  }
}

function readSeries(reader: ProtobufReader, out: WrittenSeries): void {
  const pairs: string[] = [];
  out.timestampsMs.length = 0;
  out.values.length = 0;
  out.stale.clear();
  out.exemplars.length = 0;
  out.histograms.length = 0;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        if (pairs.length >= REMOTE_WRITE_LABELS_MAX * 2) {
          throw new ProtobufError(`more than ${REMOTE_WRITE_LABELS_MAX} labels in one series`);
        }
        readLabel(reader.message(), pairs);
        break;
      case 2:
        readSample(reader.message(), out);
        break;
      case 3:
        out.exemplars.push(readExemplar(reader.message()));
        break;
      case 4:
        out.histograms.push(readHistogram(reader.message()));
        break;
      default:
        reader.skip();
    }
  }
  out.labels = toLabels(pairs);
  out.invalid = complaint(pairs, out.labels);
}

function readLabel(reader: ProtobufReader, pairs: string[]): void {
  let name = "";
  let value = "";
  while (reader.next()) {
    if (reader.field === 1) name = reader.string();
    else if (reader.field === 2) value = reader.string();
    else reader.skip();
  }
  pairs.push(name, value);
}

/** Writers send labels sorted, so that the pairs can mostly be taken as they are. */
function toLabels(pairs: string[]): Labels {
  for (let index = 0; index < pairs.length; index += 2) {
    const isSorted = index === 0 || compareNames(pairs[index - 2]!, pairs[index]!) < 0;
    if (!isSorted || pairs[index + 1] === "") return Labels.fromEntries(entriesOf(pairs));
  }
  return Labels.fromSorted(pairs);
}

function* entriesOf(pairs: readonly string[]): Generator<[string, string]> {
  for (let index = 0; index < pairs.length; index += 2) yield [pairs[index]!, pairs[index + 1]!];
}

function complaint(pairs: readonly string[], labels: Labels): string | undefined {
  if (!labels.has("__name__") || pairs.some((text, index) => index % 2 === 0 && text === "")) {
    return `invalid metric name or labels, got ${labels.toString()}`;
  }
  if (labels.size === pairs.length / 2) return undefined;
  const seen = new Set<string>();
  for (const [name] of entriesOf(pairs)) {
    if (seen.has(name)) {
      return `invalid labels for series, labels ${labels.toString()}, duplicated label ${name}`;
    }
    seen.add(name);
  }
  return undefined;
}

function readSample(reader: ProtobufReader, out: WrittenSeries): void {
  let value = 0;
  let isStale = false;
  let timestampMs = 0;
  while (reader.next()) {
    if (reader.field === 1) {
      value = reader.double();
      isStale = Number.isNaN(value) && reader.wasStaleMarker();
    } else if (reader.field === 2) timestampMs = reader.int64();
    else reader.skip();
  }
  if (isStale) out.stale.add(out.values.length);
  out.values.push(value);
  out.timestampsMs.push(timestampMs);
}

function readExemplar(reader: ProtobufReader): Exemplar {
  const pairs: string[] = [];
  let value = 0;
  let timestampMs = 0;
  while (reader.next()) {
    if (reader.field === 1) {
      if (pairs.length >= REMOTE_WRITE_LABELS_MAX * 2) throw new ProtobufError("too many labels in one exemplar");
      readLabel(reader.message(), pairs);
    } else if (reader.field === 2) value = reader.double();
    else if (reader.field === 3) timestampMs = reader.int64();
    else reader.skip();
  }
  return { labels: toLabels(pairs), value, timestampMs };
}

function readMetadata(reader: ProtobufReader): WrittenMetadata {
  let [type, family, help, unit] = ["unknown", "", "", ""];
  while (reader.next()) {
    if (reader.field === 1) type = TYPES[reader.uint()] ?? "unknown";
    else if (reader.field === 2) family = reader.string();
    else if (reader.field === 4) help = reader.string();
    else if (reader.field === 5) unit = reader.string();
    else reader.skip();
  }
  return { family, type, help, unit };
}
