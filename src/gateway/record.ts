import { randomBytes } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Dialect } from "./errors.ts";
import type { RequestOutcome, RequestRecord } from "./request-record.ts";

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;
/** W3C Trace Context, version 00 and compatible later ones. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?$/;
const USER_AGENT_CHARS_MAX = 200;

/** The wall clock was set, or the machine slept, when it and the monotonic clock differ by more than this. */
const CLOCK_STEP_MS = 1_000;

/** Unix ms at which `performance.now()` would have been 0. */
let originMs = performance.timeOrigin;

/** Unix ms with fractions, monotonic within the process until the wall clock is set. */
export function nowMs(): number {
  return originMs + performance.now();
}

/** `nowMs` of a moment that was taken with `performance.now()`. */
export function unixMs(monotonicMs: number): number {
  return originMs + monotonicMs;
}

/** Follows the wall clock where it was set: a laptop that slept would else log hours behind for ever. */
function followWallClock(): void {
  const aheadMs = Date.now() - nowMs();
  if (Math.abs(aheadMs) > CLOCK_STEP_MS) originMs += aheadMs;
}

/** Random bytes asked of the system at once: asking for each id alone cost 3 µs, several times per request. */
const RANDOM_POOL_BYTES = 4_096;
let randomPool = Buffer.alloc(0);
let randomUsed = 0;

/** `bytes` (at most 4096) random bytes as lower-case hex; 16 make a trace id, 8 a span id. */
export function randomHex(bytes: number): string {
  if (randomUsed + bytes > randomPool.length) {
    randomPool = randomBytes(RANDOM_POOL_BYTES);
    randomUsed = 0;
  }
  randomUsed += bytes;
  return randomPool.toString("hex", randomUsed - bytes, randomUsed);
}

/** The record of a request that has just arrived; ids are the caller's where they are valid, else new. */
export function createRecord(
  method: string,
  route: string,
  dialect: Dialect,
  headers: IncomingHttpHeaders,
): RequestRecord {
  const parent = parseTraceparent(headers.traceparent);
  const ids = randomHex(40);
  followWallClock();
  return {
    requestId:
      acceptedId(headers["x-request-id"]) ?? acceptedId(headers["x-correlation-id"]) ?? `req_${ids.slice(48, 80)}`,
    traceId: parent?.traceId ?? ids.slice(0, 32),
    spanId: ids.slice(32, 48),
    parentSpanId: parent?.spanId,
    startedAtMs: nowMs(),
    method,
    route,
    dialect,
    userAgent: (headers["user-agent"] ?? "").slice(0, USER_AGENT_CHARS_MAX),
    requestBodyBytes: Number(headers["content-length"] ?? 0) || 0,
    client: undefined,
    inference: undefined,
    attempts: [],
    stages: {},
    outcome: undefined,
    usage: undefined,
    cost: undefined,
    simulated: false,
    probe: false,
  };
}

function acceptedId(value: string | string[] | undefined): string | undefined {
  return typeof value === "string" && REQUEST_ID.test(value) ? value : undefined;
}

/** Trace and span id of a `traceparent` header, or undefined when it is absent or not valid. */
export function parseTraceparent(
  value: string | string[] | undefined,
): { traceId: string; spanId: string } | undefined {
  if (typeof value !== "string") return undefined;
  const match = TRACEPARENT.exec(value);
  if (match === null || match[1] === "ff") return undefined;
  const [, , traceId, spanId] = match;
  if (/^0+$/.test(traceId!) || /^0+$/.test(spanId!)) return undefined;
  return { traceId: traceId!, spanId: spanId! };
}

/** The outcome of a request that asked no model. */
export function plainOutcome(
  statusCode: number,
  responseBodyBytes: number,
  clientAborted: boolean,
  error: RequestOutcome["error"],
): RequestOutcome {
  return {
    statusCode,
    provider: undefined,
    model: undefined,
    responseId: undefined,
    finishReason: undefined,
    responseBodyBytes,
    finishedAtMs: nowMs(),
    timeToFirstByteMs: undefined,
    timeToFirstChunkMs: undefined,
    chunks: 0,
    chunksDropped: 0,
    clientAborted,
    error,
  };
}
