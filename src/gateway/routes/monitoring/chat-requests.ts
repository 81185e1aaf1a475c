import * as z from "zod";
import { integer, moment, name, paging } from "../../openapi/fields.ts";
import { rounded, usd } from "../../openapi/numbers.ts";
import { defineRoute, type Route } from "../../openapi/route.ts";
import type { RequestRecord } from "../../request-record.ts";
import { groupRows } from "../../statistics/fold.ts";

const HOURS_MAX = 168;
/** Requests whose numbers one plot shows. */
const PLOT_MAX = 1_000;
const PLOT_SHOWN = 10;

const chatRequest = () =>
  z.object({
    request_id: z.string(),
    model_name: z.string(),
    provider: z.string().nullable(),
    endpoint: z.string(),
    stream: z.boolean(),
    status: z.enum(["completed", "failed", "partial"]).describe("`partial`: the client left before the end"),
    error_message: z.string().nullable(),
    input_tokens: z.number(),
    output_tokens: z.number(),
    total_tokens: z.number(),
    processing_time_ms: z.number(),
    cost_usd: z.number(),
    created_at: moment(),
  });

const hours = () => integer(1, HOURS_MAX, HOURS_MAX, "Hours to look back");
const metadata = <Count extends string>(count: Count) =>
  z.object({ [count]: z.number(), timestamp: moment() } as Record<Count, z.ZodNumber> & { timestamp: z.ZodString });

const filters = () =>
  z.object({
    model_name: z.string().max(256).optional().describe("Text that the model's id holds"),
    provider: name("Only of this provider").optional(),
    status: z.enum(["completed", "failed", "partial"]).optional(),
  });

