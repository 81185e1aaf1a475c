import { createHash, randomBytes } from "node:crypto";
import { commonJs } from "../runtime/commonjs.ts";
import type { Logger } from "../runtime/logger.ts";
import { parseRedisInfo, type RedisInfo } from "./info.ts";
import {
  COMMAND_TIMEOUT_MS,
  COMMANDS_MAX,
  CONNECT_TIMEOUT_MS,
  PING_INTERVAL_MS,
  RECONNECT_MS,
  REST_MS,
  SOCKET_TIMEOUT_MS,
} from "./limits.ts";

export interface RedisOptions {
  readonly url: string;
  /** In front of every key. */
  readonly keyPrefix: string;
  /** Shown in the server's list of clients. */
  readonly name: string;
  readonly logger: Logger;
  /** One command or script ended: its name, and the error's code or undefined. Must not throw. */
  onCommand?(name: string, seconds: number, error: string | undefined): void;
  /** The server can no longer be used, once per loss: callers go on with what they know themselves. */
  readonly onLost?: () => void;
}

/** A Lua script; the server keeps it by its digest. */
export interface RedisScript {
  readonly name: string;
  readonly lua: string;
  readonly sha1: string;
}

export function redisScript(name: string, lua: string): RedisScript {
  return { name, lua, sha1: createHash("sha1").update(lua).digest("hex") };
}

/** A lock that ends by itself after its time, so that a holder that died blocks nobody for long. */
export interface RedisLock {
  /** Holds it for another `ttlMs`; false when it was lost meanwhile. */
  extend(): Promise<boolean>;
  release(): Promise<void>;
}

/** What we use of the client; its own types name every command of every module. */
interface Client {
  readonly isReady: boolean;
  connect(): Promise<unknown>;
  destroy(): void;
  close(): Promise<void>;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "ready" | "end", listener: () => void): unknown;
  sendCommand(args: readonly string[]): Promise<unknown>;
}

const EXTEND_LOCK = redisScript(
  "lock_extend",
  `if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("PEXPIRE", KEYS[1], ARGV[2]) end return 0`,
);
const RELEASE_LOCK = redisScript(
  "lock_release",
  `if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end return 0`,
);

/**
 * The Redis that several gateways share. It never stops anybody: while it is away, late or full every call resolves to
 * `undefined`, and the caller goes on with what it knows itself. One log line per change of state.
 */
export class Redis {
  readonly #options: RedisOptions;
  #client: Client | undefined;
  #connecting: Promise<void> | undefined;
  /** Until then (`performance.now`) the server is left alone. */
  #restUntil = 0;
  #wasAvailable: boolean | undefined;
  #closed = false;

  constructor(options: RedisOptions) {
    this.#options = options;
  }

  /** True while commands are sent to the server. */
  get available(): boolean {
    return this.#client?.isReady === true && performance.now() >= this.#restUntil;
  }

  /** Begins to connect and returns at once; the client keeps trying for as long as it takes. */
  start(): void {
    this.#connecting ??= this.#connect();
  }

  /** Resolves when the first attempt to connect has ended, well or not; for tests and for a role that wants to know. */
  async started(): Promise<void> {
    this.start();
    await this.#connecting;
  }

  /** The full name of a key. */
  key(name: string): string {
    return this.#options.keyPrefix + name;
  }

  /**
   * Sends one command; keys must be full names (`key`).
   * @returns The server's answer (null for nil), or undefined when there was none in time.
   */
  command(name: string, ...args: (string | number)[]): Promise<unknown> {
    return this.#timed(name.toLowerCase(), (client) => client.sendCommand([name, ...args.map(String)]));
  }

