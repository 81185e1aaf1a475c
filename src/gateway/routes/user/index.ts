import * as z from "zod";
import { globFits } from "../../access/model-access.ts";
import { toUsd } from "../../access/nano-usd.ts";
import { keyJson, keySchema } from "../../admin/key-json.ts";
import { stored } from "../../admin/stored.ts";
import { usageQuery, usageReply, usageReport } from "../../admin/usage.ts";
import type { Gateway } from "../../gateway.ts";
import { moment } from "../../openapi/fields.ts";
import { usd } from "../../openapi/numbers.ts";
import { defineRoute, type Route } from "../../openapi/route.ts";
import type { ClientIdentity } from "../../request-record.ts";

const tag = "Own key";

const window = () => z.object({ limit: z.number(), used: z.number(), remaining: z.number() });
const windows = () => z.object({ minute: window(), hour: window(), day: window() });
const limitsReply = () =>
  z.object({
    unlimited: z.boolean(),
    tier: z.string(),
    requests: windows().nullable().describe("Null for a key without limits"),
    tokens: windows().nullable(),
    burst: z.number().nullable().describe("Requests that may come at once"),
    concurrent: window().nullable(),
    velocity_mode: z.boolean().describe("True while limits are lowered because too many requests fail"),
  });

const period = () =>
  z.object({
    cap_usd: z.number().nullable().describe("Null for no budget"),
    spent_usd: z.number(),
    remaining_usd: z.number().nullable(),
    resets_at: moment(),
  });
const account = () =>
  z.object({ day: period(), month: period(), held_usd: z.number().describe("For requests that are open") });

/** `/user/*` of contract 6c, for the calling key: what it is, may do, has done and has left. */
export const userRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/user/profile",
    auth: "client",
    tag,
    summary: "Who the calling key is and what it may use",
    schemas: () => ({
      reply: z.object({
        key_id: z.string(),
        key_name: z.string(),
        tier: z.string(),
        owner: z.string().nullable(),
        team: z.string().nullable(),
        unlimited: z.boolean(),
        allowed_models: z.array(z.string()).describe("Globs; empty allows all"),
        allowed_providers: z.array(z.string()).describe("Globs; empty allows all"),
        fallback: z.string().nullable().describe("Alias whose list is tried after the asked model"),
        cache: z.boolean().describe("Answers may come from the response cache"),
        tags: z.array(z.string()),
      }),
    }),
  }).handle(({ client }) => ({
    key_id: client.keyId ?? client.keyName,
    key_name: client.keyName,
    tier: client.tier,
    owner: client.owner ?? null,
    team: client.team ?? null,
    unlimited: client.unlimited,
    allowed_models: [...(client.allowedModels ?? [])],
    allowed_providers: [...(client.allowedProviders ?? [])],
    fallback: client.fallback ?? null,
    cache: client.cache ?? false,
    tags: [...(client.tags ?? [])],
  })),
  defineRoute({
    method: "GET",
    path: "/user/api-keys",
    auth: "client",
    tag,
    summary: "The calling key as the database has it",
    description: "Empty for keys of the configuration. Keys are made and changed with the admin key.",
    schemas: () => ({ reply: z.object({ data: z.array(keySchema()) }) }),
  }).handle(async ({ gateway, client }) => {
    const id = client.keyId ?? "";
    if (!id.startsWith("key_")) return { data: [] };
    return { data: [keyJson(await stored(() => gateway.keyStore.get(id)))] };
  }),
  defineRoute({
    method: "GET",
    path: "/user/balance",
    auth: "client",
    tag,
    summary: "What the calling key and its team have spent, and have left",
    schemas: () => ({
      reply: z.object({ time_zone: z.string(), unlimited: z.boolean(), key: account(), team: account().nullable() }),
    }),
  }).handle(({ gateway, client }) => {
    const [key, team] = gateway.money.budgets.chargesOf(client);
    return {
      time_zone: gateway.money.budgets.periods.timeZone,
      unlimited: client.unlimited,
      key: accountOf(gateway, key!.scope, client.unlimited ? {} : key!.caps),
      team: team === undefined ? null : accountOf(gateway, team.scope, client.unlimited ? {} : team.caps),
    };
  }),
  ...(["/user/limit", "/user/rate-limits"] as const).map((path) =>
    defineRoute({
      method: "GET",
      path,
      auth: "client",
      tag,
      summary: path === "/user/limit" ? "What the calling key may send, and has sent" : "The same as `/user/limit`",
      schemas: () => ({ reply: limitsReply() }),
    }).handle(({ gateway, client }) => limitsOf(gateway, client)),
  ),
  defineRoute({
    method: "GET",
    path: "/user/activity",
    auth: "client",
    tag,
    summary: "Usage of the calling key by hour or day, provider, model, end user or tag",
    description:
      "The queries are those of `/admin/usage`, without `key` and `team`. Single requests are in `/v1/requests`.",
    schemas: () => ({ query: usageQuery().omit({ key: true, team: true, format: true }), reply: usageReply() }),
  }).handle(({ gateway, client, query }) =>
    usageReport(gateway, { ...query, key: client.keyId ?? client.keyName, format: "json" }),
  ),
  defineRoute({
    method: "GET",
    path: "/user/provider-keys",
    auth: "client",
    tag,
    summary: "The providers that the calling key may use, and whether the gateway has a key for each",
    description: "Providers' keys are the gateway's own; clients bring none.",
    schemas: () => ({
      reply: z.object({
        data: z.array(z.object({ provider: z.string(), has_key: z.boolean(), source: z.literal("gateway") })),
      }),
    }),
  }).handle(({ gateway, client }) => ({
    data: [...gateway.providers.values()]
      .filter(
        ({ name }) =>
          client.allowedProviders === undefined || client.allowedProviders.some((glob) => globFits(glob, name)),
      )
      .map(({ name, credentials }) => ({
        provider: name,
        has_key: credentials.some(({ secret }) => secret !== undefined && secret !== ""),
        source: "gateway" as const,
      })),
  })),
];