/** `/api/monitoring/chat-requests*` of contract 6c. A key sees its own requests; the admin key sees all. */
export const chatRequestRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/api/monitoring/chat-requests",
    auth: "client",
    tag: "Monitoring",
    summary: "The newest requests that have ended",
    description: "With every attempt in `/v1/requests`.",
    schemas: () => ({
      query: filters().extend(paging(1_000, 100)),
      reply: z.object({
        success: z.literal(true),
        data: z.array(chatRequest()),
        metadata: z.object({
          total_count: z.number(),
          limit: z.number(),
          offset: z.number(),
          returned_count: z.number(),
          timestamp: moment(),
        }),
      }),
    }),
  }).handle(({ gateway, client, query }) => {
    const found = ended(gateway.routing.recent.seenBy(client)).filter((entry) => fits(entry, query));
    const data = found.slice(query.offset, query.offset + query.limit);
    const { limit, offset } = query;
    return {
      success: true,
      data,
      metadata: {
        total_count: found.length,
        limit,
        offset,
        returned_count: data.length,
        timestamp: new Date().toISOString(),
      },
    };
  }),
  defineRoute({
    method: "GET",
    path: "/api/monitoring/chat-requests/plot-data",
    auth: "client",
    tag: "Monitoring",
    summary: "Tokens and times of the newest requests as columns, for a plot",
    schemas: () => ({
      query: filters(),
      reply: z.object({
        success: z.literal(true),
        recent_requests: z.array(chatRequest()),
        plot_data: z.object({
          tokens: z.array(z.number()),
          latency: z.array(z.number()).describe("ms"),
          timestamps: z.array(z.string()),
        }),
        metadata: metadata("total_count"),
      }),
    }),
  }).handle(({ gateway, client, query }) => {
    const found = ended(gateway.routing.recent.seenBy(client)).filter((entry) => fits(entry, query));
    const plotted = found.slice(0, PLOT_MAX).reverse(); // A plot reads from the left.
    return {
      success: true,
      recent_requests: found.slice(0, PLOT_SHOWN),
      plot_data: {
        tokens: plotted.map(({ total_tokens }) => total_tokens),
        latency: plotted.map(({ processing_time_ms }) => processing_time_ms),
        timestamps: plotted.map(({ created_at }) => created_at),
      },
      metadata: { total_count: found.length, timestamp: new Date().toISOString() },
    };
  }),
  defineRoute({
    method: "GET",
    path: "/api/monitoring/chat-requests/counts",
    auth: "client",
    tag: "Monitoring",
    summary: "How many requests each model had",
    schemas: () => ({
      query: z.object({ hours: hours() }),
      reply: z.object({
        success: z.literal(true),
        data: z.array(z.object({ model_identifier: z.string(), provider_name: z.string(), request_count: z.number() })),
        metadata: z.object({ total_models: z.number(), total_requests: z.number(), timestamp: moment() }),
      }),
    }),
  }).handle(({ gateway, query }) => {
    const data = gateway.statistics
      .past(query.hours)
      .map(({ provider, model, totals }) => ({
        model_identifier: model,
        provider_name: provider,
        request_count: totals.requests,
      }))
      .sort((a, b) => b.request_count - a.request_count);
    const total_requests = data.reduce((sum, { request_count }) => sum + request_count, 0);
    return {
      success: true,
      data,
      metadata: { total_models: data.length, total_requests, timestamp: new Date().toISOString() },
    };
  }),
  defineRoute({
    method: "GET",
    path: "/api/monitoring/chat-requests/models",
    auth: "client",
    tag: "Monitoring",
    summary: "Requests, tokens and times of each model",
    schemas: () => ({
      query: z.object({ hours: hours(), provider: name("Only of this provider").optional() }),
      reply: z.object({
        success: z.literal(true),
        data: z.array(
          z.object({
            model_identifier: z.string(),
            provider: z.string(),
            stats: z.object({
              total_requests: z.number(),
              total_input_tokens: z.number(),
              total_output_tokens: z.number(),
              total_tokens: z.number(),
              avg_processing_time_ms: z.number(),
              total_cost_usd: z.number(),
            }),
          }),
        ),
        metadata: metadata("total_models"),
      }),
    }),
  }).handle(({ gateway, query }) => {
    const data = gateway.statistics
      .past(query.hours)
      .filter(({ provider }) => query.provider === undefined || provider === query.provider)
      .sort((a, b) => b.totals.requests - a.totals.requests)
      .map(({ provider, model, totals }) => ({
        model_identifier: model,
        provider,
        stats: {
          total_requests: totals.requests,
          total_input_tokens: totals.inputTokens,
          total_output_tokens: totals.outputTokens,
          total_tokens: totals.tokens,
          avg_processing_time_ms: rounded(totals.latency.meanMs),
          total_cost_usd: usd(totals.costUsd),
        },
      }));
    return { success: true, data, metadata: { total_models: data.length, timestamp: new Date().toISOString() } };
  }),
  defineRoute({
    method: "GET",
    path: "/api/monitoring/chat-requests/providers",
    auth: "client",
    tag: "Monitoring",
    summary: "Requests of each provider",
    schemas: () => ({
      query: z.object({ hours: hours() }),
      reply: z.object({
        success: z.literal(true),
        data: z.array(z.object({ name: z.string(), models_with_requests: z.number(), total_requests: z.number() })),
        metadata: metadata("total_providers"),
      }),
    }),
  }).handle(({ gateway, query }) => {
    const rows = gateway.statistics.past(query.hours);
    const data = groupRows(rows, "provider").map(({ name: provider, totals }) => ({
      name: provider,
      models_with_requests: rows.filter((row) => row.provider === provider).length,
      total_requests: totals.requests,
    }));
    return { success: true, data, metadata: { total_providers: data.length, timestamp: new Date().toISOString() } };
  }),
];

type ChatRequest = z.input<ReturnType<typeof chatRequest>>;

/** The newest first; requests that run are left out. */
function ended(records: Iterable<RequestRecord>): ChatRequest[] {
  const found: ChatRequest[] = [];
  for (const record of records) {
    const { outcome, inference, usage, cost } = record;
    if (outcome === undefined || inference === undefined) continue;
    found.push({
      request_id: record.requestId,
      model_name: outcome.model ?? inference.requestedModel,
      provider: outcome.provider ?? null,
      endpoint: record.route,
      stream: inference.stream,
      status: outcome.clientAborted ? "partial" : outcome.error === undefined ? "completed" : "failed",
      error_message: outcome.error?.message ?? null,
      input_tokens: usage?.inputTokens ?? 0,
      output_tokens: usage?.outputTokens ?? 0,
      total_tokens: (usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0),
      processing_time_ms: rounded(outcome.finishedAtMs - record.startedAtMs),
      cost_usd: usd(cost?.totalUsd ?? 0),
      created_at: new Date(record.startedAtMs).toISOString(),
    });
  }
  return found;
}

function fits(entry: ChatRequest, query: z.output<ReturnType<typeof filters>>): boolean {
  return (
    (query.model_name === undefined || entry.model_name.toLowerCase().includes(query.model_name.toLowerCase())) &&
    (query.provider === undefined || entry.provider === query.provider) &&
    (query.status === undefined || entry.status === query.status)
  );
}
