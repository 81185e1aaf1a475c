import type { IncomingHttpHeaders } from "node:http";
import type { Config } from "../../config/schema.ts";
import type { AnswerPlace } from "../cache/answer-store.ts";
import { type CacheUseAllowed, cacheUse } from "../cache/cache-control.ts";
import { cacheKey } from "../cache/cache-key.ts";
import type { CachedAnswer } from "../cache/cached-answer.ts";
import type { ResponseCache } from "../cache/response-cache.ts";
import type { JsonObject } from "../json.ts";
import type { RequestRecord } from "../request-record.ts";
import type { Dialogue } from "../translation/dialogue.ts";
import type { ContentPath, Passage } from "./passage.ts";
import { ReplyTap } from "./reply-tap.ts";

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

export interface ContentParts {
  readonly config: Config["gateway"];
  readonly cache: ResponseCache;
}

/** Hooks, cache and capture in their order; one for the gateway. */
export class Content implements ContentPath {
  readonly #parts: ContentParts;

  constructor(parts: ContentParts) {
    this.#parts = parts;
  }

  enter(record: RequestRecord, headers: IncomingHttpHeaders): Passage | undefined {
    const use = cacheUse(this.#parts.config.cache, record, headers);
    if (use === undefined) return undefined;
    return new ContentPassage(this.#parts, record, headers, use);
  }
}

class ContentPassage implements Passage {
  readonly #parts: ContentParts;
  readonly #record: RequestRecord;
  readonly #headers: IncomingHttpHeaders;
  readonly #use: CacheUseAllowed | undefined;
  #place: AnswerPlace | undefined;
  #tap: ReplyTap | undefined;
  #contentType = "application/json; charset=utf-8";
  replyHeaders: Record<string, string> = {};

  constructor(
    parts: ContentParts,
    record: RequestRecord,
    headers: IncomingHttpHeaders,
    use: CacheUseAllowed | undefined,
  ) {
    this.#parts = parts;
    this.#record = record;
    this.#headers = headers;
    this.#use = use;
  }

  async before(body: JsonObject): Promise<JsonObject> {
    return body;
  }

  watch(dialogue: Dialogue): Dialogue {
    if (dialogue.stream) this.#contentType = "text/event-stream; charset=utf-8";
    if (this.#use?.write === true) {
      this.#tap = new ReplyTap(this.#parts.cache.entryBytesMax);
      this.#tap.attach(dialogue);
    }
    return dialogue;
  }

  async cached(body: JsonObject): Promise<CachedAnswer | undefined> {
    const use = this.#use;
    if (use === undefined) return undefined;
    const record = this.#record;
    if (!this.#cacheable(body) || !(use.read || use.write)) {
      record.cache = { result: "bypass" };
      this.replyHeaders = { "x-cache": "BYPASS" };
      return undefined;
    }
    const key = cacheKey(record, this.#headers, body);
    const model = record.inference!.requestedModel;
    this.#place = { key, keyHash: record.client!.keyHash, model };
    const shown = key.slice(0, KEY_CHARS_SHOWN);
    const answer = use.read ? await this.#parts.cache.lookup(this.#place) : undefined;
    if (answer === undefined) {
      record.cache = { result: use.read ? "miss" : "bypass", key: shown };
      this.replyHeaders = { "x-cache": use.read ? "MISS" : "BYPASS" };
      return undefined;
    }
    const { reply } = answer;
    this.#place = undefined; // It is kept already.
    record.cache = { result: "hit", key: shown, savedUsd: reply.costUsd };
    record.cost = { inputUsd: 0, outputUsd: 0, totalUsd: 0, defaultPricing: false };
    const ageSeconds = Math.max(0, Math.floor((Date.now() - reply.storedAtMs) / 1_000));
    this.replyHeaders = { "x-cache": "HIT", age: String(ageSeconds) };
    return answer;
  }

  finish(): void {
    this.#keep();
  }

  #cacheable(body: JsonObject): boolean {
    const { inference, probe, requestBodyBytes, route } = this.#record;
    if (probe || requestBodyBytes > CACHED_REQUEST_BYTES_MAX) return false;
    if (!CACHED_TYPES.has(inference!.requestType)) return false;
    // A stored response has an id that later requests continue from: a second one of the same id would be a lie.
    return !route.startsWith("/v1/responses") || body["store"] === false;
  }

  /** Only what a client got whole and without an error is worth repeating. */
  #keep(): void {
    const { outcome, cost } = this.#record;
    if (this.#place === undefined || this.#use?.write !== true || outcome === undefined) return;
    const { statusCode, error, clientAborted, provider, model, responseId, finishReason } = outcome;
    if (statusCode !== 200 || error !== undefined || clientAborted || provider === undefined) return;
    const tapped = this.#tap?.reply();
    if (tapped === undefined || !tapped.whole) return;
    this.#parts.cache.keep(this.#place, {
      stream: this.#record.inference!.stream,
      contentType: this.#contentType,
      bytes: tapped.bytes,
      provider,
      model: model ?? this.#place.model,
      responseId,
      finishReason,
      costUsd: cost?.totalUsd ?? 0,
      chunks: outcome.chunks,
      storedAtMs: Date.now(),
    });
  }
}
