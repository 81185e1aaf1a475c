import * as z from "zod";
import { GatewayError } from "../../errors.ts";
import { moment, name, paging } from "../../openapi/fields.ts";
import { defineRoute, type Route } from "../../openapi/route.ts";
import type { AttemptRecord, RequestRecord } from "../../request-record.ts";

const PAGE_ROWS_MAX = 200;
const PAGE_ROWS = 50;

const attempt = () =>
  z.object({
    provider: z.string(),
    model: z.string(),
    kind: z.enum(["first", "retry", "key_rotation", "fallback", "hedge"]),
    result: z.enum(["pending", "success", "error", "skipped", "cancelled"]),
    key: z.string().nullable().describe("Name of the provider's key, where it has several"),
    status_code: z.number().nullable(),
    error_code: z.string().nullable(),
    error_message: z.string().nullable(),
    breaker_state: z.enum(["closed", "open", "half_open"]),
    started_at: moment(),
    waited_ms: z.number().describe("Back-off before it"),
    first_byte_ms: z.number().nullable().describe("To the provider's status line"),
    duration_ms: z.number(),
  });

const routing = () =>
  z.object({
    strategy: z.string(),
    policy: z.string().nullable(),
    alias: z.string().nullable(),
    candidates: z.array(z.string()),
    passed_over: z.array(z.object({ provider: z.string(), model: z.string(), reason: z.string() })),
    confidence: z.number().nullable(),
    duration_ms: z.number().nullable(),
  });

const requestView = () =>
  z.object({
    id: z.string(),
    trace_id: z.string(),
    status: z.enum(["in_progress", "completed", "failed", "aborted"]),
    status_code: z.number().nullable(),
    started_at: moment(),
    duration_ms: z.number().nullable(),
    endpoint: z.string(),
    key: z.string().nullable().describe("Name of the client's key"),
    requested_model: z.string(),
    stream: z.boolean(),
    provider: z.string().nullable(),
    model: z.string().nullable(),
    time_to_first_chunk_ms: z.number().nullable(),
    finish_reason: z.string().nullable(),
    usage: z
      .object({
        input_tokens: z.number(),
        output_tokens: z.number(),
        cached_input_tokens: z.number(),
        reasoning_tokens: z.number(),
        source: z.string(),
      })
      .nullable(),
    cost_usd: z.number().nullable(),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
    routing: routing().nullable().describe("Absent (null) for a plain list of providers in their order"),
    attempts: z.array(attempt()),
  });

/** The newest requests and how each was routed. A key sees its own; the admin key sees all. */
export const recentRequestRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/v1/requests",
    auth: "client",
    tag: "Monitoring",
    summary: "The newest requests, running ones included, each with its attempts",
    schemas: () => ({
      query: z.object({
        ...paging(PAGE_ROWS_MAX, PAGE_ROWS),
        status: z.enum(["in_progress", "completed", "failed", "aborted"]).optional(),
      }),
      reply: z.object({ object: z.literal("list"), data: z.array(requestView()), has_more: z.boolean() }),
    }),
  }).handle(({ gateway, client, query: { limit, offset, status } }) => {
    const data: z.input<ReturnType<typeof requestView>>[] = [];
    let skip = offset;
    for (const record of gateway.routing.recent.seenBy(client)) {
      if (status !== undefined && statusOf(record) !== status) continue;
      if (skip-- > 0) continue;
      if (data.length === limit) return { object: "list", data, has_more: true };
      data.push(viewOf(record));
    }
    return { object: "list", data, has_more: false };
  }),
  defineRoute({
    method: "GET",
    path: "/v1/requests/{id}",
    auth: "client",
    tag: "Monitoring",
    summary: "One of the newest requests, by the id in `x-request-id`",
    schemas: () => ({ params: z.object({ id: name("Request id") }), reply: requestView() }),
  }).handle(({ gateway, client, params: { id } }) => {
    const record = gateway.routing.recent.find(client, id);
    if (record === undefined) throw new GatewayError("REQUEST_NOT_FOUND", { id });
    return viewOf(record);
  }),
];

type View = z.input<ReturnType<typeof requestView>>;

function statusOf({ outcome }: RequestRecord): View["status"] {
  if (outcome === undefined) return "in_progress";
  if (outcome.clientAborted) return "aborted";
  return outcome.error === undefined ? "completed" : "failed";
}

function viewOf(record: RequestRecord): View {
  const { outcome, usage, cost, inference, routing: decision } = record;
  return {
    id: record.requestId,
    trace_id: record.traceId,
    status: statusOf(record),
    status_code: outcome?.statusCode ?? null,
    started_at: iso(record.startedAtMs),
    duration_ms: outcome === undefined ? null : rounded(outcome.finishedAtMs - record.startedAtMs),
    endpoint: record.route,
    key: record.client?.keyName ?? null,
    requested_model: inference?.requestedModel ?? "",
    stream: inference?.stream ?? false,
    provider: outcome?.provider ?? null,
    model: outcome?.model ?? null,
    time_to_first_chunk_ms: outcome?.timeToFirstChunkMs === undefined ? null : rounded(outcome.timeToFirstChunkMs),
    finish_reason: outcome?.finishReason ?? null,
    usage:
      usage === undefined
        ? null
        : {
            input_tokens: usage.inputTokens,
            output_tokens: usage.outputTokens,
            cached_input_tokens: usage.cachedInputTokens,
            reasoning_tokens: usage.reasoningTokens,
            source: usage.source,
          },
    cost_usd: cost === undefined ? null : Number(cost.totalUsd.toFixed(9)),
    error: outcome?.error === undefined ? null : { code: outcome.error.code, message: outcome.error.message },
    routing:
      decision === undefined
        ? null
        : {
            strategy: decision.strategy,
            policy: decision.policy ?? null,
            alias: decision.alias ?? null,
            candidates: [...decision.candidates],
            passed_over: [...(decision.passedOver ?? [])],
            confidence: decision.confidence ?? null,
            duration_ms: decision.durationMs === undefined ? null : rounded(decision.durationMs),
          },
    attempts: record.attempts.map(attemptView),
  };
}

function attemptView(call: AttemptRecord): View["attempts"][number] {
  return {
    provider: call.provider,
    model: call.model,
    kind: call.kind ?? "first",
    result: call.result,
    key: call.keyLabel ?? null,
    status_code: call.statusCode ?? null,
    error_code: call.errorType ?? null,
    error_message: call.errorMessage ?? null,
    breaker_state: call.breakerState,
    started_at: iso(call.startedAtMs),
    waited_ms: rounded(call.waitedMs ?? 0),
    first_byte_ms: call.headAtMs === undefined ? null : rounded(call.headAtMs - call.startedAtMs),
    duration_ms: rounded(call.durationMs),
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function rounded(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
