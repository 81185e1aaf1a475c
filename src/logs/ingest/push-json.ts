import { sanitizeLabelName } from "../../languages/logql/label-name.ts";
import { parseJson } from "../../runtime/body.ts";
import { HttpError } from "../../runtime/http-error.ts";
import { Labels } from "../../series/labels.ts";
import type { Entry, StreamEntries } from "../entry.ts";

/**
 * Reads `{"streams": [{"stream": {…}, "values": [["<ns>", "<line>", {…}], …]}, …]}`.
 * @throws HttpError 400 naming the place that has the wrong shape.
 */
export function readPushJson(body: Buffer): StreamEntries[] {
  const root = parseJson(body.toString("utf8"));
  const streams = isObject(root) ? root["streams"] : undefined;
  if (!Array.isArray(streams)) throw new HttpError(400, 'push request has no "streams" array');
  return streams.map((stream: unknown, index) => {
    if (!isObject(stream)) throw new HttpError(400, `streams[${index}] is no object`);
    const labels = stream["stream"] ?? {};
    const values = stream["values"] ?? [];
    if (!isStringRecord(labels)) throw new HttpError(400, `streams[${index}].stream must map names to strings`);
    if (!Array.isArray(values)) throw new HttpError(400, `streams[${index}].values is no array`);
    return {
      labels: Labels.fromRecord(labels),
      entries: values.map((value: unknown, at) => readEntry(value, `streams[${index}].values[${at}]`)),
    };
  });
}

function readEntry(value: unknown, place: string): Entry {
  if (!Array.isArray(value) || value.length < 2 || value.length > 3) {
    throw new HttpError(400, `${place} must be [timestamp, line] or [timestamp, line, {structured metadata}]`);
  }
  const [timestamp, line, metadata] = value as unknown[];
  if (typeof line !== "string") throw new HttpError(400, `${place}: the line must be a string`);
  if (metadata !== undefined && !isStringRecord(metadata)) {
    throw new HttpError(400, `${place}: structured metadata must map names to strings`);
  }
  return {
    ...readTimestamp(timestamp, place),
    line: Buffer.from(line, "utf8"),
    // Names that LogQL cannot write are made writable, as Loki's distributor does.
    metadata: Object.entries(metadata ?? {}).flatMap(([name, text]) => [sanitizeLabelName(name) || "_", text]),
  };
}

/** Nanoseconds as decimal digits, which no JavaScript number can hold. */
function readTimestamp(value: unknown, place: string): Pick<Entry, "timestampMs" | "subMsNs"> {
  if (typeof value !== "string" || !/^-?\d{1,19}$/.test(value)) {
    throw new HttpError(400, `${place}: the timestamp must be a string of Unix nanoseconds`);
  }
  return splitNanoseconds(BigInt(value));
}

/** Whole milliseconds and the nanoseconds past them; the latter never negative. */
export function splitNanoseconds(nanoseconds: bigint): Pick<Entry, "timestampMs" | "subMsNs"> {
  const rest = ((nanoseconds % 1_000_000n) + 1_000_000n) % 1_000_000n;
  return { timestampMs: Number((nanoseconds - rest) / 1_000_000n), subMsNs: Number(rest) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isStringRecord(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every((item) => typeof item === "string");
}
