import * as z from "zod";
import { type Budget, budget, type KeyLimits, keyFields, keyLimits } from "../../../config/access.ts";
import { KEY_KINDS, type KeyKind } from "../key-secret.ts";

export type KeyStatus = "active" | "disabled" | "revoked";

/** What a new key is made from. */
export const keyInput = z.strictObject({
  name: z.string().regex(/^[^\p{Cc}]{1,100}$/u, "write 1 to 100 characters without line breaks"),
  kind: z.enum(KEY_KINDS).default("live"),
  ...keyFields,
});
export type KeyInput = z.input<typeof keyInput>;

/** What may be changed of a key; absent fields stay, null empties one. */
export const keyPatch = z.strictObject({
  name: keyInput.shape.name.optional(),
  tier: keyFields.tier.unwrap().optional(),
  owner: keyFields.owner.nullable(),
  team: keyFields.team.nullable(),
  allowedModels: keyFields.allowedModels.unwrap().optional(),
  allowedProviders: keyFields.allowedProviders.unwrap().optional(),
  expiresAt: keyFields.expiresAt.nullable(),
  limits: keyLimits.optional(),
  budget: budget.optional(),
  fallback: keyFields.fallback.nullable(),
  cache: z.boolean().optional(),
  tags: keyFields.tags.unwrap().optional(),
  status: z.enum(["active", "disabled"]).optional(),
});
export type KeyPatch = z.input<typeof keyPatch>;

/** A key of the database, without its secret, which is kept nowhere. */
export interface KeyRecord {
  readonly id: string;
  /** SHA-256 of the secret, hex. Never leaves the gateway. */
  readonly secretHash: string;
  /** Prefix and last four characters, to recognise it by. */
  readonly hint: string;
  readonly name: string;
  readonly kind: KeyKind;
  readonly status: KeyStatus;
  readonly tier: string;
  readonly owner: string | undefined;
  readonly team: string | undefined;
  readonly allowedModels: readonly string[];
  readonly allowedProviders: readonly string[];
  readonly expiresAtMs: number | undefined;
  readonly limits: KeyLimits;
  readonly budget: Budget;
  readonly fallback: string | undefined;
  readonly cache: boolean;
  readonly tags: readonly string[];
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** Of the last settled request, to the minute; undefined when there was none, or where it was not asked for. */
  readonly lastUsedAtMs: number | undefined;
}

export interface TeamRecord {
  readonly name: string;
  readonly budget: Budget;
  readonly deleted: boolean;
}

export interface KeyRow {
  id: string;
  secret_hash: string;
  hint: string;
  name: string;
  kind: string;
  status: string;
  tier: string;
  owner: string | null;
  team: string | null;
  /** JSON of what nobody searches by: KeyRights. */
  rights: string;
  expires_at_ms: number | null;
  created_at_ms: number;
  updated_at_ms: number;
  change_seq: number;
}

type KeyRights = Pick<
  KeyRecord,
  "allowedModels" | "allowedProviders" | "limits" | "budget" | "fallback" | "cache" | "tags"
>;

export function keyRecordOf(row: KeyRow, lastUsedAtMs?: number | null): KeyRecord {
  const rights = JSON.parse(row.rights) as KeyRights;
  return {
    id: row.id,
    secretHash: row.secret_hash,
    hint: row.hint,
    name: row.name,
    kind: row.kind as KeyKind,
    status: row.status as KeyStatus,
    tier: row.tier,
    owner: row.owner ?? undefined,
    team: row.team ?? undefined,
    allowedModels: rights.allowedModels,
    allowedProviders: rights.allowedProviders,
    expiresAtMs: row.expires_at_ms ?? undefined,
    limits: rights.limits,
    budget: rights.budget,
    fallback: rights.fallback,
    cache: rights.cache,
    tags: rights.tags,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    lastUsedAtMs: lastUsedAtMs ?? undefined,
  };
}

export function rightsJson({ allowedModels, allowedProviders, limits, budget: money, ...rest }: KeyRights): string {
  const { fallback, cache, tags } = rest;
  return JSON.stringify({ allowedModels, allowedProviders, limits, budget: money, fallback, cache, tags });
}
