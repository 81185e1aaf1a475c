import type { IncomingHttpHeaders } from "node:http";
import type { Logger } from "../../runtime/logger.ts";
import { includesKey } from "../cache/cache-control.ts";
import { GatewayError } from "../errors.ts";
import { isObject, type JsonObject } from "../json.ts";
import type { RequestRecord, Telemetry } from "../request-record.ts";
import type { BeforeResult, HookResult } from "./hook-types.ts";
import type { LoadedHook } from "./load-hooks.ts";

const TAGS_MAX = 16;
const TAG_CHARS_MAX = 64;
const MESSAGE_CHARS_MAX = 500;
/** After-hooks that run at once; further results are not handed on and counted as failed. */
const AFTER_RUNNING_MAX = 256;
/** A hook that fails says so in the log at most this often. */
const COMPLAINT_MS = 10_000;
const SECRET_HEADERS: ReadonlySet<string> = new Set([
  "authorization",
  "proxy-authorization",
  "x-api-key",
  "api-key",
  "cookie",
]);

type Phase = "before" | "after";

class HookTimeout extends Error {
  override readonly name = "HookTimeout";
}

/** Runs hooks, each within its time, and counts what they do. */
export class HookRunner {
  readonly #hooks: readonly LoadedHook[];
  readonly #telemetry: Pick<Telemetry, "event">;
  readonly #logger: Logger;
  readonly #complainedAtMs = new Map<string, number>();
  #afterRunning = 0;

  constructor(hooks: readonly LoadedHook[], telemetry: Pick<Telemetry, "event">, logger: Logger) {
    this.#hooks = hooks;
    this.#telemetry = telemetry;
    this.#logger = logger;
  }

  /** Whether any hook looks at answers. */
  get wantsAnswers(): boolean {
    return this.#hooks.some(({ hook }) => hook.after !== undefined);
  }

  /**
   * The body after all before-hooks that see this key's requests, in their order.
   * @throws GatewayError CONTENT_POLICY_VIOLATION, HOOK_REFUSED, HOOK_FAILED.
   */
  async before(record: RequestRecord, headers: IncomingHttpHeaders, body: JsonObject): Promise<JsonObject> {
    let current = body;
    for (const loaded of this.#hooks) {
      if (loaded.hook.before === undefined || !sees(loaded, record)) continue;
      current = await this.#runBefore(loaded, record, headers, current);
    }
    return current;
  }

  /** Hands the result to all after-hooks; returns at once. */
  after(record: RequestRecord, result: () => Omit<HookResult, "signal">): void {
    for (const loaded of this.#hooks) {
      const { hook, name } = loaded;
      if (hook.after === undefined || !sees(loaded, record)) continue;
      if (this.#afterRunning >= AFTER_RUNNING_MAX) {
        this.#report(name, "after", 0, new Error(`${AFTER_RUNNING_MAX} results are being handed on already`));
        continue;
      }
      this.#afterRunning++;
      const start = performance.now();
      void within(loaded.config.timeout, (signal) => hook.after!({ ...result(), signal }))
        .then(
          () => this.#count(name, "after", "passed", start),
          (error: unknown) => {
            this.#report(name, "after", start, error);
            if (record.inference?.stream !== true) return;
            const failureType = error instanceof HookTimeout ? "hook_timeout" : "hook_failed";
            this.#telemetry.event("streamWorkFailed", { failureType, endpoint: record.route });
          },
        )
        .finally(() => void this.#afterRunning--);
    }
  }

  async #runBefore(
    { name, config, hook }: LoadedHook,
    record: RequestRecord,
    headers: IncomingHttpHeaders,
    body: JsonObject,
  ): Promise<JsonObject> {
    const start = performance.now();
    let result: BeforeResult | undefined;
    try {
      result = await within(config.timeout, (signal) =>
        hook.before!({
          requestId: record.requestId,
          route: record.route,
          dialect: record.dialect,
          keyName: record.client!.keyName,
          tier: record.client!.tier,
          // A copy, so that a hook that fails half-way leaves the request as it was.
          body: structuredClone(body),
          headers: withoutSecrets(headers),
          signal,
        }),
      );
      checkResult(result);
    } catch (error) {
      this.#report(name, "before", start, error);
      if (config.onFailure === "open") return body;
      const reason = error instanceof HookTimeout ? error.message : "it threw an error";
      throw new GatewayError("HOOK_FAILED", { hook: name, reason });
    }
    if (result?.tags !== undefined) addTags(record, result.tags);
    if (result?.refuse !== undefined) {
      this.#count(name, "before", "blocked", start);
      throw refusal(name, result.refuse);
    }
    this.#count(name, "before", result?.body === undefined ? "passed" : "changed", start);
    return result?.body ?? body;
  }

