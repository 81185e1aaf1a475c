/** How fast an old latency is forgotten: after this time a reading has lost 63 % of its weight. */
const LATENCY_DECAY_MS = 10_000;
/** What a new reading counts at least: answers of language models differ tenfold by their length alone. */
const NEW_SHARE_MIN = 0.1;
/** A key is avoided while its answers take this many times as long as another's. */
const SLOWER_FACTOR = 2;
/** A key that the provider refused is left aside this long, then twice as long each time it is refused again. */
const REFUSED_MS = 60_000;
const REFUSED_MS_MAX = 3_600_000;

export type KeyState = "ready" | "cooling" | "refused";

interface PooledKey<Secret> {
  /** Names it in records and events; never the secret. */
  readonly name: string;
  readonly secret: Secret;
  readonly weight: number;
  inFlight: number;
  /** Moving average of the time to an answer, ms; 0 before the first. */
  latencyMs: number;
  latencyAtMs: number;
  state: KeyState;
  /** Unix ms until which it rests. */
  restsUntilMs: number;
  refusals: number;
}

/** What a pool tells of its keys. */
export interface KeyView {
  readonly name: string;
  readonly weight: number;
  readonly state: KeyState;
  readonly in_flight: number;
  readonly latency_ms: number;
  readonly seconds_until_ready: number;
}

/** A key in use by one call. One of `limited`, `refused` and `released` is called when the call is over. */
export interface KeyLease<Secret> {
  readonly name: string;
  readonly secret: Secret;
  /** The provider takes this key. The call may go on, as a stream does. @param latencyMs To the answer's beginning. */
  answered(latencyMs: number): void;
  /** The provider limits this key's rate for so long. */
  limited(seconds: number): void;
  /** The provider does not accept this key. */
  refused(): void;
  /** The call is over, and nothing (more) is to be learnt about the key. */
  released(): void;
}

interface PoolKeyInput<Secret> {
  readonly name: string;
  readonly secret: Secret;
  readonly weight: number;
}

/**
 * The keys of one provider. A key is drawn by weight, and a second one beside it, which takes the call if it has clearly
 * fewer open calls for its weight, or answers in less than half the time ("power of two choices" with EWMA; not its peak
 * form, for which the lengths of answers differ too much). The draw decides where both are alike, so that weights hold when
 * calls come one by one, too. Keys that the provider limited or refused rest; when all rest, the one that rests shortest is
 * used anyway.
 */
export class KeyPool<Secret> {
  readonly #keys: readonly PooledKey<Secret>[];
  readonly #weightMax: number;
  readonly #rested: (name: string, state: "cooling" | "refused", seconds: number) => void;
  readonly #now: () => number;
  readonly #random: () => number;