function accountOf(
  gateway: Gateway,
  scope: string,
  caps: { dayUsd?: number | undefined; monthUsd?: number | undefined },
) {
  const { budgets } = gateway.money;
  const spent = budgets.spentBy(scope);
  const nowMs = Date.now();
  const view = (nanoUsd: number, capUsd: number | undefined, endMs: number) => ({
    cap_usd: capUsd ?? null,
    spent_usd: usd(toUsd(nanoUsd)),
    remaining_usd: capUsd === undefined ? null : usd(Math.max(0, capUsd - toUsd(nanoUsd + spent.held))),
    resets_at: new Date(endMs).toISOString(),
  });
  return {
    day: view(spent.day, caps.dayUsd, budgets.periods.day(nowMs).endMs),
    month: view(spent.month, caps.monthUsd, budgets.periods.month(nowMs).endMs),
    held_usd: usd(toUsd(spent.held)),
  };
}

function limitsOf(gateway: Gateway, client: ClientIdentity) {
  const base = {
    unlimited: client.unlimited,
    tier: client.tier,
    velocity_mode: gateway.velocity.untilMs !== undefined,
  };
  if (client.unlimited) return { ...base, requests: null, tokens: null, burst: null, concurrent: null };
  const limits = gateway.money.limits.limitsOf(client);
  const used = gateway.money.limits.used(client);
  const view = (limit: number, count: number) => ({ limit, used: count, remaining: Math.max(0, limit - count) });
  return {
    ...base,
    requests: {
      minute: view(limits.requestsPerMinute, used.requests[0]!),
      hour: view(limits.requestsPerHour, used.requests[1]!),
      day: view(limits.requestsPerDay, used.requests[2]!),
    },
    tokens: {
      minute: view(limits.tokensPerMinute, used.tokens[0]!),
      hour: view(limits.tokensPerHour, used.tokens[1]!),
      day: view(limits.tokensPerDay, used.tokens[2]!),
    },
    burst: limits.burst,
    concurrent: view(limits.concurrent, used.open),
  };
}
