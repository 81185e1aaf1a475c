import type { Logger } from "../../runtime/logger.ts";
import type { Keys } from "./keys.ts";
import type { TeamRecord } from "./store/key-record.ts";
import type { KeyStore } from "./store/key-store.ts";

/** How often the database is asked for changes that other gateways made; a revoked key lives on for so long there. */
const POLL_INTERVAL_MS = 5_000;

/** Keeps the keys in memory like those in the database. While the database is away, the keys stay as they were. */
export class KeySync {
  readonly #keys: Keys;
  readonly #store: KeyStore;
  readonly #teams: (teams: readonly TeamRecord[]) => void;
  readonly #logger: Logger;
  #seq = 0;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #failed = false;
  #closed = false;
  /** Told when keys or teams have changed, for other processes of this gateway. */
  onChange: () => void = () => undefined;

  /** @param teams Told of teams that are new or have changed. */
  constructor(keys: Keys, store: KeyStore, teams: (teams: readonly TeamRecord[]) => void, logger: Logger) {
    this.#keys = keys;
    this.#store = store;
    this.#teams = teams;
    this.#logger = logger;
    keys.complete = false;
  }

  /** Loads all keys; resolves when they are here or the first try failed. Then asks for changes until `close`. */
  async start(): Promise<void> {
    await this.refresh();
    if (this.#closed) return;
    this.#timer = setInterval(() => void this.refresh(), POLL_INTERVAL_MS);
    this.#timer.unref();
  }

  /** Resolves when the keys are as the database has them at the call, or it cannot be asked. Never rejects. */
  refresh(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    if (this.#running === undefined) return this.#run();
    // The one under way may have asked already: one more after it serves everybody who comes meanwhile.
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.#run();
    });
    return this.#next;
  }

  #run(): Promise<void> {
    this.#running = this.#ask().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
  }

  async #ask(): Promise<void> {
    this.#keys.recountExpired();
    try {
      const { keys, teams, seq } = await this.#store.changesSince(this.#seq);
      this.#keys.apply(keys);
      if (teams.length > 0) this.#teams(teams);
      if (keys.length > 0 || teams.length > 0) this.onChange();
      this.#seq = seq;
      this.#keys.complete = true;
      this.#failed = false;
    } catch (error) {
      if (this.#closed || this.#failed) return;
      this.#failed = true;
      this.#logger.error({ error: (error as Error).message }, "keys cannot be read; the known ones stay in use");
    }
  }
}