  /**
   * @param rested Told when a key is set aside, and for how long.
   * @param now    Unix ms.
   * @param random In [0, 1).
   */
  constructor(
    keys: readonly PoolKeyInput<Secret>[],
    rested: (name: string, state: "cooling" | "refused", seconds: number) => void,
    now: () => number = Date.now,
    random: () => number = Math.random,
  ) {
    this.#keys = keys.map((key) => ({
      ...key,
      inFlight: 0,
      latencyMs: 0,
      latencyAtMs: 0,
      state: "ready",
      restsUntilMs: 0,
      refusals: 0,
    }));
    this.#weightMax = Math.max(...keys.map(({ weight }) => weight));
    this.#rested = rested;
    this.#now = now;
    this.#random = random;
  }

  get size(): number {
    return this.#keys.length;
  }

  /** The key for the next call, none of `tried`; undefined when all have been tried. */
  take(tried: ReadonlySet<string>): KeyLease<Secret> | undefined {
    const key = this.#keys.length === 1 ? this.#only(tried) : this.#choose(tried);
    return key && this.#lease(key);
  }

  /** Whether a key that is not in `tried` would be ready now. */
  hasReady(tried: ReadonlySet<string>): boolean {
    return this.#keys.some((key) => !tried.has(key.name) && this.#stateOf(key) === "ready");
  }

  /** Sets a key aside of which another process has heard. */
  rest(name: string, state: "cooling" | "refused", seconds: number): void {
    const key = this.#keys.find((one) => one.name === name);
    if (key === undefined) return;
    key.state = state;
    key.restsUntilMs = Math.max(key.restsUntilMs, this.#now() + seconds * 1_000);
  }

  views(): KeyView[] {
    return this.#keys.map((key) => ({
      name: key.name,
      weight: key.weight,
      state: this.#stateOf(key),
      in_flight: key.inFlight,
      latency_ms: Math.round(key.latencyMs),
      seconds_until_ready: Math.max(0, Math.ceil((key.restsUntilMs - this.#now()) / 1_000)),
    }));
  }

  #only(tried: ReadonlySet<string>): PooledKey<Secret> | undefined {
    const [key] = this.#keys;
    return tried.has(key!.name) ? undefined : key;
  }

  #choose(tried: ReadonlySet<string>): PooledKey<Secret> | undefined {
    const open = this.#keys.filter(({ name }) => !tried.has(name));
    const ready = open.filter((key) => this.#stateOf(key) === "ready");
    if (ready.length === 0) return open.sort((a, b) => a.restsUntilMs - b.restsUntilMs)[0];
    const first = this.#draw(ready);
    if (ready.length === 1) return first;
    const second = this.#draw(ready.filter((key) => key !== first));
    return this.#isBetter(second, first) ? second : first;
  }

  #isBetter(second: PooledKey<Secret>, first: PooledKey<Secret>): boolean {
    const [busy, other] = [this.#busy(first), this.#busy(second)];
    if (busy > other + 1) return true;
    const [latencyMs, otherMs] = [this.#decayed(first), second.latencyMs];
    // A key that is not known yet is neither slow nor fast: else all calls would go to it until it has answered.
    if (otherMs === 0 || latencyMs <= SLOWER_FACTOR * otherMs) return false;
    return other * otherMs <= (busy + 1) * latencyMs;
  }

  #draw(keys: readonly PooledKey<Secret>[]): PooledKey<Secret> {
    let point = this.#random() * keys.reduce((sum, { weight }) => sum + weight, 0);
    for (const key of keys) {
      point -= key.weight;
      if (point < 0) return key;
    }
    return keys.at(-1)!;
  }

  /** Open calls, as the key of the greatest weight would have them. */
  #busy(key: PooledKey<Secret>): number {
    return (key.inFlight * this.#weightMax) / key.weight;
  }

  /** The average as time has worn it: a key that was slow once is tried again. */
  #decayed(key: PooledKey<Secret>): number {
    return key.latencyMs * Math.exp((key.latencyAtMs - this.#now()) / LATENCY_DECAY_MS);
  }

  #stateOf(key: PooledKey<Secret>): KeyState {
    if (key.state !== "ready" && this.#now() >= key.restsUntilMs) key.state = "ready";
    return key.state;
  }

  #rest(key: PooledKey<Secret>, state: "cooling" | "refused", ms: number): void {
    this.rest(key.name, state, ms / 1_000);
    this.#rested(key.name, state, ms / 1_000);
  }

  #lease(key: PooledKey<Secret>): KeyLease<Secret> {
    key.inFlight++;
    let over = false;
    const end = (then: () => void): void => {
      if (over) return;
      over = true;
      key.inFlight--;
      then();
    };
    return {
      name: key.name,
      secret: key.secret,
      answered: (latencyMs) => {
        key.refusals = 0;
        key.state = "ready";
        key.restsUntilMs = 0;
        this.#learn(key, latencyMs);
      },
      limited: (seconds) => end(() => this.#rest(key, "cooling", seconds * 1_000)),
      refused: () =>
        end(() => {
          const ms = Math.min(REFUSED_MS_MAX, REFUSED_MS * 2 ** key.refusals);
          key.refusals++;
          this.#rest(key, "refused", ms);
        }),
      released: () => end(() => undefined),
    };
  }

  #learn(key: PooledKey<Secret>, latencyMs: number): void {
    const nowMs = this.#now();
    const share = Math.max(NEW_SHARE_MIN, 1 - Math.exp((key.latencyAtMs - nowMs) / LATENCY_DECAY_MS));
    key.latencyMs = key.latencyAtMs === 0 ? latencyMs : key.latencyMs * (1 - share) + latencyMs * share;
    key.latencyAtMs = nowMs;
  }
}
