import * as z from "zod";
import { name } from "../openapi/fields.ts";
import { usd } from "../openapi/numbers.ts";
import { defineRoute, type Route } from "../openapi/route.ts";

const tag = "Administration";

/** `/admin/cache`: the response cache. */
export const adminCacheRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/admin/cache",
    auth: "admin",
    tag,
    summary: "How full the response cache is and what it saved",
    schemas: () => ({
      reply: z.object({
        store: z.enum(["local", "redis"]),
        ttl_seconds: z.number(),
        entries: z.number().nullable().describe("Null where only Redis could say, at a price"),
        bytes: z.number().nullable(),
        hits: z.number(),
        misses: z.number(),
        hit_rate: z.number().describe("0 to 1"),
        saved_usd: z.number().describe("What providers would have cost for the hits"),
        catalog: z.array(z.object({ provider: z.string(), models: z.number().nullable() })),
      }),
    }),
  }).handle(({ gateway }) => {
    const { store, ttlMs, entries, bytes, hits, misses, savedUsd } = gateway.cache.stats();
    return {
      store,
      ttl_seconds: ttlMs / 1_000,
      entries: entries ?? null,
      bytes: bytes ?? null,
      hits,
      misses,
      hit_rate: hits + misses === 0 ? 0 : hits / (hits + misses),
      saved_usd: usd(savedUsd),
      catalog: [...gateway.providers.keys()].map((provider) => ({
        provider,
        models: gateway.catalog.models(provider)?.size ?? null,
      })),
    };
  }),
  defineRoute({
    method: "DELETE",
    path: "/admin/cache",
    auth: "admin",
    tag,
    summary: "Throw cached answers away: all, of one model, of one key, or of both",
    schemas: () => ({
      query: z.object({
        model: name("Only answers of this model, as clients ask for it").optional(),
        key_hash: name("Only answers of the key with this hash (first 16 hex digits of its SHA-256)").optional(),
      }),
      reply: z.object({ purged: z.number() }),
    }),
  }).handle(async ({ gateway, query: { model, key_hash } }) => ({
    purged: await gateway.cache.purge({
      ...(model !== undefined && { model }),
      ...(key_hash !== undefined && { keyHash: key_hash }),
    }),
  })),
];
