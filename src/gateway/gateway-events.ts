import type { RedisInfo } from "../redis/info.ts";

/**
 * What happens in the gateway beside the story of one request: the catalogue that telemetry turns into metrics and log
 * lines. Amounts are US dollars, `seconds` are durations, texts that become labels have few values. Whoever causes the
 * fact emits the event (`telemetry.event(name, detail)`), once per fact and from one place; nothing in a detail is
 * secret.
 */
export interface GatewayEvents
  extends LimitEvents,
    KeyEvents,
    MoneyEvents,
    StoreEvents,
    PriceEvents,
    CatalogueEvents,
    RoutingEvents,
    CacheEvents,
    ProcessEvents {}

export type BreakerState = "closed" | "open" | "half_open";

interface LimitEvents {
  concurrencyChanged: { active: number; queued: number };
  concurrencyRejected: { reason: "queue_full" | "queue_timeout" };
  /** A request was refused. `limitType`: request_rate, daily_quota, provider_rate_limit, security_ip_tier, … */
  rateLimited: { limitType: string };
  /** Errors in the last minute made all limits shrink (`active`), or they are back after `lastedMs`. */
  velocityModeChanged: { active: boolean; errorRate: number; requests: number; errors: number; lastedMs: number };
}

interface KeyEvents {
  /** A key was checked. */
  keyLookup: { status: "found" | "missing" | "invalid" | "expired" | "revoked" | "disabled" };
  /**
   * How many keys there are, by status (active, expired, revoked, disabled), after each change of them and at the start;
   * `temporary` are those of trials (`gw_temp_…`). A status that has gone to zero is named with 0.
   */
  keysCounted: { byStatus: Readonly<Record<string, number>>; temporary: Readonly<Record<string, number>> };
  /** A key has used this share of what it may cost today or this month (`period`; a day where left out). */
  spendWarning: {
    keyName: string;
    percent: number;
    spentUsd: number;
    capUsd: number;
    period?: "day" | "month";
  };
}

interface MoneyEvents {
  /** What a request cost was taken from its key's budget, or could not be; `endpoint` is the route's template. */
  creditDeducted: {
    status: "success" | "failed";
    endpoint: string;
    stream: boolean;
    amountUsd: number;
    /** From the end of the answer to the settlement's durable end. */
    seconds: number;
  };
  /** A deduction is tried again; the first retry is attempt 2. */
  creditRetried: { attempt: number; endpoint: string };
  /** An amount was used and can no longer be taken from anybody. `reason`: store_failed, key_gone, … */
  creditMissed: { reason: string; amountUsd: number };
  /** Part of a reservation or a settled amount was given back. `reason`: request_failed, over_reserved, admin, … */
  creditRefunded: { reason: string; amountUsd: number };
  /** Work after the end of a stream failed (settlement, storing the response, history). */
  streamWorkFailed: { failureType: string; endpoint: string };
  /** A request that was in flight at a crash was settled from its logged reservation. */
  usageInterrupted: { provider: string; amountUsd: number };
}

interface StoreEvents {
  /** One SQL query. `operation`: select, insert, update, delete, other. `error` is the driver's code of a failure. */
  databaseQuery: { table: string; operation: string; seconds: number; error?: string };
  /** A pool (`database`, `redis`, a provider's name) could not give, or lost, a connection. */
  poolFailed: { pool: string; errorType: string };
  /** One command to Redis as the gateway issued it; `operation` is the command's lower-case name or our word for it. */
  redisOperation: { operation: string; status: "success" | "error"; seconds: number };
  /** Redis' own numbers (`INFO`), each 10 s while REDIS_URL is set; `undefined` when it does not answer. */
  redisState: { info: RedisInfo | undefined };
  /** A shared store did not answer and the gateway went on with its own memory. */
  failedOpen: { part: string };
}

interface PriceEvents {
  /** A request asked for a model's price; `cacheName` is model_pricing where left out, manual_pricing for overrides. */
  priceLookup: { model: string; known: boolean; cacheHit: boolean; cacheName?: "model_pricing" | "manual_pricing" };
  /** A price was judged before it is used; `failure` says why it was refused (missing_price, negative, not_a_number, …). */
  priceValidated: { model: string; failure?: string };
  /** A price outside what is plausible. `violation`: below_minimum, above_maximum, output_below_input, … */
  priceOutOfBounds: { model: string; violation: string };
  /** A refresh changed a price by more than its bound. */
  priceSpike: { model: string; priceType: "input" | "output" | "cache_read" | "cache_write" };
  /** The price list as a whole, after each look at it. */
  priceHealth: { stalenessHours: number; healthy: boolean };
  /** Refreshes of the price list that wait and run. */
  priceSyncQueue: { queued: number; running: number };
  /** One refresh of the prices of one provider (or of `all`). Models skipped by reason, errors by type. */
  priceSync: {
    provider: string;
    status: "success" | "partial" | "failed";
    triggeredBy: "schedule" | "start" | "admin" | "reload";
    seconds: number;
    fetched: number;
    updated: number;
    changed: number;
    skipped: Readonly<Record<string, number>>;
    errors: Readonly<Record<string, number>>;
  };
  /** The job around one or more `priceSync`. */
  priceSyncJob: { status: "success" | "partial" | "failed"; seconds: number };
}

