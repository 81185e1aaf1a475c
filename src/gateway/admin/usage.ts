import * as z from "zod";
import { GatewayError } from "../errors.ts";
import type { Gateway } from "../gateway.ts";
import { USAGE_BUCKETS, USAGE_GROUPS, UsageQuestionError, type UsageRow } from "../ledger/usage-reports.ts";
import { integer, moment, name } from "../openapi/fields.ts";
import { usd } from "../openapi/numbers.ts";
import { defineRoute, type Route } from "../openapi/route.ts";
import { csv } from "./csv.ts";
import { stored } from "./stored.ts";

const DAY_MS = 86_400_000;
/** What is shown when nobody says from when on. */
const DAYS_SHOWN = 30;

/** Names of the groups in queries and replies. */
const GROUPS = {
  key: "key",
  team: "team",
  provider: "provider",
  model: "model",
  end_user: "endUser",
  tag: "tag",
} as const;
type Group = keyof typeof GROUPS;
const isGroup = (text: string): text is Group =>
  Object.hasOwn(GROUPS, text) && USAGE_GROUPS.includes(GROUPS[text as Group]);

const SUMS = [
  "requests",
  "errors",
  "interrupted",
  "input_tokens",
  "output_tokens",
  "cached_input_tokens",
  "cache_write_input_tokens",
  "reasoning_tokens",
  "cost_usd",
] as const;

const time = (description: string) =>
  z
    .string()
    .refine((text) => !Number.isNaN(Date.parse(text)), "not a time; write it like 2026-01-31 or 2026-01-31T12:00:00Z")
    .optional()
    .describe(description);

export const usageQuery = () =>
  z.object({
    from: time(`ISO 8601, rounded down to the hour; ${DAYS_SHOWN} days ago without it`),
    to: time("ISO 8601, not included; now without it"),
    bucket: z.enum(USAGE_BUCKETS).default("day").describe("Days are UTC days"),
    group_by: z
      .string()
      .default("")
      .refine(
        (text) => listed(text).every(isGroup),
        "names of key, team, provider, model, end_user, tag, with commas between them",
      )
      .describe("`key`, `team`, `provider`, `model`, `end_user`, `tag`, with commas between them"),
    key: name("Id of a key; keys of the file are `config:NAME`").optional(),
    team: name("Only of this team").optional(),
    model: name("Only of this model").optional(),
    limit: integer(1, 10_000, 1_000, "Most rows; the dearest of each bucket come first"),
    format: z.enum(["json", "csv"]).default("json"),
  });
type UsageQuery = z.output<ReturnType<typeof usageQuery>>;

const usageRow = () =>
  z.object({
    start: moment().optional().describe("Beginning of the bucket; absent with `bucket=all`"),
    ...Object.fromEntries(Object.keys(GROUPS).map((group) => [group, z.string().optional()])),
    ...(Object.fromEntries(SUMS.map((sum) => [sum, z.number()])) as Record<(typeof SUMS)[number], z.ZodNumber>),
  });

export const usageReply = () =>
  z.object({
    from: moment(),
    to: moment(),
    bucket: z.enum(USAGE_BUCKETS),
    group_by: z.array(z.string()),
    data: z.array(usageRow()),
    truncated: z.boolean().describe("True when there may be more rows than `limit`"),
  });

/** `GET /admin/usage`: what was used and what it cost, from the ledger, which keeps 400 days. */
export const adminUsageRoutes: readonly Route[] = [
  defineRoute({
    method: "GET",
    path: "/admin/usage",
    auth: "admin",
    tag: "Administration",
    summary: "Usage by hour or day, key, team, provider, model, end user or tag, as JSON or CSV",
    description:
      "By end user or tag together with key and model only. `format=csv` answers `text/csv` with the same columns. Requests that ended before the question are in it, whichever worker answered them.",
    schemas: () => ({ query: usageQuery(), reply: usageReply() }),
  }).handle(async ({ gateway, query, reply }) => {
    const report = await usageReport(gateway, query);
    if (query.format === "json") return report;
    reply.header("content-type", "text/csv; charset=utf-8");
    reply.header("content-disposition", 'attachment; filename="usage.csv"');
    const start = query.bucket === "all" ? [] : ["start"];
    return csv([...start, ...report.group_by, ...SUMS], report.data);
  }),
];

/** @throws GatewayError INVALID_REQUEST for a combination that is not kept; STORE_UNAVAILABLE. */
export async function usageReport(gateway: Gateway, query: UsageQuery) {
  const nowMs = Date.now();
  const toMs = query.to === undefined ? nowMs + 1 : Date.parse(query.to);
  const fromMs = query.from === undefined ? toMs - DAYS_SHOWN * DAY_MS : Date.parse(query.from);
  if (fromMs >= toMs) {
    throw new GatewayError("INVALID_REQUEST", { reason: "`from` must be before `to`." }, { param: "from" });
  }
  const groups = listed(query.group_by).filter(isGroup);
  // What has ended is settled, but may wait for the database.
  await gateway.money.flush();
  const rows = await asked(() =>
    gateway.money.reports.usage({
      fromMs: Math.max(0, Math.floor(fromMs)),
      toMs: Math.max(0, Math.ceil(toMs)),
      bucket: query.bucket,
      groupBy: groups.map((group) => GROUPS[group]),
      limit: query.limit,
      ...(query.key !== undefined && { keyId: query.key }),
      ...(query.team !== undefined && { team: query.team }),
      ...(query.model !== undefined && { model: query.model }),
    }),
  );
  return {
    from: new Date(fromMs).toISOString(),
    to: new Date(Math.min(toMs, nowMs)).toISOString(),
    bucket: query.bucket,
    group_by: groups,
    data: rows.map((row) => rowJson(row, groups)),
    truncated: rows.length === query.limit,
  };
}

async function asked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await stored(work);
  } catch (error) {
    if (!(error instanceof UsageQuestionError)) throw error;
    throw new GatewayError("INVALID_REQUEST", { reason: error.message }, { param: "group_by" });
  }
}

function rowJson(row: UsageRow, groups: readonly Group[]) {
  return {
    ...(row.startMs !== undefined && { start: new Date(row.startMs).toISOString() }),
    ...Object.fromEntries(groups.map((group) => [group, row[GROUPS[group]] ?? ""])),
    requests: row.requests,
    errors: row.errors,
    interrupted: row.interrupted,
    input_tokens: row.inputTokens,
    output_tokens: row.outputTokens,
    cached_input_tokens: row.cachedInputTokens,
    cache_write_input_tokens: row.cacheWriteInputTokens,
    reasoning_tokens: row.reasoningTokens,
    cost_usd: usd(row.costUsd),
  };
}

function listed(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}
