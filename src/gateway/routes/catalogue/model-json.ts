import * as z from "zod";
import { named } from "../../openapi/fields.ts";
import { rounded } from "../../openapi/numbers.ts";
import type { ListPrice } from "./list-prices.ts";
import type { ModelFacts } from "./model-facts.ts";

/** Providers do not agree on a model's age; one fixed moment keeps the reply the same from call to call. */
export const CREATED_UNIX = 1_735_689_600;

/** What a model costs, in US dollars per million tokens. */
const pricingSchema = named("Pricing", () =>
  z
    .object({
      input_usd_per_million: z.number(),
      output_usd_per_million: z.number(),
      cache_read_usd_per_million: z.number().nullable(),
      cache_write_usd_per_million: z.number().nullable(),
    })
    .describe("List price at the provider that is asked first, up to the first tier"),
);

/** OpenAI's model object, with what the gateway knows beside it. */
export const modelSchema = named("Model", () =>
  z.object({
    id: z.string(),
    object: z.literal("model"),
    created: z.number(),
    owned_by: z.string().describe("The provider that is asked first"),
    providers: z.array(z.string()).describe("Who serves it, in the order of the configuration"),
    kind: z.string().describe("What it is for: `chat`, `embedding`, `rerank`, `image`, … or `alias`"),
    context_length: z.number().nullable().describe("Tokens; null where no list knows it"),
    pricing: pricingSchema().nullable(),
  }),
);

/** A model together with the gateway's own record of it. */
export const measuredModelSchema = named("MeasuredModel", () =>
  modelSchema().extend({
    stats: z
      .object({
        requests: z.number(),
        error_rate: z.number().describe("0 to 1"),
        avg_latency_ms: z.number(),
        p95_latency_ms: z.number(),
        first_chunk_p50_ms: z.number().describe("0 without streams"),
        tokens: z.number(),
        cost_usd: z.number(),
      })
      .nullable()
      .describe("The gateway's own traffic of the last 24 h; null without any"),
  }),
);

export function modelJson({ id, owner, providers, kind, contextTokens, price }: ModelFacts) {
  return {
    id,
    object: "model" as const,
    created: CREATED_UNIX,
    owned_by: owner,
    providers: [...providers],
    kind,
    context_length: contextTokens ?? null,
    pricing: price === undefined ? null : pricingJson(price),
  };
}

function pricingJson({ inputUsd, outputUsd, cacheReadUsd, cacheWriteUsd }: ListPrice) {
  return {
    input_usd_per_million: inputUsd,
    output_usd_per_million: outputUsd,
    cache_read_usd_per_million: cacheReadUsd ?? null,
    cache_write_usd_per_million: cacheWriteUsd ?? null,
  };
}

export function measuredModelJson(model: ModelFacts) {
  const { totals } = model;
  return {
    ...modelJson(model),
    stats:
      totals === undefined
        ? null
        : {
            requests: totals.requests,
            error_rate: rounded(totals.errorRate, 4),
            avg_latency_ms: rounded(totals.latency.meanMs),
            p95_latency_ms: rounded(totals.latency.quantileMs(0.95)),
            first_chunk_p50_ms: rounded(totals.firstChunk.quantileMs(0.5)),
            tokens: totals.tokens,
            cost_usd: rounded(totals.costUsd, 6),
          },
  };
}
