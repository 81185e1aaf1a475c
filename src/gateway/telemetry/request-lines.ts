import { STATUS_CODES } from "node:http";
import type { AttemptRecord, RequestRecord } from "../request-record.ts";
import { answeredBy } from "./answered-by.ts";
import { pathLabel } from "./labels.ts";
import { type Level, type LogLine, lineLabels } from "./log-line.ts";
import type { Redact } from "./redact.ts";

/** Contract section 6b: markers that recording rules look for. */
const SLOW_FIRST_CHUNK_MS = 2_000;
const CRITICAL_FIRST_CHUNK_MS = 10_000;
const SLOW_REQUEST_MS = 10_000;

/** Log lines of one finished request: its own, one per call that failed, and the markers of streams and slowness. */
export function requestLines(record: RequestRecord, redact: Redact): LogLine[] {
  const { outcome } = record;
  if (outcome === undefined) return [];
  const durationMs = round(outcome.finishedAtMs - record.startedAtMs);
  const line = lineOf(record);
  const lines = [requestLine(record, line, durationMs, redact)];
  for (const attempt of failuresToTell(record)) lines.push(attemptLine(attempt, line, redact));
  if (record.inference === undefined) return lines;
  const firstChunkMs = outcome.timeToFirstChunkMs;
  if (firstChunkMs !== undefined) lines.push(firstChunkLine(firstChunkMs, line));
  if (record.inference.stream && outcome.chunks > 0 && outcome.error === undefined && !outcome.clientAborted) {
    const message = `[STREAM] Stream completed: ${outcome.chunks} chunks in ${seconds(durationMs)}`;
    lines.push(line("INFO", "gateway.stream", message, { chunks: outcome.chunks, duration_ms: durationMs }));
  }
  if (!record.inference.stream && durationMs > SLOW_REQUEST_MS) {
    const message = `SLOW REQUEST: ${record.method} ${record.route} took ${seconds(durationMs)}`;
    lines.push(line("WARNING", "gateway.http", message, { duration_ms: durationMs }));
  }
  return lines;
}

type MakeLine = (
  level: Level,
  logger: string,
  message: string,
  fields: LogLine["fields"],
  labels?: Parameters<typeof lineLabels>[0],
) => LogLine;

/** Makes lines that carry what all lines of a request have in common. */
function lineOf(record: RequestRecord): MakeLine {
  const { provider, model } = answeredBy(record);
  const asked = record.attempts.length > 0;
  const common = { method: record.method, path: pathLabel(record.route), ...(asked ? { provider, model } : {}) };
  const metadata = {
    trace_id: record.traceId,
    span_id: record.spanId,
    request_id: record.requestId,
    user_id: record.client?.keyName,
  };
  const atMs = record.outcome!.finishedAtMs;
  return (level, logger, message, fields, labels) => ({
    atMs,
    level,
    logger,
    message,
    metadata,
    fields,
    labels: lineLabels({ ...common, ...labels }),
  });
}

function requestLine(record: RequestRecord, line: MakeLine, durationMs: number, redact: Redact): LogLine {
  const outcome = record.outcome!;
  const { usage, cost, inference } = record;
  const { error, statusCode } = outcome;
  const failed = statusCode >= 500 || (error !== undefined && statusCode < 400);
  const level = failed ? "ERROR" : statusCode >= 400 ? "WARNING" : "INFO";
  const reason = error === undefined ? "" : `: ${redact(error.message)}`;
  // The reason phrase of an error is what people search for: "Unauthorized", "Too Many Requests".
  const phrase = statusCode >= 400 ? ` ${STATUS_CODES[statusCode] ?? ""}`.trimEnd() : "";
  const request = `${record.method} ${pathLabel(record.route)} ${statusCode}${phrase} in ${durationMs} ms`;
  const message = `${request}${answerText(record)}${reason}`;
  return line(
    level,
    inference === undefined ? "gateway.http" : "gateway.inference",
    message,
    {
      status_code: statusCode,
      duration_ms: durationMs,
      request_bytes: record.requestBodyBytes,
      response_bytes: outcome.responseBodyBytes,
      user_agent: redact(record.userAgent) || undefined,
      requested_model: inference === undefined ? undefined : redact(inference.requestedModel).slice(0, 200),
      request_type: inference?.requestType,
      stream: inference?.stream,
      ttfb_ms: roundMaybe(outcome.timeToFirstByteMs),
      ttfc_ms: roundMaybe(outcome.timeToFirstChunkMs),
      input_tokens: usage?.inputTokens,
      output_tokens: usage?.outputTokens,
      total_tokens: usage === undefined ? undefined : usage.inputTokens + usage.outputTokens,
      cost_usd: cost === undefined ? undefined : Number(cost.totalUsd.toFixed(9)),
      finish_reason: outcome.finishReason,
      cached_input_tokens: usage?.cachedInputTokens || undefined,
      reasoning_tokens: usage?.reasoningTokens || undefined,
      cache: record.cache?.result,
      ...routingFields(record),
      client_aborted: outcome.clientAborted || undefined,
      simulated: record.simulated || undefined,
      probe: record.probe || undefined,
      error_code: error?.code,
      exception: failed && error !== undefined ? `${error.type}: ${redact(error.message)}` : undefined,
    },
    { error_type: error?.type },
  );
}

