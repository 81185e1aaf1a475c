import * as z from "zod";
import { GatewayError } from "../../errors.ts";
import { flag, integer, moment, name } from "../../openapi/fields.ts";
import { rounded, usd } from "../../openapi/numbers.ts";
import { defineRoute, type Route } from "../../openapi/route.ts";
import { groupRows } from "../../statistics/fold.ts";
import type { Totals } from "../../statistics/totals.ts";
import { knownModels } from "./listing.ts";
import { type ModelFacts, modelFacts, withFacts } from "./model-facts.ts";
import { measuredModelJson, measuredModelSchema, modelJson, modelSchema } from "./model-json.ts";

/** Windows of the statistics that these routes look at, in hours. */
const RANGES = { "1h": 1, "24h": 24, "7d": 168 } as const;
/** Models compared in one request. */
const COMPARED_MAX = 20;
/** Time to the first content below which a model counts as fast, ms. */
const FAST_MS = 1_000;
const ULTRA_FAST_MS = 300;
/** Fewer answers say nothing about latency. */
const ANSWERS_MIN = 3;

const timeRange = () => z.enum(["1h", "24h", "7d"]).default("24h");

/** `GET /v1/models/search`, `/trending`, `/low-latency`, `/unique`, `/by-category/{c}` and `POST /v1/models/batch-compare`. */
export const modelSearchRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/v1/models/search",
    auth: "client",
    tag: "Catalogue",
    summary: "Models by name, provider, kind, context limit and price",
    schemas: () => ({
      query: z.object({
        q: z.string().max(200).optional().describe("Text that the id holds, whatever its case"),
        provider: name("Only of this provider").optional(),
        kind: name("Only of this kind").optional(),
        min_context: integer(0, 100_000_000, 0, "At least this context limit, in tokens"),
        max_input_usd_per_million: z.coerce.number().nonnegative().optional().describe("At most this input price"),
        priced: flag(false, "Only models whose price is known"),
        sort: z.enum(["name", "price", "context", "popularity"]).default("name"),
        limit: integer(1, 1_000, 50, "Most models of this reply"),
        offset: integer(0, 1_000_000, 0, "Models to skip"),
      }),
      reply: z.object({ object: z.literal("list"), total: z.number(), data: z.array(measuredModelSchema()) }),
    }),
  }).handle(async ({ gateway, query }) => {
    const text = query.q?.toLowerCase() ?? "";
    const found = (await modelFacts(gateway)).filter(
      ({ id, providers, kind, contextTokens, price }) =>
        id.toLowerCase().includes(text) &&
        (query.provider === undefined || providers.includes(query.provider)) &&
        (query.kind === undefined || kind === query.kind) &&
        (query.min_context === 0 || (contextTokens ?? 0) >= query.min_context) &&
        (query.max_input_usd_per_million === undefined ||
          (price !== undefined && price.inputUsd <= query.max_input_usd_per_million)) &&
        (!query.priced || price !== undefined),
    );
    found.sort(ORDERS[query.sort]);
    const data = found.slice(query.offset, query.offset + query.limit).map(measuredModelJson);
    return { object: "list", total: found.length, data };
  }),
  defineRoute({
    method: "GET",
    path: "/v1/models/trending",
    auth: "client",
    tag: "Catalogue",
    summary: "The models that are used most, from the gateway's own traffic",
    schemas: () => ({
      query: z.object({
        time_range: timeRange(),
        sort_by: z.enum(["requests", "tokens", "cost", "latency"]).default("requests"),
        gateway: name("Only of this provider, or `all`").default("all"),
        limit: integer(1, 100, 10, "Most models of this reply"),
      }),
      reply: z.object({
        success: z.literal(true),
        time_range: z.string(),
        sort_by: z.string(),
        count: z.number(),
        timestamp: moment(),
        data: z.array(
          z.object({
            rank: z.number(),
            model: z.string(),
            requests: z.number(),
            tokens: z.number(),
            cost_usd: z.number(),
            error_rate: z.number(),
            avg_latency_ms: z.number(),
          }),
        ),
      }),
    }),
  }).handle(({ gateway, query: { time_range, sort_by, gateway: wanted, limit } }) => {
    const measure: Record<typeof sort_by, (totals: Totals) => number> = {
      requests: ({ requests }) => -requests,
      tokens: ({ tokens }) => -tokens,
      cost: ({ costUsd }) => -costUsd,
      latency: ({ latency }) => (latency.count === 0 ? Number.MAX_VALUE : latency.meanMs),
    };
    const rows = gateway.statistics
      .past(RANGES[time_range])
      .filter((row) => wanted === "all" || row.provider === wanted);
    const served = new Set(knownModels(gateway).map(({ id }) => id));
    const data = groupRows(rows, "model")
      // A provider that lists nothing serves models all the same; only requests that nobody answered have none.
      .filter(({ name: model, totals }) => served.has(model) || totals.requests > totals.errors)
      .sort((a, b) => measure[sort_by](a.totals) - measure[sort_by](b.totals))
      .slice(0, limit)
      .map(({ name: model, totals }, index) => ({
        rank: index + 1,
        model,
        requests: totals.requests,
        tokens: totals.tokens,
        cost_usd: usd(totals.costUsd),
        error_rate: rounded(totals.errorRate, 4),
        avg_latency_ms: rounded(totals.latency.meanMs),
      }));
    return { success: true, time_range, sort_by, count: data.length, timestamp: new Date().toISOString(), data };
  }),
  defineRoute({
    method: "GET",
    path: "/v1/models/low-latency",
    auth: "client",
    tag: "Catalogue",
    summary: "The models that answered fastest in the last 24 hours",
    description: `By the median time to the first content of a stream, else to the whole answer; from ${ANSWERS_MIN} answers on and up to ${FAST_MS} ms.`,
    schemas: () => ({
      query: z.object({
        include_ultra_only: flag(false, `Only those within ${ULTRA_FAST_MS} ms`),
        limit: integer(1, 100, 20, "Most models of this reply"),
      }),
      reply: z.object({
        count: z.number(),
        data: z.array(
          z.object({
            model: z.string(),
            provider: z.string(),
            p50_ms: z.number(),
            answers: z.number(),
            ultra: z.boolean(),
          }),
        ),
      }),
    }),
  }).handle(({ gateway, query: { include_ultra_only, limit } }) => {
    const measured = gateway.statistics.past(24).flatMap(({ provider, model, totals: { firstChunk, latency } }) => {
      const times = firstChunk.count >= ANSWERS_MIN ? firstChunk : latency;
      if (times.count < ANSWERS_MIN) return [];
      const p50 = times.quantileMs(0.5);
      return [{ model, provider, p50_ms: rounded(p50), answers: times.count, ultra: p50 <= ULTRA_FAST_MS }];
    });
    const data = measured
      .filter(({ p50_ms, ultra }) => (include_ultra_only ? ultra : p50_ms <= FAST_MS))
      .sort((a, b) => a.p50_ms - b.p50_ms)
      .slice(0, limit);
    return { count: data.length, data };
  }),
  defineRoute({
    method: "GET",
    path: "/v1/models/unique",
    auth: "client",
    tag: "Catalogue",
    summary: "Each model once, with all providers that serve it under any name",
    schemas: () => ({
      query: z.object({
        min_providers: integer(1, 100, 1, "Only models that at least so many providers serve"),
        limit: integer(1, 5_000, 500, "Most models of this reply"),
        offset: integer(0, 1_000_000, 0, "Models to skip"),
      }),
      reply: z.object({
        total: z.number(),
        data: z.array(
          z.object({
            name: z.string(),
            provider_count: z.number(),
            providers: z.array(
              z.object({ provider: z.string(), model: z.string(), input_usd_per_million: z.number().nullable() }),
            ),
          }),
        ),
      }),
    }),
  }).handle(async ({ gateway, query: { min_providers, limit, offset } }) => {
    const byName = new Map<string, { provider: string; model: string; input_usd_per_million: number | null }[]>();
    for (const { id, providers, price } of await modelFacts(gateway)) {
      const bare = bareName(id);
      const entries = byName.get(bare) ?? [];
      for (const provider of providers) {
        entries.push({ provider, model: id, input_usd_per_million: price?.inputUsd ?? null });
      }
      byName.set(bare, entries);
    }
    const found = [...byName]
      .map(([bare, providers]) => ({
        name: bare,
        provider_count: new Set(providers.map((entry) => entry.provider)).size,
        providers,
      }))
      .filter(({ provider_count }) => provider_count >= min_providers);
    return { total: found.length, data: found.slice(offset, offset + limit) };
  }),
  defineRoute({
    method: "GET",
    path: "/v1/models/by-category/{category}",
    auth: "client",
    tag: "Catalogue",
    summary: "The models of one kind",
    schemas: () => ({
      params: z.object({
        category: z
          .enum(["chat", "responses", "completion", "embedding", "rerank", "moderation", "image", "audio", "video"])
          .describe("What the models are for"),
      }),
      query: z.object({ limit: integer(1, 1_000, 100, "Most models of this reply") }),
      reply: z.object({ category: z.string(), total: z.number(), data: z.array(modelSchema()) }),
    }),
  }).handle(async ({ gateway, params: { category }, query: { limit } }) => {
    const found = (await modelFacts(gateway)).filter(({ kind }) => kind === category);
    return { category, total: found.length, data: found.slice(0, limit).map(modelJson) };
  }),
  defineRoute({
    method: "POST",
    path: "/v1/models/batch-compare",
    auth: "client",
    tag: "Catalogue",
    summary: "Models side by side: who serves them, price, context limit, measured latency and errors",
    schemas: () => ({
      body: z.strictObject({ models: z.array(name("Id of a model")).min(1).max(COMPARED_MAX) }),
      reply: z.object({
        data: z.array(measuredModelSchema()),
        not_found: z.array(z.string()),
        cheapest: z.string().nullable().describe("By input and output price together"),
        fastest: z.string().nullable().describe("By the measured median latency"),
        longest_context: z.string().nullable(),
      }),
    }),
  }).handle(async ({ gateway, body: { models } }) => {
    const listed = new Map(knownModels(gateway).map((model) => [model.id, model]));
    const found = models.flatMap((id) => listed.get(id) ?? []);
    if (found.length === 0) throw new GatewayError("MODEL_NOT_FOUND", { model: models[0]! }, { param: "models" });
    const facts = await withFacts(gateway, found);
    const least = (measure: (model: ModelFacts) => number | undefined): string | null =>
      facts
        .flatMap((model) => {
          const value = measure(model);
          return value === undefined ? [] : [{ id: model.id, value }];
        })
        .sort((a, b) => a.value - b.value)[0]?.id ?? null;
    return {
      data: facts.map(measuredModelJson),
      not_found: models.filter((id) => !listed.has(id)),
      cheapest: least(({ price }) => price && price.inputUsd + price.outputUsd),
      fastest: least(({ totals }) => (totals?.latency.count ? totals.latency.quantileMs(0.5) : undefined)),
      longest_context: least(({ contextTokens }) => contextTokens && -contextTokens),
    };
  }),
];

const ORDERS = {
  name: (a: ModelFacts, b: ModelFacts) => (a.id < b.id ? -1 : 1),
  price: (a: ModelFacts, b: ModelFacts) =>
    (a.price?.inputUsd ?? Number.MAX_VALUE) - (b.price?.inputUsd ?? Number.MAX_VALUE),
  context: (a: ModelFacts, b: ModelFacts) => (b.contextTokens ?? 0) - (a.contextTokens ?? 0),
  popularity: (a: ModelFacts, b: ModelFacts) => (b.totals?.requests ?? 0) - (a.totals?.requests ?? 0),
} as const;

/** `openai/gpt-4o` of one provider is `gpt-4o` of another. */
function bareName(id: string): string {
  return id.slice(id.lastIndexOf("/") + 1).toLowerCase();
}
