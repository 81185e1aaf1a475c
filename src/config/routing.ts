import * as z from "zod";
import { duration } from "./duration.ts";

/** How the smart router weighs what it knows of its candidates (contract section 5). */
export const ROUTING_POLICIES = ["cost", "latency", "quality", "balanced"] as const;

/** Contract section 5: the order in which providers are tried. */
export const DEFAULT_CHAIN: readonly string[] = [
  "openai",
  "anthropic",
  "google-vertex",
  "openrouter",
  "cerebras",
  "featherless",
  "alibaba",
  "fireworks",
  "together",
];

const share = z.number().min(0).max(1);
const usdPerMillionTokens = z.strictObject({ input: z.number().nonnegative(), output: z.number().nonnegative() });

/** One key of several for one provider. */
const providerKey = z.strictObject({
  key: z.string().min(1),
  /** Of two keys the one with twice the weight gets twice the calls, as long as both answer equally fast. */
  weight: z.number().positive().max(1_000).default(1),
  /** Shown in records and metrics instead of the key; unset: `key-1`, `key-2`, … */
  name: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/, "use up to 64 letters, digits, dots, dashes and underscores")
    .optional(),
});

/** Fields that routing adds to one entry of `gateway.providers`. */
export const providerRoutingFields = {
  /** Further keys beside `apiKey`; calls are spread over all of them. */
  apiKeys: z.array(providerKey).max(64).default([]),
  /** Limits that differ from `gateway.timeouts` for this provider. `connect` is set for all. */
  timeouts: z
    .strictObject({
      read: duration.optional(),
      write: duration.optional(),
      attempt: duration.optional(),
      streamIdle: duration.optional(),
      stream: duration.optional(),
    })
    .optional(),
};

/** A model name of one's own, and what stands behind it. */
const alias = z.strictObject({
  /** Interchangeable models, as `model` or `provider/model`, in this order unless a policy orders them. */
  models: z.array(z.string().min(1)).min(1).max(32),
  policy: z.enum(ROUTING_POLICIES).optional(),
  /** Tried after `models`, in this order. */
  fallback: z.array(z.string().min(1)).max(32).default([]),
  /** Statuses of a provider that, beside those that always do, move the request on to the alias's next model. */
  fallbackOn: z.array(z.number().int().min(400).max(599)).default([429]),
  /** The only providers that may serve it. */
  providers: z.array(z.string()).optional(),
});

const aliases = z.record(z.string().min(1).max(256), alias);

/** What the operator knows of a model that no price list tells. */
const autoModel = z.strictObject({
  /** `model` or `provider/model`. */
  model: z.string().min(1),
  /** From 0 to 1, in the operator's judgement. */
  quality: share.optional(),
  /** What clients are charged, US dollars per million tokens; the margin floor compares it with the provider's price. */
  sellsAt: usdPerMillionTokens.optional(),
});

/** Fields of `gateway` that steer where requests go. Numbers are the contract's, sections 4 and 5. */
export const routingFields = {
  timeouts: z
    .strictObject({
      connect: duration.prefault("5s"),
      /** Wait for a free connection of the provider's pool. */
      pool: duration.prefault("5s"),
      /** Longest silence of a provider that owes an answer. */
      read: duration.prefault("60s"),
      /** Until the request's body has left. */
      write: duration.prefault("10s"),
      attempt: duration.prefault("30s"),
      /** A whole request that is no stream, all attempts together. */
      request: duration.prefault("55s"),
      stream: duration.prefault("300s"),
      streamIdle: duration.prefault("60s"),
      /** Until a client's headers have come, and its whole request; what is slower is no client (slowloris). */
      clientHeaders: duration.prefault("15s"),
      clientRequest: duration.prefault("60s"),
    })
    .prefault({}),
  breaker: z
    .strictObject({
      consecutiveFailures: z.number().int().positive().default(5),
      failureRate: share.default(0.5),
      window: duration.prefault("60s"),
      windowRequestsMin: z.number().int().positive().default(10),
      openFor: duration.prefault("60s"),
      halfOpenSuccesses: z.number().int().positive().default(2),
      halfOpenFailures: z.number().int().positive().default(2),
    })
    .prefault({}),
  /** One breaker per provider and model. */
  availabilityBreaker: z
    .strictObject({
      failures: z.number().int().positive().default(5),
      slowResponse: duration.prefault("30s"),
      slowResponses: z.number().int().positive().default(3),
      openFor: duration.prefault("300s"),
      halfOpenSuccesses: z.number().int().positive().default(3),
      halfOpenFailures: z.number().int().positive().default(1),
    })
    .prefault({}),
  velocityMode: z
    .strictObject({
      errorRate: share.default(0.25),
      requestsMin: z.number().int().positive().default(100),
      window: duration.prefault("60s"),
      lasts: duration.prefault("180s"),
      /** What remains of a key's limits, by tier; a tier that is not named is treated as basic. */
      multipliers: z
        .strictObject({
          basic: share.default(0.5),
          pro: share.default(0.75),
          max: share.default(0.9),
          admin: share.default(1),
        })
        .prefault({}),
    })
    .prefault({}),
  /** Another try at a provider when no other is left, only while nothing was sent to the client. */
  retries: z
    .strictObject({
      max: z.number().int().nonnegative().max(10).default(2),
      /** The n-th waits a random time up to `delay` × 2^(n-1), at most `delayMax`. */
      delay: duration.prefault("250ms"),
      delayMax: duration.prefault("4s"),
      /** Retries per request on average over all traffic, so that a dead provider is not stormed. */
      budget: share.default(0.2),
    })
    .prefault({}),
  /** A second call when the first is slower than usual; whoever answers first wins. */
  hedging: z
    .strictObject({
      enabled: z.boolean().default(false),
      percentile: share.default(0.95),
      /** Never earlier than this, however fast the provider usually is. */
      delayMin: duration.prefault("500ms"),
      /** Answers of the provider and model that must be known before. */
      samplesMin: z.number().int().positive().default(20),
      /** Hedges per request on average. */
      budget: share.default(0.05),
    })
    .prefault({}),
  aliases: aliases.default({}),
  routing: z
    .strictObject({
      /** Order of providers; others follow by name. */
      chain: z.array(z.string()).default([...DEFAULT_CHAIN]),
      /** Model aliases that only the key of this name sees; they come before `gateway.aliases`. */
      keys: z.record(z.string(), z.strictObject({ aliases: aliases.default({}) })).default({}),
      /** Candidates of the model `auto`; empty: every chat model that a provider lists. */
      auto: z.array(autoModel).max(256).default([]),
      /** A candidate with a selling price must sell for at least this many times what it costs. */
      marginFloor: z.number().positive().default(1.25),
      halfOpenPenalty: share.default(0.15),
      /** Whether the health service's view moves providers to the end. */
      health: z.boolean().default(true),
      /** A stream that brings fewer bytes a second than this before its first content is given up; 0: never. */
      firstContentBytesPerSecondMin: z.number().nonnegative().default(0),
      /** Requests kept for `GET /v1/requests`. */
      recentRequests: z.number().int().nonnegative().max(10_000).default(1_000),
    })
    .prefault({}),
};