/** How routing decided and whom it tried; only what is more than one call to the first choice. */
function routingFields({ routing, attempts, inference }: RequestRecord): LogLine["fields"] | undefined {
  if (inference === undefined || (routing === undefined && attempts.length < 2)) return undefined;
  return {
    routing_strategy: routing?.strategy,
    routing_policy: routing?.policy,
    routing_alias: routing?.alias,
    routing_reason: routing?.reason,
    candidates: routing?.candidates,
    passed_over: routing?.passedOver?.map(({ provider, model, reason }) => `${provider}/${model}: ${reason}`),
    attempts: attempts.length < 2 ? undefined : attempts.map(attemptText),
  };
}

/** `openai/gpt-4o error 503 PROVIDER_ERROR 120 ms`. */
function attemptText({ provider, model, result, statusCode, errorType, durationMs }: AttemptRecord): string {
  const words = [
    `${provider}/${model}`,
    result,
    statusCode,
    errorType,
    result === "skipped" ? "" : `${round(durationMs)} ms`,
  ];
  return words.filter((word) => word !== undefined && word !== "").join(" ");
}

/** ` (provider/model, 60 tokens)` of a model request that somebody answered. */
function answerText({ outcome, usage }: RequestRecord): string {
  const { provider, model } = outcome!;
  if (provider === undefined || model === undefined) return "";
  const tokens = usage === undefined ? "" : `, ${usage.inputTokens + usage.outputTokens} tokens`;
  return ` (${provider}/${model}${tokens})`;
}

/** Calls whose failure the request's own line does not tell: those before the last, and a last one that was made up for. */
function failuresToTell(record: RequestRecord): AttemptRecord[] {
  const failed = record.attempts.filter(({ result }) => result === "error");
  const told = record.outcome!.error !== undefined ? record.attempts.at(-1) : undefined;
  return failed.filter((attempt) => attempt !== told);
}

function attemptLine(attempt: AttemptRecord, line: MakeLine, redact: Redact): LogLine {
  const { provider, model, statusCode, errorType, errorMessage } = attempt;
  const status = statusCode === undefined ? "" : ` with ${statusCode}`;
  const message = `Provider call to ${provider}/${model} failed${status}: ${redact(errorMessage ?? "no reason known")}`;
  const fields = { status_code: statusCode, duration_ms: round(attempt.durationMs), breaker: attempt.breakerState };
  return line("WARNING", "gateway.providers", message, fields, { provider, model, error_type: errorType });
}

function firstChunkLine(firstChunkMs: number, line: MakeLine): LogLine {
  const fields = { ttfc_ms: round(firstChunkMs) };
  const took = seconds(firstChunkMs);
  if (firstChunkMs > CRITICAL_FIRST_CHUNK_MS) {
    return line("WARNING", "gateway.stream", `[TTFC CRITICAL] Slow first chunk: ${took}`, fields);
  }
  if (firstChunkMs > SLOW_FIRST_CHUNK_MS) {
    return line("WARNING", "gateway.stream", `[TTFC] Slow first chunk: ${took}`, fields);
  }
  return line("INFO", "gateway.stream", `[TTFC] First chunk in ${took}`, fields);
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}

function roundMaybe(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : round(ms);
}
