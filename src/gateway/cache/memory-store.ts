import type { AnswerPlace, AnswerStore, AnswerStoreStats, PurgeScope } from "./answer-store.ts";
import type { CachedReply } from "./cached-answer.ts";

/** What an entry costs beside its bytes: keys, names and objects, estimated. */
const ENTRY_OVERHEAD_BYTES = 512;

export interface MemoryStoreLimits {
  readonly entries: number;
  readonly bytesMax: number;
}

export interface MemoryStoreEvents {
  sized(bytes: number): void;
  evicted(reason: "entries" | "bytes" | "expired", count: number): void;
}

interface Entry {
  readonly place: AnswerPlace;
  readonly reply: CachedReply;
  readonly bytes: number;
  readonly expiresAtMs: number;
}

/** Answers in this process, bounded in number and bytes; who was not asked for the longest time leaves first. */
export class MemoryStore implements AnswerStore {
  readonly kind = "local";
  readonly #limits: MemoryStoreLimits;
  readonly #events: MemoryStoreEvents;
  /** In order of use, the most recent last. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor(limits: MemoryStoreLimits, events: MemoryStoreEvents) {
    this.#limits = limits;
    this.#events = events;
  }

  get({ key }: AnswerPlace): CachedReply | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    if (entry.expiresAtMs <= Date.now()) {
      this.#bytes -= entry.bytes;
      this.#events.evicted("expired", 1);
      this.#events.sized(this.#bytes);
      return undefined;
    }
    this.#entries.set(key, entry);
    return entry.reply;
  }

  set(place: AnswerPlace, reply: CachedReply, ttlMs: number): void {
    const bytes = reply.bytes.length + ENTRY_OVERHEAD_BYTES;
    if (bytes > this.#limits.bytesMax) return;
    this.#forget(place.key);
    this.#entries.set(place.key, { place, reply, bytes, expiresAtMs: Date.now() + ttlMs });
    this.#bytes += bytes;
    this.#shrink("entries", () => this.#entries.size > this.#limits.entries);
    this.#shrink("bytes", () => this.#bytes > this.#limits.bytesMax);
    this.#events.sized(this.#bytes);
  }

  async purge({ model, keyHash }: PurgeScope): Promise<number> {
    let purged = 0;
    for (const [key, { place }] of this.#entries) {
      if (model !== undefined && place.model !== model) continue;
      if (keyHash !== undefined && place.keyHash !== keyHash) continue;
      this.#forget(key);
      purged++;
    }
    this.#events.sized(this.#bytes);
    return purged;
  }

  stats(): AnswerStoreStats {
    return { entries: this.#entries.size, bytes: this.#bytes };
  }

  #shrink(reason: "entries" | "bytes", tooMuch: () => boolean): void {
    let count = 0;
    for (const key of this.#entries.keys()) {
      if (!tooMuch()) break;
      this.#forget(key);
      count++;
    }
    if (count > 0) this.#events.evicted(reason, count);
  }

  #forget(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }
}