  #count(hook: string, phase: Phase, result: "passed" | "changed" | "blocked", start: number): void {
    this.#telemetry.event("hookRan", { hook, phase, result, seconds: (performance.now() - start) / 1_000 });
  }

  #report(hook: string, phase: Phase, start: number, error: unknown): void {
    const result = error instanceof HookTimeout ? "timeout" : "failed";
    this.#telemetry.event("hookRan", { hook, phase, result, seconds: (performance.now() - start) / 1_000 });
    const now = performance.now();
    if (now - (this.#complainedAtMs.get(hook) ?? Number.NEGATIVE_INFINITY) < COMPLAINT_MS) return;
    this.#complainedAtMs.set(hook, now);
    // Only the kind of the error: its text may quote the prompt.
    const kind = error instanceof HookTimeout ? error.message : error instanceof Error ? error.name : typeof error;
    this.#logger.warn({ hook, phase, reason: kind }, "hook failed");
  }
}

function sees({ config }: LoadedHook, record: RequestRecord): boolean {
  return includesKey(config.keys, record.client?.keyName ?? "");
}

/** @throws HookTimeout; whatever the work throws. Work that goes on after its time is left alone. */
async function within<T>(limitMs: number, work: (signal: AbortSignal) => T | Promise<T>): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const error = new HookTimeout(`it took longer than ${limitMs} ms`);
      controller.abort(error);
      reject(error);
    }, limitMs);
  });
  try {
    const begun = (async () => work(controller.signal))();
    begun.catch(() => undefined); // Where it loses the race, its later failure is nobody's any more.
    return await Promise.race([begun, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** @throws TypeError that says what a hook returned instead of a result. */
function checkResult(result: unknown): asserts result is BeforeResult | undefined {
  if (result === undefined || result === null) return;
  if (!isObject(result)) throw new TypeError(`before returned a ${typeof result} instead of an object`);
  const { body, refuse, tags } = result;
  if (body !== undefined && !isObject(body)) throw new TypeError("before returned a body that is no object");
  if (refuse !== undefined && (!isObject(refuse) || typeof refuse["message"] !== "string")) {
    throw new TypeError("before returned a refusal without a message");
  }
  if (tags !== undefined && !isObject(tags)) throw new TypeError("before returned tags that are no object");
}

function refusal(hook: string, refuse: NonNullable<BeforeResult["refuse"]>): GatewayError {
  const reason = refuse.message.slice(0, MESSAGE_CHARS_MAX);
  const { status } = refuse;
  const own = status !== undefined && Number.isInteger(status) && status >= 400 && status <= 499 ? { status } : {};
  if (refuse.contentPolicy === true) return new GatewayError("CONTENT_POLICY_VIOLATION", { reason }, own);
  return new GatewayError("HOOK_REFUSED", { hook, reason }, own);
}

function addTags(record: RequestRecord, tags: Readonly<Record<string, unknown>>): void {
  const all: Record<string, string> = { ...record.tags };
  for (const [name, value] of Object.entries(tags)) {
    if (Object.keys(all).length >= TAGS_MAX && !(name in all)) break;
    if (name.length <= TAG_CHARS_MAX && /^[\w.:-]+$/.test(name)) all[name] = String(value).slice(0, TAG_CHARS_MAX);
  }
  record.tags = all;
}

function withoutSecrets(headers: IncomingHttpHeaders): Record<string, string | string[] | undefined> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !SECRET_HEADERS.has(name)));
}
