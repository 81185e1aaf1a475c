import type { Redis } from "../../redis/redis.ts";
import { redisScript } from "../../redis/redis.ts";
import type { BreakerState } from "../request-record.ts";
import { SLICES } from "./breaker.ts";
import type { BreakerObserver, Breakers } from "./breakers.ts";

/** Contract section 4: what nobody touches for this long is forgotten. */
const TTL_SECONDS = 3_600;
/** Results wait at most this long for the others to hear of them, and news of the others for at most the second. */
const TELL_MS = 100;
const HEAR_MS = 1_000;
const STATES: ReadonlySet<string> = new Set<BreakerState>(["closed", "open", "half_open"]);
const FIELDS = ["state", "failure_count", "success_count", "opened_at", "consecutive_opens", "window"] as const;

/**
 * For one provider: applies what a gateway has seen since its last call, answers with what all have seen. KEYS are the
 * fields; ARGV: TTL, the state in which it counted, the state it moved to (or ""), its opened_at (Unix seconds), its
 * consecutive opens, whether a success zeroed the failures ("1"), failures since, successes; ms of a slice of the window,
 * slices, results and failures since for the window, whether it was cleared by hand ("1"). `window` is a hash: number of
 * the slice by Redis' clock, behind `t` the results in it, behind `f` the failures.
 */
const SHARE = redisScript(
  "circuit_breaker",
  `local state = redis.call("GET", KEYS[1])
if ARGV[3] ~= "" and ARGV[3] ~= state then
  state = ARGV[3]
  redis.call("SET", KEYS[1], state)
  redis.call("SET", KEYS[2], ARGV[7])
  redis.call("SET", KEYS[3], ARGV[8])
  redis.call("SET", KEYS[5], ARGV[5])
  redis.call("DEL", KEYS[6])
  if state == "open" then redis.call("SET", KEYS[4], ARGV[4]) else redis.call("DEL", KEYS[4]) end
elseif (state or "closed") == (ARGV[3] ~= "" and ARGV[3] or ARGV[2]) then
  if not state then redis.call("SET", KEYS[1], ARGV[2]) end
  if ARGV[13] == "1" then
    redis.call("SET", KEYS[3], 0)
    redis.call("DEL", KEYS[6])
  end
  if ARGV[6] == "1" then redis.call("SET", KEYS[2], 0) end
  if ARGV[7] ~= "0" then redis.call("INCRBY", KEYS[2], ARGV[7]) end
  if ARGV[8] ~= "0" then redis.call("INCRBY", KEYS[3], ARGV[8]) end
end
local time = redis.call("TIME")
local slice = math.floor((time[1] * 1000 + time[2] / 1000) / ARGV[9])
if (redis.call("GET", KEYS[1]) or "closed") == "closed" then
  if ARGV[11] ~= "0" then redis.call("HINCRBY", KEYS[6], "t" .. slice, ARGV[11]) end
  if ARGV[12] ~= "0" then redis.call("HINCRBY", KEYS[6], "f" .. slice, ARGV[12]) end
end
local sums = { t = 0, f = 0 }
local counts = redis.call("HGETALL", KEYS[6])
for index = 1, #counts, 2 do
  local kind, number = string.sub(counts[index], 1, 1), tonumber(string.sub(counts[index], 2))
  if number > slice - ARGV[10] then sums[kind] = sums[kind] + counts[index + 1]
  else redis.call("HDEL", KEYS[6], counts[index]) end
end
for index = 1, 6 do redis.call("EXPIRE", KEYS[index], ARGV[1]) end
return { redis.call("GET", KEYS[1]) or "", redis.call("GET", KEYS[2]) or "0", redis.call("GET", KEYS[3]) or "0",
  redis.call("GET", KEYS[4]) or "", sums.t, sums.f }`,
);

/** What one gateway has seen of a provider since it last told. */
interface Untold {
  state: BreakerState;
  movedTo: BreakerState | undefined;
  zeroed: boolean;
  failures: number;
  successes: number;
  /** Results and failures for the window, which a success does not zero. */
  windowTotal: number;
  windowFailures: number;
  /** Everything counted before is to be forgotten. */
  cleared: boolean;
}

const NOTHING_UNTOLD = {
  ...{ movedTo: undefined, zeroed: false, failures: 0, successes: 0 },
  ...{ windowTotal: 0, windowFailures: 0, cleared: false },
} as const;

