import { timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Config } from "../../config/schema.ts";
import { presentedKeys } from "../../runtime/auth.ts";
import { GatewayError } from "../errors.ts";
import type { ClientIdentity, GatewayEvents, Telemetry } from "../request-record.ts";
import { hashKey, KEY_CHARS_MAX } from "./key-secret.ts";
import type { KeyRecord } from "./store/key-record.ts";

const ADMIN_KEY_ID = "admin";
/** Revoked keys that are still told so. */
const REVOKED_KEPT_MAX = 10_000;
/** Whoever asks without a key, where that is allowed. */
const ANONYMOUS: ClientIdentity = {
  keyName: "anonymous",
  keyHash: "",
  keyId: "anonymous",
  tier: "anonymous",
  unlimited: false,
  anonymous: true,
};

type ConfiguredKey = Config["gateway"]["keys"][string];

interface KnownKey {
  readonly digest: Buffer;
  readonly identity: ClientIdentity;
  readonly status: "active" | "disabled" | "revoked";
  readonly expiresAtMs: number;
  readonly temporary: boolean;
}

/**
 * The keys that clients may use: the admin key, the demo key, those of the configuration and those of the database. They
 * are all in memory, so that a request waits for nobody. A key is found by its hash: how long that takes tells about
 * the hash of what was presented, which says nothing about any other key.
 */
export class Keys {
  readonly #telemetry: Telemetry;
  readonly #now: () => number;
  readonly #anonymous: () => boolean;
  readonly #own = new Map<string, KnownKey>();
  #configured = new Map<string, KnownKey>();
  readonly #stored = new Map<string, KnownKey>();
  /** Hashes of the stored keys by their id: a change may bring another hash. */
  readonly #hashes = new Map<string, string>();
  /** Revoked keys by id, oldest first; past their number a revoked key is merely unknown. */
  readonly #revoked = new Map<string, string>();
  #complete = true;
  #nextExpiryMs = Number.POSITIVE_INFINITY;

  /** @param anonymous Whether requests without a key are served. */
  constructor(telemetry: Telemetry, anonymous: () => boolean = () => false, now: () => number = Date.now) {
    this.#telemetry = telemetry;
    this.#anonymous = anonymous;
    this.#now = now;
  }

  /** Adds one of the gateway's own keys: `admin` and `demo`. */
  add(keyName: string, key: string, tier: string, unlimited: boolean): void {
    const digest = hashKey(key);
    this.#own.set(digest, known(digest, { keyName, keyId: keyName, keyHash: digest.slice(0, 16), tier, unlimited }));
  }

  /** Replaces the keys of `gatewayz.yaml`; also at a reload. */
  configure(keys: Readonly<Record<string, ConfiguredKey>>): void {
    const configured = new Map<string, KnownKey>();
    for (const [keyName, { key, expiresAt, ...rights }] of Object.entries(keys)) {
      const digest = hashKey(key);
      const identity = identityOf({ ...rights, id: `config:${keyName}`, name: keyName, secretHash: digest });
      const expiresAtMs = expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(expiresAt);
      configured.set(digest, { ...known(digest, identity), expiresAtMs, temporary: key.startsWith("gw_temp_") });
    }
    this.#configured = configured;
    this.#count();
  }

