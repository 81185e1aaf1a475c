import type { IncomingHttpHeaders } from "node:http";
import type { AnswerPlace } from "../cache/answer-store.ts";
import type { CacheUseAllowed } from "../cache/cache-control.ts";
import { cacheKey } from "../cache/cache-key.ts";
import type { CachedAnswer, CachedReply } from "../cache/cached-answer.ts";
import type { ResponseCache } from "../cache/response-cache.ts";
import type { JsonObject } from "../json.ts";
import type { RequestRecord } from "../request-record.ts";
import { type Capture, inputOf } from "../safety/capture.ts";
import type { Dialogue } from "../translation/dialogue.ts";
import type { HookResult } from "./hook-types.ts";
import type { Passage } from "./passage.ts";
import { ReplyTap } from "./reply-tap.ts";
import type { HookRunner } from "./run-hooks.ts";

/** Endpoints whose answers are worth keeping and whole in themselves. */
const CACHED_TYPES: ReadonlySet<string> = new Set([
  "chat_completion",
  "text_completion",
  "embedding",
  "moderation",
  "rerank",
]);
/** Naming a longer request costs more than asking is worth. */
const CACHED_REQUEST_BYTES_MAX = 1024 * 1024; // 1 MiB
const KEY_CHARS_SHOWN = 16;
/** Longest answer that is handed to after-hooks. */
const HOOK_ANSWER_BYTES_MAX = 1024 * 1024; // 1 MiB
/** Bytes of a stream for one byte of its text, roughly: the rest is the events' own. */
const STREAM_OVERHEAD = 8;

export interface PassageOptions {
  readonly record: RequestRecord;
  readonly headers: IncomingHttpHeaders;
  readonly cache: ResponseCache;
  readonly aliases: Readonly<Record<string, unknown>>;
  readonly use: CacheUseAllowed | undefined;
  readonly capture: Capture | undefined;
  readonly runner: Promise<HookRunner> | undefined;
}

/** One request's way through hooks, cache and capture. */
export class ContentPassage implements Passage {
  readonly #options: PassageOptions;
  #runner: HookRunner | undefined;
  #input: JsonObject = {};
  #place: AnswerPlace | undefined;
  #tap: ReplyTap | undefined;
  #hit: CachedAnswer | undefined;
  #lead: ((reply: CachedReply | undefined) => void) | undefined;
  replyHeaders: Record<string, string> = {};

  constructor(options: PassageOptions) {
    this.#options = options;
  }

  async before(body: JsonObject): Promise<JsonObject> {
    const { record, headers, capture } = this.#options;
    this.#runner = await this.#options.runner;
    const current = this.#runner === undefined ? body : await this.#runner.before(record, headers, body);
    if (capture !== undefined) this.#input = inputOf(current);
    return current;
  }

