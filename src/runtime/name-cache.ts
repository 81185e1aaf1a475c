import type { LookupAddress } from "node:dns";

/** Asks a name service once. */
export type Resolve = (
  host: string,
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** An answer younger than this is used without asking. */
const FRESH_MS = 30_000;
/** With an older answer at hand, a slow name service is waited for no longer than this. */
const IMPATIENCE_MS = 250;
/** Without any answer at hand, it is waited for this long. */
const PATIENCE_MS = 4_000;
/** An answer older than this is not used even when the name service fails. */
const STALE_MS_MAX = 6 * 3_600_000; // 6 h
/** After a failure the name service is left alone this long, so that a dead one is not asked for every connection. */
const FAILED_MS = 2_000;
/** Names kept; the one that was asked for longest ago leaves. */
const NAMES_MAX = 256;

interface Entry {
  addresses: LookupAddress[] | undefined;
  answeredAtMs: number;
  failedAtMs: number;
  error: NodeJS.ErrnoException | undefined;
  /** Those who wait for the question that is under way. */
  waiting: Set<() => void> | undefined;
}

/**
 * Remembers what names resolved to. One question per name is under way at a time (the system's resolver has four threads
 * for the whole process, and a dead name server holds each for many seconds); when it fails or is slow, the last answer
 * serves on; when there is none, the caller gets an error within PATIENCE_MS.
 */
export class NameCache {
  readonly #resolve: Resolve;
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();

  /** @param now Monotonic ms. */
  constructor(resolve: Resolve, now: () => number = () => performance.now()) {
    this.#resolve = resolve;
    this.#now = now;
  }

  /** `done` is called once, with at least one address or an error, never in the same turn. */
  resolve(host: string, done: (error: NodeJS.ErrnoException | undefined, addresses: LookupAddress[]) => void): void {
    const entry = this.#entry(host);
    const now = this.#now();
    if (entry.addresses !== undefined && now - entry.answeredAtMs < FRESH_MS) {
      const { addresses } = entry;
      process.nextTick(() => done(undefined, addresses));
      return;
    }
    if (entry.waiting === undefined && now - entry.failedAtMs >= FAILED_MS) this.#ask(host, entry);
    if (entry.waiting === undefined) {
      process.nextTick(() => this.#answer(host, entry, done));
      return;
    }
    const { waiting } = entry;
    const settled = (): void => {
      clearTimeout(timer);
      waiting.delete(settled);
      this.#answer(host, entry, done);
    };
    const timer = setTimeout(settled, this.#usable(entry) ? IMPATIENCE_MS : PATIENCE_MS);
    waiting.add(settled);
  }

  #entry(host: string): Entry {
    let entry = this.#entries.get(host);
    if (entry === undefined) {
      const never = Number.NEGATIVE_INFINITY;
      entry = { addresses: undefined, answeredAtMs: never, failedAtMs: never, error: undefined, waiting: undefined };
      if (this.#entries.size >= NAMES_MAX) this.#entries.delete(this.#entries.keys().next().value!);
    } else this.#entries.delete(host);
    this.#entries.set(host, entry); // Newest last.
    return entry;
  }

  #ask(host: string, entry: Entry): void {
    const waiting = new Set<() => void>();
    entry.waiting = waiting;
    entry.error = undefined; // What an earlier question met says nothing about this one.
    this.#resolve(host, (error, addresses) => {
      if (error === null && addresses.length > 0) {
        entry.addresses = addresses;
        entry.answeredAtMs = this.#now();
        entry.error = undefined;
      } else {
        entry.failedAtMs = this.#now();
        entry.error = error ?? undefined;
      }
      entry.waiting = undefined;
      for (const settled of waiting) settled();
    });
  }

  #usable({ addresses, answeredAtMs }: Entry): boolean {
    return addresses !== undefined && this.#now() - answeredAtMs < STALE_MS_MAX;
  }

  #answer(
    host: string,
    entry: Entry,
    done: (error: NodeJS.ErrnoException | undefined, addresses: LookupAddress[]) => void,
  ): void {
    if (this.#usable(entry)) done(undefined, entry.addresses!);
    else done(entry.error ?? slow(host), []);
  }
}

function slow(host: string): NodeJS.ErrnoException {
  const text = `the name service gave no answer for ${JSON.stringify(host)} within ${PATIENCE_MS} ms`;
  return Object.assign(new Error(text), { code: "EAI_AGAIN" });
}
