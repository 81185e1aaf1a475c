import * as z from "zod";
import { duration } from "./duration.ts";

const count = z.number().int().positive();
const usd = z.number().positive();

/** What one key may send and use; the defaults hold for every key that says nothing else. */
export const limits = z.strictObject({
  requestsPerMinute: count.default(250),
  requestsPerHour: count.default(1_000),
  requestsPerDay: count.default(10_000),
  tokensPerMinute: count.default(10_000),
  tokensPerHour: count.default(100_000),
  tokensPerDay: count.default(1_000_000),
  /** Requests that may come at once; they are given back at the rate of `requestsPerMinute`. */
  burst: count.default(100),
  concurrent: count.default(50),
  /** USD in a day of `gateway.budgets.timeZone`, for keys that have no budget of their own. */
  dailySpendUsd: usd.default(1),
});

/** Overrides of one key. */
export const keyLimits = z.strictObject({
  requestsPerMinute: count.optional(),
  requestsPerHour: count.optional(),
  requestsPerDay: count.optional(),
  tokensPerMinute: count.optional(),
  tokensPerHour: count.optional(),
  tokensPerDay: count.optional(),
  burst: count.optional(),
  concurrent: count.optional(),
});

/** USD that a key or a team may cost; absent is without limit. */
export const budget = z.strictObject({ dayUsd: usd.optional(), monthUsd: usd.optional() });

/** Names of at most 100 characters without control characters, so that they are safe as labels and in headers. */
const name = z.string().regex(/^[^\p{Cc}]{1,100}$/u, "write 1 to 100 characters without line breaks");
/** A model or provider, where `*` stands for any characters: `gpt-4*`, `openai/*`. */
const glob = z.string().min(1).max(200);
const LIST_MAX = 100;

/** What a key is allowed; the same fields in `gatewayz.yaml` and in the admin API. */
export const keyFields = {
  tier: z.enum(["basic", "pro", "max", "admin"]).default("basic"),
  owner: name.optional(),
  team: name.optional(),
  /** Empty allows all. */
  allowedModels: z.array(glob).max(LIST_MAX).default([]),
  allowedProviders: z.array(glob).max(LIST_MAX).default([]),
  /** ISO 8601; from then on the key is refused. */
  expiresAt: z.iso.datetime({ offset: true }).optional(),
  limits: keyLimits.prefault({}),
  budget: budget.prefault({}),
  /** Alias of `gateway.aliases` whose list is tried after the asked model. */
  fallback: name.optional(),
  /** Answers may come from the response cache. */
  cache: z.boolean().default(false),
  tags: z.array(name).max(16).default([]),
};

const secret = z.string().min(8);

/** A key of the file: the key itself, or the key and what it is allowed. */
const configuredKey = z
  .union([secret, z.strictObject({ key: secret, ...keyFields })])
  .transform((value) =>
    typeof value === "string" ? z.strictObject({ key: secret, ...keyFields }).parse({ key: value }) : value,
  );

const timeZone = z.string().refine(
  (zone) => {
    try {
      return new Intl.DateTimeFormat("en", { timeZone: zone }) !== undefined;
    } catch {
      return false;
    }
  },
  { message: "not a time zone; write a name of the IANA list like Europe/Berlin, or UTC" },
);

/** Keys, limits and money of the gateway. */
export const accessFields = {
  /** Client keys beside the admin key and those of the database: name → key, or name → key and rights. */
  keys: z.record(name, configuredKey).default({}),
  limits: limits.prefault({}),
  /** Of one address, whatever keys it tries; this machine and the admin key have no limit. */
  ipRequestsPerMinute: count.default(300),
  /** Requests without a key, for models that cost nothing. */
  anonymous: z.strictObject({ enabled: z.boolean().default(false), requestsPerDay: count.default(3) }).prefault({}),
  budgets: z
    .strictObject({
      /** Where days and months begin, such as `Europe/Berlin`. */
      timeZone: timeZone.default("UTC"),
      /** Budgets of teams, together for all of a team's keys. */
      teams: z.record(name, budget).default({}),
      /** Output tokens reserved for a request that names no maximum. */
      outputTokensReserved: count.default(1_024),
    })
    .prefault({}),
  usage: z
    .strictObject({
      /** How long usage by hour is kept, whatever the telemetry retention. */
      retention: duration.prefault("400d"),
      /** How often usage goes from the log into the database. */
      rollUpInterval: duration.prefault("2s"),
    })
    .prefault({}),
};

export type Limits = z.output<typeof limits>;
export type KeyLimits = z.output<typeof keyLimits>;
export type Budget = z.output<typeof budget>;