  watch(dialogue: Dialogue): Dialogue {
    const { use, cache, capture } = this.#options;
    let bytesMax = use?.write === true ? cache.entryBytesMax : 0;
    if (capture !== undefined) bytesMax = Math.max(bytesMax, capture.textBytesMax * STREAM_OVERHEAD);
    if (this.#runner?.wantsAnswers === true) bytesMax = Math.max(bytesMax, HOOK_ANSWER_BYTES_MAX);
    if (bytesMax > 0 && dialogue.media?.binary !== true) {
      this.#tap = new ReplyTap(bytesMax);
      this.#tap.attach(dialogue);
    }
    return dialogue;
  }

  async cached(body: JsonObject): Promise<CachedAnswer | undefined> {
    const { use, record, headers, cache, aliases } = this.#options;
    if (use === undefined) return undefined;
    if (!this.#cacheable(body) || !(use.read || use.write)) {
      record.cache = { result: "bypass" };
      this.replyHeaders = { "x-cache": "BYPASS" };
      return undefined;
    }
    const model = record.inference!.requestedModel;
    const alias = Object.hasOwn(aliases, model) ? aliases[model] : undefined;
    const key = cacheKey(record, headers, body, alias);
    this.#place = { key, keyHash: record.client!.keyHash, model };
    const shown = key.slice(0, KEY_CHARS_SHOWN);
    const whole = record.inference!.stream !== true;
    this.#hit = use.read ? await cache.lookup(this.#place, whole) : undefined;
    if (this.#hit === undefined) {
      if (use.write && whole) this.#lead = cache.lead(this.#place);
      record.cache = { result: use.read ? "miss" : "bypass", key: shown };
      this.replyHeaders = { "x-cache": use.read ? "MISS" : "BYPASS" };
      return undefined;
    }
    const { reply } = this.#hit;
    record.cache = { result: "hit", key: shown, savedUsd: reply.costUsd };
    record.cost = { inputUsd: 0, outputUsd: 0, totalUsd: 0, defaultPricing: false };
    const ageSeconds = Math.max(0, Math.floor((Date.now() - reply.storedAtMs) / 1_000));
    this.replyHeaders = {
      "x-cache": "HIT",
      age: String(ageSeconds),
      "x-gatewayz-provider": reply.provider.replaceAll(/[^\x20-\x7e]/g, "?"),
    };
    record.simulated = reply.simulated;
    if (reply.simulated) this.replyHeaders["x-gatewayz-simulated"] = "true";
    return this.#hit;
  }

  finish(): void {
    const { record, capture } = this.#options;
    const stored = this.#hit?.reply.bytes;
    const answer = stored === undefined ? this.#tap?.reply() : { bytes: stored, whole: true, chunks: 0 };
    const kept = this.#hit === undefined && answer?.whole === true ? this.#keep(answer.bytes) : undefined;
    this.#lead?.(kept);
    // A request that never got as far as a model has nothing worth keeping.
    if (capture !== undefined && record.inference !== undefined) capture.take(record, this.#input, answer);
    this.#runner?.after(record, () => resultOf(record, answer));
  }

  #cacheable(body: JsonObject): boolean {
    const { inference, probe, requestBodyBytes, route } = this.#options.record;
    if (probe || requestBodyBytes > CACHED_REQUEST_BYTES_MAX) return false;
    if (!CACHED_TYPES.has(inference!.requestType)) return false;
    // A stored response has an id that later requests continue from: a second one of the same id would be a lie.
    return !route.startsWith("/v1/responses") || body["store"] === false;
  }

  /** Only what a client got whole and without an error is worth repeating. */
  #keep(bytes: Buffer): CachedReply | undefined {
    const { record, use, cache } = this.#options;
    const { outcome, cost, inference } = record;
    if (this.#place === undefined || use?.write !== true || outcome === undefined || inference === undefined)
      return undefined;
    const { statusCode, error, clientAborted, provider, model, responseId, finishReason, chunks } = outcome;
    if (statusCode !== 200 || error !== undefined || clientAborted || provider === undefined) return undefined;
    const reply: CachedReply = {
      stream: inference.stream,
      contentType: inference.stream ? "text/event-stream; charset=utf-8" : "application/json; charset=utf-8",
      bytes,
      provider,
      model: model ?? this.#place.model,
      responseId,
      finishReason,
      simulated: record.simulated,
      costUsd: cost?.totalUsd ?? 0,
      chunks,
      storedAtMs: Date.now(),
    };
    cache.keep(this.#place, reply);
    return reply;
  }
}

function resultOf(record: RequestRecord, answer: { bytes: Buffer } | undefined): Omit<HookResult, "signal"> {
  const { requestId, route, client, outcome, usage, cost, cache, tags, inference, startedAtMs } = record;
  const bytes = answer?.bytes.subarray(0, HOOK_ANSWER_BYTES_MAX);
  return {
    requestId,
    route,
    keyName: client?.keyName ?? "",
    statusCode: outcome?.statusCode ?? 0,
    errorCode: outcome?.error?.code,
    provider: outcome?.provider,
    model: outcome?.model ?? inference?.requestedModel,
    stream: inference?.stream === true,
    clientAborted: outcome?.clientAborted === true,
    finishReason: outcome?.finishReason,
    inputTokens: usage?.inputTokens ?? 0,
    outputTokens: usage?.outputTokens ?? 0,
    costUsd: cost?.totalUsd ?? 0,
    durationMs: (outcome?.finishedAtMs ?? startedAtMs) - startedAtMs,
    cache: cache?.result,
    tags: { ...tags },
    answer: bytes?.toString("utf8"),
    answerCut: bytes !== undefined && (bytes.length < answer!.bytes.length || bytes.length >= HOOK_ANSWER_BYTES_MAX),
  };
}