  /** Takes over keys of the database that are new or have changed; revoked ones are remembered as such. */
  apply(records: readonly KeyRecord[]): void {
    for (const record of records) {
      const before = this.#hashes.get(record.id);
      if (before !== undefined && before !== record.secretHash) this.#stored.delete(before);
      this.#hashes.set(record.id, record.secretHash);
      if (record.status === "revoked") this.#rememberRevoked(record);
      this.#stored.set(record.secretHash, {
        digest: Buffer.from(record.secretHash, "hex"),
        identity: identityOf(record),
        status: record.status,
        expiresAtMs: record.expiresAtMs ?? Number.POSITIVE_INFINITY,
        temporary: record.kind === "temp",
      });
    }
    if (records.length > 0) this.#count();
  }

  #rememberRevoked(record: KeyRecord): void {
    this.#revoked.delete(record.id);
    this.#revoked.set(record.id, record.secretHash);
    if (this.#revoked.size <= REVOKED_KEPT_MAX) return;
    const [[oldestId, oldestHash]] = this.#revoked as unknown as [[string, string]];
    this.#revoked.delete(oldestId);
    this.#hashes.delete(oldestId);
    this.#stored.delete(oldestHash);
  }

  /** False until the database's keys are here: an unknown key may be one of them, and is asked to come again. */
  set complete(complete: boolean) {
    this.#complete = complete;
  }

  /** Everyone who may ask now, for budgets and lists; revoked keys left out. */
  *identities(): Generator<ClientIdentity> {
    for (const keys of [this.#own, this.#configured, this.#stored]) {
      for (const { identity, status } of keys.values()) if (status !== "revoked") yield identity;
    }
  }

  /**
   * The client behind the bearer token or `x-api-key`.
   * @throws GatewayError AUTHENTICATION_REQUIRED, INVALID_API_KEY, API_KEY_INACTIVE, KEYS_UNAVAILABLE.
   */
  identify(headers: IncomingHttpHeaders): ClientIdentity {
    const presented = presentedKeys(headers);
    if (presented.length === 0) {
      if (this.#anonymous()) return ANONYMOUS;
      this.#telemetry.event("keyLookup", { status: "missing" });
      throw new GatewayError("AUTHENTICATION_REQUIRED", {});
    }
    let refused: KnownKey | undefined;
    for (const key of presented) {
      const found = this.#find(key);
      if (found === undefined) continue;
      if (found.status !== "active" || found.expiresAtMs <= this.#now()) {
        refused = found;
        continue;
      }
      this.#telemetry.event("keyLookup", { status: "found" });
      return found.identity;
    }
    throw this.#refusal(refused);
  }

  #find(key: string): KnownKey | undefined {
    if (key.length > KEY_CHARS_MAX) return undefined;
    const digest = hashKey(key);
    const found = this.#own.get(digest) ?? this.#configured.get(digest) ?? this.#stored.get(digest);
    return found !== undefined && timingSafeEqual(found.digest, Buffer.from(digest, "hex")) ? found : undefined;
  }

  #refusal(refused: KnownKey | undefined): GatewayError {
    if (refused === undefined) {
      this.#telemetry.event("keyLookup", { status: "invalid" });
      if (this.#complete) return new GatewayError("INVALID_API_KEY", {});
      return new GatewayError("KEYS_UNAVAILABLE", {}, { retryAfterSeconds: 1 });
    }
    const status = refused.status === "active" ? "expired" : refused.status;
    this.#telemetry.event("keyLookup", { status });
    return new GatewayError("API_KEY_INACTIVE", { status });
  }

  /** Who may ask for something now, except those without any limit. */
  *limited(): Iterable<ClientIdentity> {
    const nowMs = this.#now();
    for (const keys of [this.#own, this.#configured, this.#stored]) {
      for (const { identity, status, expiresAtMs } of keys.values()) {
        if (status === "active" && expiresAtMs > nowMs && !identity.unlimited) yield identity;
      }
    }
  }

  /** Tells how many keys there are again where one has expired since the last time. */
  recountExpired(): void {
    if (this.#now() >= this.#nextExpiryMs) this.#count();
  }

  #count(): void {
    const byStatus: Record<string, number> = { active: 0, expired: 0, disabled: 0, revoked: 0 };
    const temporary: Record<string, number> = { ...byStatus };
    const nowMs = this.#now();
    this.#nextExpiryMs = Number.POSITIVE_INFINITY;
    for (const keys of [this.#own, this.#configured, this.#stored]) {
      for (const key of keys.values()) {
        if (key.expiresAtMs > nowMs) this.#nextExpiryMs = Math.min(this.#nextExpiryMs, key.expiresAtMs);
        const status = key.status === "active" && key.expiresAtMs <= nowMs ? "expired" : key.status;
        byStatus[status]!++;
        if (key.temporary) temporary[status]!++;
      }
    }
    const detail: GatewayEvents["keysCounted"] = { byStatus, temporary };
    this.#telemetry.event("keysCounted", detail);
  }
}

/** True for the admin key itself; a key that somebody called `admin` is none. */
export function isAdmin(identity: ClientIdentity): boolean {
  return identity.keyId === ADMIN_KEY_ID;
}

/** @throws GatewayError PERMISSION_DENIED for any key but the admin's. */
export function requireAdmin(identity: ClientIdentity, what: string): void {
  if (!isAdmin(identity)) throw new GatewayError("PERMISSION_DENIED", { what });
}

function known(digest: string, identity: ClientIdentity): KnownKey {
  const base = { status: "active", expiresAtMs: Number.POSITIVE_INFINITY, temporary: false } as const;
  return { ...base, digest: Buffer.from(digest, "hex"), identity };
}

type Rights = Pick<KeyRecord, "id" | "name" | "secretHash" | "tier" | "allowedModels" | "allowedProviders"> &
  Partial<Pick<KeyRecord, "owner" | "team" | "limits" | "budget" | "fallback" | "cache" | "tags">>;

/** Absent fields are left out, as the identity travels with each record. */
function identityOf(rights: Rights): ClientIdentity {
  const { limits, budget, tags } = rights;
  return {
    keyName: rights.name,
    keyId: rights.id,
    keyHash: rights.secretHash.slice(0, 16),
    tier: rights.tier,
    unlimited: false,
    ...(rights.owner !== undefined && { owner: rights.owner }),
    ...(rights.team !== undefined && { team: rights.team }),
    ...(rights.allowedModels.length > 0 && { allowedModels: rights.allowedModels }),
    ...(rights.allowedProviders.length > 0 && { allowedProviders: rights.allowedProviders }),
    ...(limits !== undefined && Object.keys(limits).length > 0 && { limits }),
    ...(budget !== undefined && Object.keys(budget).length > 0 && { budget }),
    ...(rights.fallback !== undefined && { fallback: rights.fallback }),
    ...(rights.cache === true && { cache: true }),
    ...(tags !== undefined && tags.length > 0 && { tags }),
  };
}
