import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import type { Redis } from "../../redis/redis.ts";
import { type JsonObject, numberAt, parseObject, stringAt } from "../json.ts";
import type { AnswerPlace, AnswerStore, AnswerStoreStats, PurgeScope } from "./answer-store.ts";
import type { CachedReply } from "./cached-answer.ts";

const MODEL_HASH_CHARS = 12;
/** Keys that the server looks at for one step of a purge. */
const SCAN_COUNT = 1_000;
/** Steps of one purge; a server with more keys than these reach is purged by time. */
const SCAN_STEPS_MAX = 20_000;

/**
 * Answers in the Redis that several gateways share; it ends them by their time and, with its own policy, when its memory
 * is full. A value is a line of JSON (what the record needs) and the answer behind it.
 */
export class RedisStore implements AnswerStore {
  readonly kind = "redis";
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async get(place: AnswerPlace): Promise<CachedReply | undefined> {
    const value = await this.#redis.command("GET", this.#name(place));
    return typeof value === "string" ? decode(value) : undefined;
  }

  set(place: AnswerPlace, reply: CachedReply, ttlMs: number): void {
    if (!isUtf8(reply.bytes)) return; // Text is all that the connection carries unharmed, and all that answers are.
    void this.#redis.command("SET", this.#name(place), encode(reply), "PX", Math.max(1, Math.floor(ttlMs)));
  }

  async purge({ model, keyHash }: PurgeScope): Promise<number> {
    const pattern = this.#redis.key(`cache:${keyHash ?? "*"}:${model === undefined ? "*" : modelHash(model)}:*`);
    let cursor = "0";
    let purged = 0;
    for (let step = 0; step < SCAN_STEPS_MAX; step++) {
      const answer = await this.#redis.command("SCAN", cursor, "MATCH", pattern, "COUNT", SCAN_COUNT);
      if (!Array.isArray(answer)) return purged;
      cursor = String(answer[0]);
      const names = (answer[1] as unknown[]).map(String);
      if (names.length > 0) purged += Number((await this.#redis.command("UNLINK", ...names)) ?? 0);
      if (cursor === "0") return purged;
    }
    return purged;
  }

  stats(): AnswerStoreStats {
    return { entries: undefined, bytes: undefined };
  }

  /** Owner and model are part of the name, so that a purge finds them without reading values. */
  #name({ key, keyHash, model }: AnswerPlace): string {
    return this.#redis.key(`cache:${keyHash}:${modelHash(model)}:${key}`);
  }
}

function modelHash(model: string): string {
  return createHash("sha256").update(model).digest("hex").slice(0, MODEL_HASH_CHARS);
}

function encode({ bytes, ...head }: CachedReply): string {
  return `${JSON.stringify(head)}\n${bytes.toString("utf8")}`;
}

/** What others wrote under our name is no answer. */
function decode(value: string): CachedReply | undefined {
  const end = value.indexOf("\n");
  const head: JsonObject = parseObject(value.slice(0, Math.max(0, end))) ?? {};
  const provider = stringAt(head, "provider");
  const model = stringAt(head, "model");
  const contentType = stringAt(head, "contentType");
  if (provider === undefined || model === undefined || contentType === undefined) return undefined;
  return {
    stream: head["stream"] === true,
    contentType,
    bytes: Buffer.from(value.slice(end + 1)),
    provider,
    model,
    responseId: stringAt(head, "responseId"),
    finishReason: stringAt(head, "finishReason"),
    simulated: head["simulated"] === true,
    costUsd: numberAt(head, "costUsd") ?? 0,
    chunks: numberAt(head, "chunks") ?? 0,
    storedAtMs: numberAt(head, "storedAtMs") ?? 0,
  };
}
