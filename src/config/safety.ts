import { resolve } from "node:path";
import * as z from "zod";
import { duration } from "./duration.ts";

const TIMEOUT_DEFAULT = "250ms";

/** One hook: a module of yours, or one of the two that come with the gateway. */
const hook = z.strictObject({
  /** `redaction`, `block-list`, or the path of a module, relative to the configuration file. */
  module: z.string().min(1),
  /** Its name in metrics, logs and errors; by default that of the module. */
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]{0,39}$/i, "write letters, digits, - and _, at most 40")
    .optional(),
  /** Names of the keys whose requests it sees; `*` stands for all. */
  keys: z.array(z.string().min(1)).default(["*"]),
  /** After it, the hook counts as failed. A hook that never lets go of the thread cannot be stopped. */
  timeout: duration.prefault(TIMEOUT_DEFAULT),
  /** What becomes of the request when a before-hook fails: `closed` refuses it, `open` lets it through. */
  onFailure: z.enum(["open", "closed"]).default("closed"),
  /** Handed to the module as it is. */
  options: z.record(z.string(), z.unknown()).default({}),
});

const pattern = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,39}$/i, "write letters, digits, - and _, at most 40"),
  /** RE2 syntax: linear time, so without look-around and back references. */
  pattern: z.string().min(1).max(2_000),
});

const browserOrigin = z
  .string()
  .regex(/^(https?:\/\/[^/\s]+|\*)$/, "write an origin such as https://app.example.com, without a path, or *");

/** What looks into requests and answers, what may be kept of them, and which web pages may call. */
export const safety = z.strictObject({
  hooks: z.array(hook).max(16).default([]),
  /** What is taken out of texts before any of them is stored, beside what the gateway itself knows. */
  redaction: z
    .strictObject({
      keys: z.boolean().default(true),
      email: z.boolean().default(true),
      cards: z.boolean().default(true),
      patterns: z.array(pattern).max(64).default([]),
    })
    .prefault({}),
  /** Keeping prompts and answers: off unless switched on. */
  capture: z
    .strictObject({
      enabled: z.boolean().default(false),
      /** Names of the keys of which something is kept; `*` stands for all. */
      keys: z.array(z.string().min(1)).default(["*"]),
      /** Share of their requests, 0 to 1. */
      sampleRatio: z.number().min(0).max(1).default(1),
      /** In the database, for `GET /v1/requests/{id}/content`. */
      store: z.boolean().default(true),
      /** As `gen_ai.input.messages` and `gen_ai.output.messages` on the exported spans. */
      spans: z.boolean().default(false),
      /** Kept texts are deleted after that, whatever the retention of telemetry. */
      retention: duration.prefault("7d"),
      /** Longer prompts and answers are cut. */
      textBytesMax: z
        .number()
        .int()
        .positive()
        .max(1024 * 1024)
        .default(64 * 1024), // 64 KiB
      /** All kept texts together; the oldest leave first. */
      bytesMax: z
        .number()
        .int()
        .positive()
        .default(256 * 1024 * 1024), // 256 MiB
    })
    .prefault({}),
  /** Web pages that may call the gateway from a browser. */
  browser: z
    .strictObject({
      origins: z.array(browserOrigin).default([]),
      /** Host names under which a gateway on loopback may be reached without a key, beside localhost and addresses. */
      hosts: z.array(z.string().min(1)).default([]),
    })
    .prefault({}),
  /** Largest upload of sound or pictures. */
  uploadBytesMax: z
    .number()
    .int()
    .positive()
    .default(50 * 1024 * 1024), // 50 MiB
});

/** The hooks that come with the gateway; every other name is a path. */
const SHIPPED_HOOKS: ReadonlySet<string> = new Set(["redaction", "block-list"]);

/** The configuration with the paths of hook modules made absolute. @param directory Of the configuration file. */
export function withHookPaths<S extends { readonly hooks: readonly { readonly module: string }[] }>(
  safety: S,
  directory: string,
): S {
  const hooks = safety.hooks.map((hook) =>
    SHIPPED_HOOKS.has(hook.module) ? hook : { ...hook, module: resolve(directory, hook.module) },
  );
  return { ...safety, hooks };
}
