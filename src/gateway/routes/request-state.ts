import type { FastifyReply, FastifyRequest } from "fastify";
import { type Dialect, errorBody, type GatewayError } from "../errors.ts";
import { createRecord, plainOutcome } from "../record.ts";
import type { RequestOutcome, RequestRecord, Telemetry } from "../request-record.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Absent on `/metrics`, which is not counted. */
    record: RequestRecord | undefined;
    /** The catalogue's error that this request ended with. */
    gatewayError: GatewayError | undefined;
    /** An inference in progress; it writes the outcome itself. Never rejects. */
    exchange: Promise<void> | undefined;
  }
}

/** Paths without a record: what Prometheus does every few seconds is no traffic. */
const UNRECORDED: ReadonlySet<string> = new Set(["/metrics", "/prometheus/data/metrics"]);
const UNKNOWN_ROUTE = "unmatched";
/** nginx's status for a client that left before the reply; nothing is sent. */
export const CLIENT_CLOSED_REQUEST = 499;

/** Starts the request's record and sets the headers that every reply carries. */
export function beginRequest(request: FastifyRequest, reply: FastifyReply, telemetry: Telemetry): void {
  const route = request.routeOptions.url ?? UNKNOWN_ROUTE;
  const dialect = dialectOf(request);
  const record = createRecord(request.method, route, dialect, request.headers);
  reply.header("x-request-id", record.requestId);
  reply.header("x-trace-id", record.traceId);
  reply.header("x-span-id", record.spanId);
  if (typeof request.headers["x-correlation-id"] === "string") reply.header("x-correlation-id", record.requestId);
  if (dialect === "anthropic") reply.header("request-id", record.requestId); // What Anthropic's SDK reads.
  request.record = record;
  if (UNRECORDED.has(route)) return;
  telemetry.requestStarted(record);
  // `close` comes exactly once, after the last byte or when the client has gone.
  const finish = (): void => {
    record.outcome ??= closedOutcome(request, reply);
    telemetry.requestFinished(record);
  };
  reply.raw.once("close", () => {
    if (request.exchange === undefined) finish();
    else void request.exchange.then(finish);
  });
}

/** The dialect in which this request expects errors. */
export function dialectOf(request: FastifyRequest): Dialect {
  const path = request.url.split("?", 1)[0]!;
  if (path === "/v1/messages" || path.startsWith("/v1/messages/")) return "anthropic";
  if (path.startsWith("/v1/models") && request.headers["anthropic-version"] !== undefined) return "anthropic";
  return "openai";
}

function closedOutcome(request: FastifyRequest, reply: FastifyReply): RequestOutcome {
  const { raw } = reply;
  const bytes = Number(raw.getHeader("content-length") ?? 0) || 0;
  return plainOutcome(
    raw.statusCode,
    bytes,
    !raw.writableFinished,
    recordedError(request.gatewayError, dialectOf(request)),
  );
}

export function recordedError(error: GatewayError | undefined, dialect: Dialect): RequestOutcome["error"] {
  return error && { code: error.code, type: error.typeIn(dialect), message: error.message };
}

/** Status, headers and JSON body of an error, in the client's dialect. */
export function errorReply(
  error: GatewayError,
  dialect: Dialect,
  requestId: string,
): { status: number; headers: Record<string, string>; body: string } {
  const headers: Record<string, string> = { ...error.headers, "content-type": "application/json; charset=utf-8" };
  if (error.retryAfterSeconds !== undefined) headers["retry-after"] = String(error.retryAfterSeconds);
  if (error.status === 401) headers["www-authenticate"] = 'Bearer realm="gatewayz"';
  return { status: error.status, headers, body: JSON.stringify(errorBody(error, dialect, requestId)) };
}
