import { randomUUID } from "node:crypto";
import { type Redis, redisScript } from "../../redis/redis.ts";
import type { Target } from "../check.ts";
import type { LockStore } from "../store/lock-store.ts";

/** After this a lock ends by itself (contract section 3a). A probe that takes longer may be made twice. */
const LOCK_MS = 60_000;

/** A lock that ran out meanwhile is somebody else's by now. */
const RELEASE = redisScript(
  "health_lock_release",
  `if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end return 0`,
);

type Answer = "taken" | "busy";

export interface ProbeLockOptions {
  readonly redis: Redis | undefined;
  /** Leases in the database, where other services share it; undefined where this service is alone. */
  readonly leases: () => LockStore | undefined;
  /** Who asks; two services never have the same. */
  readonly owner?: string;
  onResult?(kind: "redis" | "database", result: Answer | "error"): void;
}

/**
 * Lets one of several health services probe a model at a time: by Redis `health_check_lock:{provider}:{model}:{gateway}`,
 * without it by a row of the shared database. A service that is alone, or that can ask neither, goes on: a model that is
 * probed twice costs a few tokens, one that is not probed at all is not watched.
 */
export class ProbeLock {
  readonly #options: ProbeLockOptions;
  readonly #owner: string;

  constructor(options: ProbeLockOptions) {
    this.#options = options;
    this.#owner = options.owner ?? randomUUID();
  }

  /** True where locks are needed at all: then another service may have probed what we believe is due. */
  get shared(): boolean {
    return this.#options.redis?.available === true || this.#options.leases() !== undefined;
  }

  /** True when this service may probe the model now. */
  async take(target: Target): Promise<boolean> {
    const { redis, onResult } = this.#options;
    if (redis?.available === true) {
      const answer = await redis.command("SET", redis.key(nameOf(target)), this.#owner, "NX", "PX", LOCK_MS);
      // Undefined: Redis went away just now; the database decides.
      if (answer !== undefined) {
        onResult?.("redis", answer === "OK" ? "taken" : "busy");
        return answer === "OK";
      }
      onResult?.("redis", "error");
    }
    const leases = this.#options.leases();
    if (leases === undefined) return true;
    try {
      const taken = await leases.take(nameOf(target), this.#owner, Date.now(), LOCK_MS);
      onResult?.("database", taken ? "taken" : "busy");
      return taken;
    } catch {
      // The database is away, which its own log line says.
      onResult?.("database", "error");
      return true;
    }
  }

  /** Never rejects: a lock that cannot be given back ends by itself. */
  async release(target: Target): Promise<void> {
    const { redis, onResult } = this.#options;
    if (redis?.available === true) {
      await redis.script(RELEASE, [redis.key(nameOf(target))], [this.#owner]);
      return;
    }
    try {
      await this.#options.leases()?.release(nameOf(target), this.#owner);
    } catch {
      onResult?.("database", "error");
    }
  }
}

function nameOf({ provider, model, gateway }: Target): string {
  return `health_check_lock:${provider}:${model}:${gateway}`;
}