/**
 * Shares the provider breakers of several gateways through Redis, in the background: results are told within TELL_MS, the
 * others' are heard within HEAR_MS, no request waits. Without Redis each gateway goes on with its own. States, opening
 * times, failures in a row and the failure rate over the window are common.
 */
export class BreakerSharing implements BreakerObserver {
  readonly #redis: Redis;
  readonly #breakers: Breakers;
  readonly #untold = new Map<string, Untold>();
  readonly #hearing: NodeJS.Timeout;
  #telling: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(redis: Redis, breakers: Breakers) {
    this.#redis = redis;
    this.#breakers = breakers;
    breakers.observer = this;
    this.#hearing = setInterval(() => void this.exchange(breakers.names()), HEAR_MS);
    this.#hearing.unref();
    void this.exchange(breakers.names());
  }

  counted(provider: string, success: boolean): void {
    const untold = this.#untoldOf(provider);
    if (untold.state === "closed") {
      untold.windowTotal++;
      if (!success) untold.windowFailures++;
    }
    if (success) {
      // In the closed state a success zeroes the failures in a row; half open, both are counted.
      if (untold.state === "closed") {
        untold.zeroed = true;
        untold.failures = 0;
      }
      untold.successes++;
    } else untold.failures++;
    this.#tellSoon();
  }

  moved(provider: string, to: BreakerState): void {
    Object.assign(this.#untoldOf(provider), NOTHING_UNTOLD, { state: to, movedTo: to });
    this.#tellSoon();
  }

  cleared(provider: string): void {
    Object.assign(this.#untoldOf(provider), NOTHING_UNTOLD, { zeroed: true, cleared: true });
    this.#tellSoon();
  }

  /** Tells and hears of these providers, one script each. Rounds do not overlap. Never rejects. */
  exchange(providers: readonly string[]): Promise<void> {
    this.#running = (this.#running ?? Promise.resolve()).then(async () => {
      if (this.#closed || !this.#redis.available) return;
      await Promise.all(providers.map((provider) => this.#exchangeOne(provider)));
    });
    return this.#running;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#hearing);
    clearTimeout(this.#telling);
    this.#breakers.observer = undefined;
    await this.#running;
  }

  #untoldOf(provider: string): Untold {
    let untold = this.#untold.get(provider);
    if (untold === undefined) {
      const state = this.#breakers.of(provider)?.state ?? "closed";
      untold = { ...NOTHING_UNTOLD, state };
      this.#untold.set(provider, untold);
    }
    return untold;
  }

  #tellSoon(): void {
    this.#telling ??= setTimeout(() => {
      this.#telling = undefined;
      void this.exchange([...this.#untold.keys()]);
    }, TELL_MS).unref();
  }

  async #exchangeOne(provider: string): Promise<void> {
    const breaker = this.#breakers.of(provider);
    if (breaker === undefined) return;
    const state = breaker.state; // First, because an open one may become half open by being looked at.
    const told = this.#untold.get(provider) ?? { ...NOTHING_UNTOLD, state };
    this.#untold.delete(provider);
    const keys = FIELDS.map((field) => this.#redis.key(`circuit_breaker:${provider}:${field}`));
    const answer = await this.#redis.script(SHARE, keys, [
      TTL_SECONDS,
      told.state,
      told.movedTo ?? "",
      (breaker.openedAtMs ?? 0) / 1_000,
      breaker.consecutiveOpens,
      told.zeroed ? 1 : 0,
      told.failures,
      told.successes,
      this.#breakers.windowMs / SLICES,
      SLICES,
      told.windowTotal,
      told.windowFailures,
      told.cleared ? 1 : 0,
    ]);
    // What happened meanwhile is told, and what comes back is heard, next time.
    if (!Array.isArray(answer) || this.#untold.has(provider) || this.#closed) return;
    const [shared, failures, successes, openedAt, windowTotal, windowFailures] = answer.map(String);
    if (!STATES.has(shared!)) return;
    breaker.adopt({
      state: shared as BreakerState,
      failureCount: Number(failures) || 0,
      successCount: Number(successes) || 0,
      openedAtMs: openedAt === "" ? undefined : Number(openedAt) * 1_000,
      window: { total: Number(windowTotal) || 0, failures: Number(windowFailures) || 0 },
    });
  }
}
