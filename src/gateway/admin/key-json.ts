import * as z from "zod";
import { type Budget, budget, type KeyLimits, keyLimits } from "../../config/access.ts";
import type { KeyRecord } from "../access/store/key-record.ts";
import { moment, named } from "../openapi/fields.ts";

/** A key as the admin API shows it: everything but its secret. */
export const keySchema = named("ApiKey", () =>
  z.object({
    id: z.string(),
    name: z.string(),
    hint: z.string().describe("Prefix and last four characters, to recognise it by"),
    kind: z.enum(["live", "test", "staging", "dev", "temp"]),
    status: z.enum(["active", "disabled", "revoked"]),
    expired: z.boolean(),
    tier: z.string(),
    owner: z.string().nullable(),
    team: z.string().nullable(),
    allowedModels: z.array(z.string()).describe("Globs; empty allows all"),
    allowedProviders: z.array(z.string()).describe("Globs; empty allows all"),
    expiresAt: moment().nullable(),
    limits: keyLimits,
    budget: budget,
    fallback: z.string().nullable(),
    cache: z.boolean(),
    tags: z.array(z.string()),
    createdAt: moment(),
    updatedAt: moment(),
    lastUsedAt: moment().nullable().describe("To the minute"),
  }),
);

/** The same with the secret, which is shown this once and kept nowhere. */
export const newKeySchema = named("NewApiKey", () =>
  keySchema().extend({ key: z.string().describe("The key itself. It is shown this once and kept nowhere.") }),
);

export function keyJson(record: KeyRecord, nowMs = Date.now()) {
  const time = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());
  return {
    id: record.id,
    name: record.name,
    hint: record.hint,
    kind: record.kind,
    status: record.status,
    expired: record.expiresAtMs !== undefined && record.expiresAtMs <= nowMs,
    tier: record.tier,
    owner: record.owner ?? null,
    team: record.team ?? null,
    allowedModels: [...record.allowedModels],
    allowedProviders: [...record.allowedProviders],
    expiresAt: time(record.expiresAtMs),
    limits: record.limits as KeyLimits,
    budget: record.budget as Budget,
    fallback: record.fallback ?? null,
    cache: record.cache,
    tags: [...record.tags],
    createdAt: new Date(record.createdAtMs).toISOString(),
    updatedAt: new Date(record.updatedAtMs).toISOString(),
    lastUsedAt: time(record.lastUsedAtMs),
  };
}
