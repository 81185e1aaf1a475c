import { afterAll, afterEach, describe, expect, test } from "vitest";
import { BreakerSharing } from "../src/gateway/routing/breaker-sharing.ts";
import { Breakers } from "../src/gateway/routing/breakers.ts";
import { recordingTelemetry } from "../src/gateway/testing/test-gateway.ts";
import type { Redis } from "../src/redis/redis.ts";
import { testRedis } from "../src/redis/testing-suite.ts";
import { type RealServer, startRedis } from "./support/real-servers.ts";

const LIMITS = {
  consecutiveFailures: 5,
  failureRate: 1,
  window: 60_000,
  windowRequestsMin: 1_000,
  openFor: 1_500,
  halfOpenSuccesses: 2,
  halfOpenFailures: 2,
};

const server = await startRedis();
const closing: (() => Promise<void>)[] = [];
let round = 0;

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(async () => {
  await server?.stop();
});

async function gateway(
  keyPrefix: string,
  limits: typeof LIMITS = LIMITS,
): Promise<{ breakers: Breakers; sharing: BreakerSharing; redis: Redis }> {
  const redis = testRedis((server as RealServer).url, [], { keyPrefix });
  await redis.started();
  const breakers = new Breakers(["p", "q"], limits, recordingTelemetry());
  const sharing = new BreakerSharing(redis, breakers);
  closing.push(async () => {
    await sharing.close();
    await redis.close();
  });
  return { breakers, sharing, redis };
}

const state = ({ breakers }: { breakers: Breakers }): string => breakers.of("p")!.state;

describe.skipIf(server === undefined)("breakers of several gateways, through a real Redis", () => {
  test("failures in a row add up over gateways, and all open, half open and close together", async () => {
    const prefix = `breakers-${round++}:`;
    const [a, b] = [await gateway(prefix), await gateway(prefix)];
    for (let count = 0; count < 3; count++) a.breakers.of("p")!.count(false);
    for (let count = 0; count < 2; count++) b.breakers.of("p")!.count(false);
    await expect.poll(() => [state(a), state(b)], { timeout: 3_000 }).toEqual(["open", "open"]);
    const [first, second] = [a.breakers.of("p")!.openedAtMs!, b.breakers.of("p")!.openedAtMs!];
    expect(Math.abs(first - second)).toBeLessThan(5);
    const key = (field: string): string => a.redis.key(`circuit_breaker:p:${field}`);
    expect(await a.redis.command("GET", key("state"))).toBe("open");
    expect(await a.redis.command("GET", key("consecutive_opens"))).toBe("1");
    expect(Number(await a.redis.command("GET", key("opened_at"))) * 1_000).toBeCloseTo(first, -1);
    expect(Number(await a.redis.command("TTL", key("state")))).toBeGreaterThan(3_590);
    expect(b.breakers.of("q")!.state).toBe("closed");
    await expect.poll(() => [state(a), state(b)], { timeout: 3_000 }).toEqual(["half_open", "half_open"]);
    a.breakers.of("p")!.count(true);
    b.breakers.of("p")!.count(true);
    await expect.poll(() => [state(a), state(b)], { timeout: 3_000 }).toEqual(["closed", "closed"]);
  });

  test("a success anywhere zeroes the failures in a row", async () => {
    const prefix = `breakers-${round++}:`;
    const [a, b] = [await gateway(prefix), await gateway(prefix)];
    for (let count = 0; count < 4; count++) a.breakers.of("p")!.count(false);
    await expect.poll(() => b.breakers.of("p")!.view().failure_count, { timeout: 3_000 }).toBe(4);
    b.breakers.of("p")!.count(true);
    await expect.poll(() => a.breakers.of("p")!.view().failure_count, { timeout: 3_000 }).toBe(0);
  });

  test("the failure rate is that of all gateways: where each alone has too few requests, together they open", async () => {
    const prefix = `breakers-${round++}:`;
    const limits = { ...LIMITS, failureRate: 0.5, windowRequestsMin: 10 };
    const [a, b] = [await gateway(prefix, limits), await gateway(prefix, limits)];
    // Never two failures in a row, at no gateway.
    for (const success of [false, true, false, true, true, false]) a.breakers.of("p")!.count(success);
    await expect.poll(() => b.breakers.of("p")!.view().recent_requests, { timeout: 3_000 }).toBe(6);
    for (const success of [true, false, true, false]) b.breakers.of("p")!.count(success);
    await expect.poll(() => [state(a), state(b)], { timeout: 3_000 }).toEqual(["open", "open"]);
    expect(await a.redis.command("EXISTS", a.redis.key("circuit_breaker:p:window"))).toBe(0);
  });

  test("a reset of a closed breaker makes all forget what they counted", async () => {
    const prefix = `breakers-${round++}:`;
    const [a, b] = [await gateway(prefix), await gateway(prefix)];
    for (let count = 0; count < 4; count++) a.breakers.of("p")!.count(false);
    await expect.poll(() => b.breakers.of("p")!.view().failure_count, { timeout: 3_000 }).toBe(4);
    b.breakers.of("p")!.reset();
    await expect.poll(() => a.breakers.of("p")!.view().failure_count, { timeout: 3_000 }).toBe(0);
    expect([state(a), state(b)]).toEqual(["closed", "closed"]);
    expect(b.breakers.of("p")!.view().recent_requests).toBe(0);
  });

  test("a gateway that starts later takes over what is open; a reset by hand reaches all", async () => {
    const prefix = `breakers-${round++}:`;
    const a = await gateway(prefix);
    for (let count = 0; count < 5; count++) a.breakers.of("p")!.count(false);
    await expect
      .poll(() => a.redis.command("GET", a.redis.key("circuit_breaker:p:state")), { timeout: 3_000 })
      .toBe("open");
    const b = await gateway(prefix);
    await expect.poll(() => state(b)).toBe("open");
    b.breakers.of("p")!.reset();
    await expect.poll(() => state(a), { timeout: 3_000 }).toBe("closed");
  });

  test("without Redis each goes on alone, and they meet again when it is back", async () => {
    const prefix = `breakers-${round++}:`;
    const [a, b] = [await gateway(prefix), await gateway(prefix)];
    await (server as RealServer).kill();
    for (let count = 0; count < 5; count++) a.breakers.of("p")!.count(false);
    expect([state(a), state(b)]).toEqual(["open", "closed"]);
    await (server as RealServer).start();
    await expect.poll(() => a.redis.available, { timeout: 10_000 }).toBe(true);
    a.breakers.of("p")!.reset();
    for (let count = 0; count < 5; count++) a.breakers.of("p")!.count(false);
    await expect.poll(() => state(b), { timeout: 5_000 }).toBe("open");
  });
});