interface CatalogueEvents {
  /**
   * A provider's model list was read: from the cache (`hit`), or freshly. `emptyReason` says why a fresh one is empty or
   * too small: api_empty, cache_empty, below_threshold, timeout.
   */
  catalogLoaded: {
    gateway: string;
    models: number;
    hit: boolean;
    emptyReason?: "api_empty" | "cache_empty" | "below_threshold" | "timeout";
    /** Size of the list as it is held, where it was measured. */
    bytes?: number;
  };
  /** A list that could not be fetched is served from elsewhere: the last one, the database, or what the release knows. */
  catalogFallback: { gateway: string; source: "database" | "cache" | "static" };
  /** A list was thrown away before its time. `reason`: reload, admin, provider_removed, … */
  catalogInvalidated: { gateway: string; reason: string };
  /** An empty or failed list was fetched again out of turn, so that it might repair itself. */
  catalogRepaired: { gateway: string; result: "success" | "failure" };
}

interface RoutingEvents {
  breakerMoved: { provider: string; from: BreakerState; to: BreakerState };
  breakerResult: { provider: string; state: BreakerState; success: boolean };
  breakerRejected: { provider: string };
  /** The breaker of one model at one provider (contract section 4, availability breaker). */
  availabilityMoved: { provider: string; model: string; from: BreakerState; to: BreakerState };
  /** A request goes on with another provider than the first choice. */
  fallbackActivated: { primary: string; fallback: string };
  /** A call is made again at the same provider: with another key (`key_rotated`), or after a failure (`retry`). */
  attemptRetried: { provider: string; model: string; reason: string };
  /** A key of a provider rests, as a 429 or an authentication error asked. */
  keyCooledDown: { provider: string; seconds: number };
  /** A second call was started because the first was late, and which of the two was used. */
  hedged: { provider: string; result: "won" | "lost" | "failed" };
  /**
   * The smart router chose a model and provider. `fallbackReason` says why it could not choose by its policy
   * (no_candidates, no_data, all_open, …).
   */
  routerDecided: {
    mode: string;
    selectedModel: string;
    provider: string;
    seconds: number;
    /** 0 to 1: how far the choice is ahead of the second. */
    confidence: number;
    fallbackReason?: string;
  };
  chunksDropped: { provider: string; model: string; count: number };
}

interface CacheEvents {
  /** A cache was asked. `cacheName` has few values: responses, catalog, pricing, keys, dns, … */
  cacheLookup: { cacheName: string; hit: boolean };
  cacheSize: { cacheName: string; bytes: number };
  cacheEvicted: { cacheName: string; reason: string; count: number };
  /** An answer came from the response cache, and what the provider would have cost. */
  cacheSaved: { provider: string; model: string; cacheType: "local" | "redis"; usd: number };
  /** A hook before or after a request ran. `hook` is its configured name. */
  hookRan: {
    hook: string;
    phase: "before" | "after";
    result: "passed" | "changed" | "blocked" | "failed" | "timeout";
    seconds: number;
  };
}

interface ProcessEvents {
  /** The configuration file was read, at the start or again; `atSeconds` is Unix time. */
  configRead: { usable: boolean; atSeconds: number };
  /** `gatewayz.yaml` was read again. */
  configReloaded: { result: "applied" | "rejected" | "unchanged" };
  /** How many worker processes answer clients; only where there are several. */
  workersChanged: { running: number };
  uncaughtError: { type: string };
}

/**
 * Facts that are read when somebody looks (before each exposition) instead of told at each change; registered with
 * `telemetry.observe`.
 */
export interface GatewayFacts {
  /** Connection pools: the database's, Redis', one per provider. */
  pools: readonly PoolFact[];
  /** Entries waiting, by queue: `usage_wal`, `alerts`, … */
  queues: Readonly<Record<string, number>>;
  /** Open connections by type: `client` (HTTP from clients), `inference`, `provider`, `database`, `redis`. */
  connections: Readonly<Record<string, number>>;
  /** What one ordinary key may use: `request_rate` per minute, `daily_quota` per day. */
  limits: Readonly<Record<string, number>>;
  /** What is left of the budgets of all keys of a tier in US dollars: of the month's where a key has one, else of the day's. */
  balances: Readonly<Record<string, number>>;
  /** Whether a provider's model list (with an empty name: anybody's) names this model; unknown models become no label. */
  knownModels: (provider: string, model: string) => boolean;
}

export interface PoolFact {
  readonly name: string;
  /** Most connections that the pool may open. */
  readonly sizeMax: number;
  /** Connections that are open, whether in use or not. */
  readonly open: number;
  readonly active: number;
}