  /** Runs a script in one round trip; a server that does not know it yet gets it whole. As `command` otherwise. */
  script(script: RedisScript, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const rest = [String(keys.length), ...keys, ...args.map(String)];
    return this.#timed(script.name, (client) =>
      client.sendCommand(["EVALSHA", script.sha1, ...rest]).catch((error: Error) => {
        if (!error.message.startsWith("NOSCRIPT")) throw error;
        return client.sendCommand(["EVAL", script.lua, ...rest]);
      }),
    );
  }

  /**
   * Takes the lock where nobody holds it.
   * @returns The lock; `taken` by somebody else; `unavailable` when the server does not answer.
   */
  async lock(name: string, ttlMs: number): Promise<RedisLock | "taken" | "unavailable"> {
    const key = this.key(`lock:${name}`);
    const token = randomBytes(16).toString("hex");
    const answer = await this.command("SET", key, token, "NX", "PX", ttlMs);
    if (answer === undefined) return "unavailable";
    if (answer !== "OK") return "taken";
    return {
      extend: async () => (await this.script(EXTEND_LOCK, [key], [token, ttlMs])) === 1,
      release: async () => {
        await this.script(RELEASE_LOCK, [key], [token]);
      },
    };
  }

  /** What the server says of itself; undefined when it does not answer. */
  async info(): Promise<RedisInfo | undefined> {
    // Nobody waits for it: that it is late, as under load it may be, says nothing about the commands that matter.
    const text = await this.#timed("INFO", (client) => client.sendCommand(["INFO"]), false);
    return typeof text === "string" ? parseRedisInfo(text) : undefined;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#connecting;
    this.#client?.destroy();
  }

  /** @param decisive Whether a late answer puts the server aside for a while. */
  async #timed(name: string, send: (client: Client) => Promise<unknown>, decisive = true): Promise<unknown> {
    const client = this.#client;
    if (client === undefined || !this.available) return undefined;
    const startedAt = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      // One more turn of the event loop: where it was this process that was late, the answer waits in the socket.
      timer = setTimeout(() => setImmediate(() => reject(new TimeoutError())), COMMAND_TIMEOUT_MS);
    });
    let error: string | undefined;
    try {
      return await Promise.race([send(client), late]);
    } catch (thrown) {
      const lateOnly = !decisive && thrown instanceof TimeoutError;
      error = lateOnly ? "timeout" : this.#failed(thrown as Error, name);
      return undefined;
    } finally {
      clearTimeout(timer);
      this.#options.onCommand?.(name, (performance.now() - startedAt) / 1_000, error);
    }
  }

  /** Takes note of a failure; returns its code. */
  #failed(error: Error, command: string): string {
    if (this.#closed) return "closed";
    // What the server itself refuses (OOM, READONLY while it fails over, LOADING): it answers, but is of no use now.
    this.#restUntil = performance.now() + REST_MS;
    this.#changed(false, `${command}: ${error.message}`);
    if (error instanceof TimeoutError) return "timeout";
    return /^[A-Z]+(?= )/.exec(error.message)?.[0].toLowerCase() ?? "connection";
  }

  #changed(available: boolean, reason: string): void {
    if (this.#closed || this.#wasAvailable === available) return;
    const first = this.#wasAvailable === undefined;
    this.#wasAvailable = available;
    const { logger } = this.#options;
    if (!available) logger.error({ error: reason }, "redis cannot be used; each gateway counts for itself meanwhile");
    else logger.info(first ? "redis connected" : "redis is back");
    if (!available) {
      this.#options.onLost?.();
      this.#watchForReturn();
    }
  }

  /** Asks until an answer comes in time: otherwise only traffic would find out that the server is back. */
  #watchForReturn(): void {
    const timer = setInterval(async () => {
      if (this.#closed || this.#wasAvailable === true) return clearInterval(timer);
      if (!this.available || (await this.command("PING")) !== "PONG") return;
      clearInterval(timer);
      this.#changed(true, "");
    }, REST_MS / 2);
    timer.unref();
  }

  /** Never rejects: the client tries on by itself. */
  async #connect(): Promise<void> {
    const { createClient } = commonJs(await import("redis"));
    if (this.#closed) return;
    const client = createClient({
      url: this.#options.url,
      name: `gatewayz-${this.#options.name}`,
      disableOfflineQueue: true,
      commandsQueueMaxLength: COMMANDS_MAX,
      pingInterval: PING_INTERVAL_MS,
      maintNotifications: "disabled",
      socket: {
        connectTimeout: CONNECT_TIMEOUT_MS,
        socketTimeout: SOCKET_TIMEOUT_MS,
        // Jitter, so that many gateways do not return at the same instant.
        reconnectStrategy: (retries) =>
          Math.min(RECONNECT_MS.first * 2 ** Math.min(retries, 10), RECONNECT_MS.last) * (0.75 + Math.random() / 2),
      },
    }) as unknown as Client;
    this.#client = client;
    await new Promise<void>((resolve) => {
      client.on("error", (error) => {
        this.#changed(false, error.message || (error as NodeJS.ErrnoException).code || error.name);
        resolve();
      });
      client.on("ready", () => {
        this.#restUntil = 0;
        this.#changed(true, "");
        resolve();
      });
      client.connect().catch(resolve); // Only `close` ends its attempts.
    });
  }
}

class TimeoutError extends Error {
  constructor() {
    super(`no answer within ${COMMAND_TIMEOUT_MS} ms`);
  }
}
