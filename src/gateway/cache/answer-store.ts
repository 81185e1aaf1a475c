import type { CachedReply } from "./cached-answer.ts";

/** Which answers to throw away: all, those of a model, those of one API key (its hash), or both. */
export interface PurgeScope {
  readonly model?: string;
  readonly keyHash?: string;
}

/** One answer's place. Owner and model are beside the key so that a purge can find them. */
export interface AnswerPlace {
  /** SHA-256 in hex. */
  readonly key: string;
  readonly keyHash: string;
  /** As the client asked for it. */
  readonly model: string;
}

export interface AnswerStoreStats {
  /** Undefined where only the store itself could say, at a price. */
  readonly entries: number | undefined;
  readonly bytes: number | undefined;
}

/** Where answers are kept. One contract, one suite (answer-store.test.ts), two implementations. */
export interface AnswerStore {
  readonly kind: "local" | "redis";
  /** Undefined for what is not there, too old, or cannot be read now: a cache that fails is a miss. */
  get(place: AnswerPlace): Promise<CachedReply | undefined> | CachedReply | undefined;
  /** Never throws; what cannot be kept is not. */
  set(place: AnswerPlace, reply: CachedReply, ttlMs: number): void;
  /** Resolves with the number of answers thrown away. */
  purge(scope: PurgeScope): Promise<number>;
  stats(): AnswerStoreStats;
}
