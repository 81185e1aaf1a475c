import * as z from "zod";
import { duration } from "./duration.ts";

/** The response cache: the same request by the same key is answered without asking a provider again. */
export const cache = z.strictObject({
  /** Names of the keys whose requests are answered from it; `*` stands for all. Others may ask for it by header. */
  keys: z.array(z.string().min(1)).default([]),
  /** Whether a request may switch it on for itself with `x-gatewayz-cache: on`. */
  header: z.boolean().default(true),
  /** `auto` takes Redis where it is configured. */
  store: z.enum(["auto", "memory", "redis"]).default("auto"),
  /** How long an answer is good (contract section 5). */
  ttl: duration.prefault("3600s"),
  /** Answers kept in memory; the one that was not used for the longest time leaves first. */
  entries: z.number().int().positive().max(1_000_000).default(20_000),
  /** Bytes of all of them together. */
  bytesMax: z
    .number()
    .int()
    .positive()
    .default(64 * 1024 * 1024), // 64 MiB
  /** A longer answer is not kept. */
  entryBytesMax: z
    .number()
    .int()
    .positive()
    .default(1024 * 1024), // 1 MiB
});
