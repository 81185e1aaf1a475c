import type { FastifyRequest } from "fastify";
import { parseDurationNs } from "../../languages/logql/units.ts";
import { splitNanoseconds } from "../ingest/push-json.ts";
import { ENTRIES_DEFAULT, ENTRIES_MAX, POINTS_MAX, QUERY_LENGTH_MAX_MS } from "../limits.ts";
import { QueryError } from "../query/query-error.ts";
import type { Instant } from "../query/scan.ts";

/** Loki's default span where no `start` is given. */
const SPAN_DEFAULT_MS = 3_600_000;
/** A range query without `step` gets about this many points. */
const STEPS_DEFAULT = 250;

/** Parameters from the query string and, for a form POST, from the body. */
export function paramsOf(request: FastifyRequest): URLSearchParams {
  const question = request.url.indexOf("?");
  const params = new URLSearchParams(question === -1 ? "" : request.url.slice(question + 1));
  const form = request.headers["content-type"]?.startsWith("application/x-www-form-urlencoded");
  if (form && Buffer.isBuffer(request.body)) {
    for (const [name, value] of new URLSearchParams(request.body.toString("utf8"))) params.append(name, value);
  }
  return params;
}

/**
 * A time as Loki reads it: seconds when it has a point or at most ten digits, else nanoseconds; or RFC 3339.
 * @throws QueryError 400
 */
export function parseTime(text: string): Instant {
  if (/^-?\d{1,10}$/.test(text)) return { ms: Number(text) * 1_000, ns: 0 };
  if (/^-?\d{11,19}$/.test(text)) {
    const { timestampMs, subMsNs } = splitNanoseconds(BigInt(text));
    return { ms: timestampMs, ns: subMsNs };
  }
  if (/^-?\d+\.\d*(e[+-]?\d+)?$/i.test(text) || /^-?\d+e[+-]?\d+$/i.test(text)) {
    const ms = Number(text) * 1_000;
    return { ms: Math.floor(ms), ns: Math.round((ms - Math.floor(ms)) * 1_000) * 1_000 };
  }
  const match = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})$/.exec(text);
  const ms = match === null ? Number.NaN : Date.parse(`${match[1]}${match[3]}`);
  if (Number.isNaN(ms))
    throw new QueryError(400, `could not parse ${JSON.stringify(text.slice(0, 100))} as a timestamp`);
  const nanoseconds = Number((match![2] ?? "").padEnd(9, "0"));
  return { ms: ms + Math.floor(nanoseconds / 1_000_000), ns: nanoseconds % 1_000_000 };
}

/** `start` and `end`, with `since` and Loki's defaults: the last hour up to now. */
export function parseRange(params: URLSearchParams, nowMs = Date.now()): { from: Instant; to: Instant } {
  const end = params.get("end");
  const to = end ? parseTime(end) : { ms: nowMs, ns: 0 };
  const start = params.get("start");
  const since = params.get("since");
  if (start) return checked({ from: parseTime(start), to });
  const sinceMs = since ? parseMs(since, "since") : SPAN_DEFAULT_MS;
  return checked({ from: { ms: Math.min(to.ms, nowMs) - sinceMs, ns: to.ns }, to });
}

function checked(range: { from: Instant; to: Instant }): { from: Instant; to: Instant } {
  const lengthMs = range.to.ms - range.from.ms;
  if (lengthMs < 0) throw new QueryError(400, "end timestamp must not be before or equal to start time");
  if (lengthMs > QUERY_LENGTH_MAX_MS) {
    const hours = (ms: number): string => `${Math.floor(ms / 3_600_000)}h${Math.floor((ms / 60_000) % 60)}m0s`;
    throw new QueryError(
      400,
      `the query time range exceeds the limit (query length: ${hours(lengthMs)}, limit: ${hours(QUERY_LENGTH_MAX_MS)})`,
      "max_query_length",
    );
  }
  return range;
}

/** A duration, or seconds as a plain number; in ms. */
function parseMs(text: string, name: string): number {
  const seconds = Number(text);
  const ns = text.trim() !== "" && !Number.isNaN(seconds) ? seconds * 1e9 : parseDurationNs(text);
  if (ns === undefined)
    throw new QueryError(400, `cannot parse ${JSON.stringify(text.slice(0, 100))} to a valid duration (${name})`);
  return ns / 1e6;
}

/** `step`, or about 250 points over the range, never finer than a second by default. @throws QueryError past 11,000 points. */
export function parseStepMs(params: URLSearchParams, fromMs: number, toMs: number): number {
  const text = params.get("step");
  const stepMs = text
    ? parseMs(text, "step")
    : Math.max(1, Math.floor((toMs - fromMs) / 1_000 / STEPS_DEFAULT)) * 1_000;
  if (!(stepMs > 0)) {
    throw new QueryError(400, "zero or negative query resolution step widths are not accepted. Try a positive integer");
  }
  if ((toMs - fromMs) / stepMs > POINTS_MAX) {
    throw new QueryError(
      400,
      "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter",
      "max_points",
    );
  }
  return stepMs;
}

/** `limit`, 100 by default. @throws QueryError above 5,000. */
export function parseLimit(params: URLSearchParams): number {
  const text = params.get("limit");
  if (!text) return ENTRIES_DEFAULT;
  const limit = Number(text);
  if (!Number.isInteger(limit))
    throw new QueryError(400, `strconv.Atoi: parsing ${JSON.stringify(text.slice(0, 50))}: invalid syntax`);
  if (limit <= 0) throw new QueryError(400, "limit must be a positive value");
  if (limit > ENTRIES_MAX) {
    throw new QueryError(
      400,
      `max entries limit per query exceeded, limit > max_entries_limit_per_query (${limit} > ${ENTRIES_MAX})`,
      "max_entries_limit_per_query",
    );
  }
  return limit;
}

/** `direction`, backward by default. */
export function parseBackward(params: URLSearchParams): boolean {
  const direction = params.get("direction")?.toLowerCase() ?? "backward";
  if (direction !== "backward" && direction !== "forward")
    throw new QueryError(400, `invalid direction '${direction.slice(0, 50)}'`);
  return direction === "backward";
}

/** `query`. @throws QueryError where it is missing. */
export function parseQueryText(params: URLSearchParams): string {
  const query = params.get("query") ?? "";
  if (query.trim() === "") throw new QueryError(400, "parse error at line 1, col 1: syntax error: unexpected $end");
  return query;
}
