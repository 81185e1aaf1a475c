import type { Config } from "../../config/schema.ts";
import type { Redis } from "../../redis/redis.ts";
import type { Telemetry } from "../request-record.ts";
import type { AnswerPlace, AnswerStore, AnswerStoreStats, PurgeScope } from "./answer-store.ts";
import type { CachedAnswer, CachedReply } from "./cached-answer.ts";
import { MemoryStore } from "./memory-store.ts";
import { RedisStore } from "./redis-store.ts";

/** Questions that are being asked for the first time; more are not waited for. */
const LEADERS_MAX = 1_000;

/** Its name in metrics. */
const CACHE_NAME = "responses";

export interface ResponseCacheStats extends AnswerStoreStats {
  readonly store: "local" | "redis";
  readonly ttlMs: number;
  readonly hits: number;
  readonly misses: number;
  /** What providers would have cost for the hits, USD. */
  readonly savedUsd: number;
}

/** Answers to exact repetitions, for as long as the configuration says. Counts, and says what it does to telemetry. */
export class ResponseCache {
  readonly #config: Config["gateway"]["cache"];
  readonly #telemetry: Pick<Telemetry, "event">;
  readonly #store: AnswerStore;
  /** Told of each purge that was asked of this cache, for other processes with a memory of their own. */
  onPurge: (scope: PurgeScope) => void = () => undefined;
  /** By key: answers that are on their way, undefined where they turn out not to be worth keeping. */
  readonly #leaders = new Map<string, Promise<CachedReply | undefined>>();
  #hits = 0;
  #misses = 0;
  #savedUsd = 0;

  /** @param redis The Redis that gateways share; kept in it unless the configuration says `memory`. */
  constructor(config: Config["gateway"]["cache"], telemetry: Pick<Telemetry, "event">, redis: Redis | undefined) {
    this.#config = config;
    this.#telemetry = telemetry;
    this.#store =
      redis !== undefined && config.store !== "memory"
        ? new RedisStore(redis)
        : new MemoryStore(config, {
            sized: (bytes) => telemetry.event("cacheSize", { cacheName: CACHE_NAME, bytes }),
            evicted: (reason, count) => telemetry.event("cacheEvicted", { cacheName: CACHE_NAME, reason, count }),
          });
  }

  get entryBytesMax(): number {
    return this.#config.entryBytesMax;
  }

  /**
   * @param waits Whether an answer that is on its way to somebody else is waited for. A stream is not: its first words
   *   would come no earlier than its last ones.
   */
  async lookup(place: AnswerPlace, waits: boolean): Promise<CachedAnswer | undefined> {
    const reply = (await this.#store.get(place)) ?? (waits ? await this.#leaders.get(place.key) : undefined);
    this.#telemetry.event("cacheLookup", { cacheName: CACHE_NAME, hit: reply !== undefined });
    if (reply === undefined) {
      this.#misses++;
      return undefined;
    }
    const { provider, model, costUsd: usd } = reply;
    this.#hits++;
    this.#savedUsd += usd;
    this.#telemetry.event("cacheSaved", { provider, model, cacheType: this.#store.kind, usd });
    return { kind: "cached", reply };
  }

  /**
   * Says that the answer to this question is on its way, so that others wait for it instead of asking too.
   * @returns what must be called at the end, once, with the answer or without; undefined where somebody else leads.
   */
  lead({ key }: AnswerPlace): ((reply: CachedReply | undefined) => void) | undefined {
    if (this.#leaders.has(key) || this.#leaders.size >= LEADERS_MAX) return undefined;
    let settle: (reply: CachedReply | undefined) => void = () => undefined;
    this.#leaders.set(
      key,
      new Promise((resolve) => {
        settle = resolve;
      }),
    );
    return (reply) => {
      this.#leaders.delete(key);
      settle(reply);
    };
  }

  /** Keeps an answer unless it is too long. */
  keep(place: AnswerPlace, reply: CachedReply): void {
    if (reply.bytes.length <= this.#config.entryBytesMax) this.#store.set(place, reply, this.#config.ttl);
  }

  async purge(scope: PurgeScope): Promise<number> {
    this.onPurge(scope);
    const purged = await this.#store.purge(scope);
    if (purged > 0) this.#telemetry.event("cacheEvicted", { cacheName: CACHE_NAME, reason: "admin", count: purged });
    return purged;
  }

  stats(): ResponseCacheStats {
    return {
      store: this.#store.kind,
      ttlMs: this.#config.ttl,
      ...this.#store.stats(),
      hits: this.#hits,
      misses: this.#misses,
      savedUsd: this.#savedUsd,
    };
  }
}
