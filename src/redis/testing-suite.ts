import { pino } from "pino";
import { afterEach, expect, test } from "vitest";
import { Redis, type RedisOptions, redisScript } from "./redis.ts";

/** A server that a test may stop and start. */
export interface RedisServer {
  readonly url: string;
  freeze(): void;
  thaw(): void;
  kill(): Promise<void>;
  start(): Promise<void>;
}

let prefixes = 0;

/** A client for tests with a key prefix of its own; `lines` gets what it logs. */
export function testRedis(url: string, lines: string[] = [], options: Partial<RedisOptions> = {}): Redis {
  const logger = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line).msg as string) });
  const keyPrefix = `test-${process.pid}-${prefixes++}:`;
  return new Redis({ url, keyPrefix, name: "test", logger, ...options });
}

/** What our client must do with a real server. */
export function redisSuite(server: RedisServer): void {
  const open: Redis[] = [];
  const opened = async (lines?: string[], options?: Partial<RedisOptions>): Promise<Redis> => {
    const redis = testRedis(server.url, lines, options);
    open.push(redis);
    await redis.started();
    return redis;
  };
  afterEach(async () => {
    for (const redis of open.splice(0)) await redis.close();
  });

  test("commands, scripts that the server does not know yet, and what each took", async () => {
    const seen: [string, string | undefined][] = [];
    const redis = await opened([], { onCommand: (name, _, error) => seen.push([name, error]) });
    expect(await redis.command("GET", redis.key("absent"))).toBeNull();
    const script = redisScript("add_twice", `-- ${Math.random()}\nreturn redis.call("INCRBY", KEYS[1], ARGV[1] * 2)`);
    expect(await redis.script(script, [redis.key("sum")], [4])).toBe(8);
    expect(await redis.script(script, [redis.key("sum")], [4])).toBe(16);
    expect(seen).toEqual([
      ["get", undefined],
      ["add_twice", undefined],
      ["add_twice", undefined],
    ]);
    const info = (await redis.info())!;
    expect(info.uptimeSeconds).toBeGreaterThanOrEqual(0);
    expect(info.usedMemoryBytes).toBeGreaterThan(100_000);
    expect(info.connectedClients).toBeGreaterThan(0);
    expect(info.keysByDb["db0"]).toBeGreaterThan(0);
  });

  test("a lock has one holder, ends by itself, and is only given up by who holds it", async () => {
    const [first, second] = [await opened([], { keyPrefix: "locks:" }), await opened([], { keyPrefix: "locks:" })];
    const held = await first.lock("leader", 200);
    if (typeof held === "string") throw new Error(`got ${held}`);
    expect(await second.lock("leader", 200)).toBe("taken");
    expect(await held.extend()).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 250));
    const next = await second.lock("leader", 5_000);
    if (typeof next === "string") throw new Error(`got ${next}`);
    expect(await held.extend()).toBe(false);
    await held.release();
    expect(await first.lock("leader", 200)).toBe("taken");
    await next.release();
    expect(typeof (await first.lock("leader", 200))).toBe("object");
  });

  test("a server that hangs or dies costs one short wait, one line, and is used again when it is back", async () => {
    const lines: string[] = [];
    const redis = await opened(lines);
    expect(lines).toEqual(["redis connected"]);
    server.freeze();
    const startedAt = performance.now();
    expect(await redis.command("PING")).toBeUndefined();
    const firstMs = performance.now() - startedAt;
    for (let count = 0; count < 100; count++) expect(await redis.command("PING")).toBeUndefined();
    expect(performance.now() - startedAt - firstMs).toBeLessThan(100);
    expect(await redis.lock("leader", 100)).toBe("unavailable");
    expect(await redis.info()).toBeUndefined();
    server.thaw();
    await expect.poll(() => lines.at(-1), { timeout: 10_000 }).toBe("redis is back");
    expect(await redis.command("PING")).toBe("PONG");
    await server.kill();
    await expect.poll(() => redis.command("PING")).toBeUndefined();
    await server.start();
    await expect.poll(() => lines.at(-1), { timeout: 10_000 }).toBe("redis is back");
    expect(lines).toEqual([
      "redis connected",
      "redis cannot be used; each gateway counts for itself meanwhile",
      "redis is back",
      "redis cannot be used; each gateway counts for itself meanwhile",
      "redis is back",
    ]);
  });

  test("nobody there at the start: every call says so, closing does not hang", async () => {
    const lines: string[] = [];
    const redis = testRedis("redis://127.0.0.1:1", lines);
    await redis.started();
    expect(redis.available).toBe(false);
    expect(await redis.command("PING")).toBeUndefined();
    expect(lines).toEqual(["redis cannot be used; each gateway counts for itself meanwhile"]);
    await redis.close();
  });
}
