import * as z from "zod";

/** Where keys, budgets, usage and incidents are kept: a SQLite file per role unless a Postgres is named. */
export const database = z.strictObject({
  /** `postgres://user:password@host:5432/name`; unset keeps SQLite files in the data folder. */
  url: z
    .string()
    .regex(/^postgres(ql)?:\/\//, "must start with postgres:// or postgresql://")
    .optional(),
  /** Most connections that one role opens to Postgres. */
  poolMax: z.number().int().positive().max(100).default(10),
});

/** State that several gateways share: limits, budgets and locks. Unset: each gateway counts for itself. */
export const redis = z.strictObject({
  /** `redis://[user:password@]host:6379[/db]`, `rediss://` with TLS. */
  url: z
    .string()
    .regex(/^rediss?:\/\//, "must start with redis:// or rediss://")
    .optional(),
  /** In front of every key, so that several installations can share a server. */
  keyPrefix: z.string().max(64).default("gatewayz:"),
});
