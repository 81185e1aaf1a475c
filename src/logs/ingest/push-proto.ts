import { sanitizeLabelName } from "../../languages/logql/label-name.ts";
import { HttpError } from "../../runtime/http-error.ts";
import type { Labels } from "../../series/labels.ts";
import type { Entry, StreamEntries } from "../entry.ts";
import { ProtoReader } from "./proto-reader.ts";
import { LabelsSyntaxError, type StreamLabelsParser } from "./stream-labels.ts";

/** Streams of one push, at most: bounds what a few bytes can make us allocate. */
const STREAMS_MAX = 100_000;

/**
 * Reads a protobuf push, uncompressed. Messages (Loki pkg/push/push.proto):
 * PushRequest { repeated Stream streams = 1 }, Stream { string labels = 1; repeated Entry entries = 2 },
 * Entry { Timestamp timestamp = 1; string line = 2; repeated LabelPair structuredMetadata = 3 },
 * Timestamp { int64 seconds = 1; int32 nanos = 2 }, LabelPair { string name = 1; string value = 2 }.
 * Lines are borrowed from `body`.
 * @throws HttpError 400 for bytes that are no such message.
 */
export function readPushProto(body: Buffer, labelsParser: StreamLabelsParser): StreamEntries[] {
  const streams: StreamEntries[] = [];
  const reader = new ProtoReader(body, 0, body.length);
  while (reader.next()) {
    if (reader.field !== 1) reader.skip();
    else {
      if (streams.length >= STREAMS_MAX) throw new HttpError(400, `push of more than ${STREAMS_MAX} streams`);
      streams.push(readStream(reader.message(), labelsParser));
    }
  }
  return streams;
}

function readStream(reader: ProtoReader, labelsParser: StreamLabelsParser): StreamEntries {
  let text = "";
  const entries: Entry[] = [];
  while (reader.next()) {
    if (reader.field === 1) text = reader.text();
    else if (reader.field === 2) entries.push(readEntry(reader.message()));
    else reader.skip();
  }
  return { labels: parseLabels(text, labelsParser), entries };
}

function parseLabels(text: string, labelsParser: StreamLabelsParser): Labels {
  try {
    return labelsParser.parse(text);
  } catch (error) {
    if (!(error instanceof LabelsSyntaxError)) throw error;
    throw new HttpError(400, `Error parsing labels '${text.slice(0, 1_024)}' with error: ${error.message}`);
  }
}

const NO_LINE = new Uint8Array(0);

function readEntry(reader: ProtoReader): Entry {
  let seconds = 0;
  let nanos = 0;
  let line: Uint8Array = NO_LINE;
  const metadata: string[] = [];
  while (reader.next()) {
    if (reader.field === 1) {
      const time = reader.message();
      while (time.next()) {
        if (time.field === 1) seconds = time.int64();
        else if (time.field === 2) nanos = time.int64();
        else time.skip();
      }
    } else if (reader.field === 2) line = reader.bytes();
    else if (reader.field === 3) {
      const pair = reader.message();
      let name = "";
      let value = "";
      while (pair.next()) {
        if (pair.field === 1) name = pair.text();
        else if (pair.field === 2) value = pair.text();
        else pair.skip();
      }
      if (name !== "" && value !== "") metadata.push(sanitizeLabelName(name) || "_", value);
    } else reader.skip();
  }
  if (nanos < 0 || nanos > 999_999_999) throw new HttpError(400, `timestamp nanos of ${nanos}`);
  return {
    timestampMs: seconds * 1_000 + Math.floor(nanos / 1_000_000),
    subMsNs: nanos % 1_000_000,
    line,
    metadata,
  };
}
