import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { configSchema } from "../../config/schema.ts";
import type { GatewayError } from "../errors.ts";
import type { ClientIdentity } from "../request-record.ts";
import { recordingTelemetry } from "../testing/test-gateway.ts";
import { clientAddress } from "./client-address.ts";
import { ConcurrencyGate } from "./concurrency-gate.ts";
import { IpLimits } from "./ip-limits.ts";
import { isAdmin, Keys, requireAdmin } from "./keys.ts";
import { RateLimits } from "./rate-limits.ts";
import { VelocityMode } from "./velocity-mode.ts";

const VELOCITY = {
  errorRate: 0.25,
  requestsMin: 100,
  window: 60_000,
  lasts: 180_000,
  multipliers: { basic: 0.5, pro: 0.75, max: 0.9, admin: 1 },
};

function thrownBy(call: () => unknown): GatewayError {
  try {
    call();
  } catch (error) {
    return error as GatewayError;
  }
  throw new Error("nothing was thrown");
}

test("keys: bearer, x-api-key, none, wrong", () => {
  const telemetry = recordingTelemetry();
  const keys = new Keys(telemetry);
  keys.add("admin", "admin-key", "admin", true);
  keys.add("app", "app-key", "basic", false);
  expect(keys.identify({ authorization: "Bearer admin-key" })).toMatchObject({ keyName: "admin", unlimited: true });
  const app = keys.identify({ "x-api-key": "app-key" });
  expect(app).toMatchObject({ keyName: "app", tier: "basic", unlimited: false });
  expect(app.keyHash).toMatch(/^[0-9a-f]{16}$/);
  // Some SDKs send a placeholder in one header and the key in the other.
  expect(keys.identify({ authorization: "Bearer unused", "x-api-key": "app-key" }).keyName).toBe("app");
  expect(thrownBy(() => keys.identify({})).code).toBe("AUTHENTICATION_REQUIRED");
  expect(thrownBy(() => keys.identify({ authorization: "Bearer app-key2" })).code).toBe("INVALID_API_KEY");
  expect(thrownBy(() => requireAdmin(app, "x")).code).toBe("PERMISSION_DENIED");
  const statuses = telemetry.events.map((event) => (event.name === "keyLookup" ? event.status : event.name));
  expect(statuses).toEqual(["found", "found", "found", "missing", "invalid"]);
});

test("keys: one of the file expires, and is counted so", () => {
  const telemetry = recordingTelemetry();
  const clock = { nowMs: Date.parse("2026-01-01T00:00:00Z") };
  const keys = new Keys(
    telemetry,
    () => false,
    () => clock.nowMs,
  );
  const { gateway } = configSchema.parse({
    gateway: {
      keys: { app: { key: "gw_temp_app_key", expiresAt: "2026-01-01T01:00:00+00:00" }, other: "gw_live_other" },
    },
  });
  keys.configure(gateway.keys);
  const counted = (): unknown => telemetry.events.findLast(({ name }) => name === "keysCounted");
  expect(keys.identify({ "x-api-key": "gw_temp_app_key" })).toEqual({
    keyName: "app",
    keyId: "config:app",
    keyHash: expect.stringMatching(/^[0-9a-f]{16}$/),
    tier: "basic",
    unlimited: false,
  });
  expect(counted()).toMatchObject({ byStatus: { active: 2, expired: 0 }, temporary: { active: 1 } });
  clock.nowMs += 3_600_000;
  expect(thrownBy(() => keys.identify({ "x-api-key": "gw_temp_app_key" })).code).toBe("API_KEY_INACTIVE");
  keys.recountExpired();
  expect(counted()).toMatchObject({ byStatus: { active: 1, expired: 1 }, temporary: { active: 0, expired: 1 } });
  keys.configure({ other: gateway.keys["other"]! });
  expect(thrownBy(() => keys.identify({ "x-api-key": "gw_temp_app_key" })).code).toBe("INVALID_API_KEY");
});

test("keys: nobody is the admin by name, tier or configuration", () => {
  const telemetry = recordingTelemetry();
  const keys = new Keys(telemetry);
  const { gateway } = configSchema.parse({ gateway: { keys: { admin: { key: "gw_live_not_admin", tier: "admin" } } } });
  keys.configure(gateway.keys);
  const pretender = keys.identify({ "x-api-key": "gw_live_not_admin" });
  expect(pretender.keyName).toBe("admin");
  expect(thrownBy(() => requireAdmin(pretender, "x")).code).toBe("PERMISSION_DENIED");
  expect(isAdmin(pretender)).toBe(false);
});

const LIMITS = {
  requestsPerMinute: 3,
  requestsPerHour: 100,
  requestsPerDay: 100,
  tokensPerMinute: 1_000,
  tokensPerHour: 100_000,
  tokensPerDay: 100_000,
  burst: 100,
  concurrent: 2,
};
const client: ClientIdentity = { keyName: "app", keyHash: "0", tier: "basic", unlimited: false };
const MINUTE_START_MS = 1_700_000_040_000;

function limitsAt(limits: Partial<typeof LIMITS> = {}): {
  limits: RateLimits;
  clock: { nowMs: number };
  events: unknown[];
} {
  const clock = { nowMs: MINUTE_START_MS };
  const telemetry = recordingTelemetry();
  const rateLimits = new RateLimits(
    { ...LIMITS, ...limits },
    telemetry,
    new VelocityMode(VELOCITY, telemetry, () => clock.nowMs),
    () => clock.nowMs,
  );
  return { limits: rateLimits, clock, events: telemetry.events };
}

test("limits: requests per minute, with headers that count down and a Retry-After", () => {
  const { limits, clock, events } = limitsAt();
  for (const remaining of ["2", "1", "0"]) {
    const { headers, settle } = limits.reserve(client, 1);
    expect(headers["ratelimit-remaining"]).toBe(remaining);
    expect(headers).toMatchObject({
      "ratelimit-limit": "3",
      "ratelimit-reset": "60",
      "x-ratelimit-reset-requests": String(MINUTE_START_MS / 1_000 + 60),
      "x-ratelimit-limit-tokens": "1000",
      "x-user-tier": "basic",
    });
    settle(1);
  }
  clock.nowMs += 20_000;
  const refused = thrownBy(() => limits.reserve(client, 1));
  expect(refused).toMatchObject({ code: "RATE_LIMIT_EXCEEDED", status: 429, retryAfterSeconds: 40 });
  expect(refused.headers).toMatchObject({ "x-ratelimit-reason": "requests_per_minute", "x-ratelimit-scope": "key" });
  expect(events).toContainEqual({ name: "rateLimited", limitType: "request_rate" });
  clock.nowMs = MINUTE_START_MS + 60_000 * 1.9; // A tenth of the last minute still counts.
  expect(() => limits.reserve(client, 1)).not.toThrow();
});

test("limits: tokens are held while the request is open and settled to what was used", () => {
  const { limits } = limitsAt();
  const first = limits.reserve(client, 900);
  expect(thrownBy(() => limits.reserve(client, 200)).code).toBe("TOKEN_RATE_LIMIT");
  first.settle(100);
  first.settle(900); // A second settling counts nothing.
  expect(() => limits.reserve(client, 200)).not.toThrow();
});

test("limits: a request larger than the whole limit passes when nothing else has", () => {
  const { limits } = limitsAt();
  expect(() => limits.reserve(client, 5_000)).not.toThrow();
  expect(thrownBy(() => limits.reserve(client, 1)).code).toBe("TOKEN_RATE_LIMIT");
});

test("limits: open requests, days, and keys without limits", () => {
  const { limits } = limitsAt({ requestsPerMinute: 100, requestsPerDay: 4 });
  limits.reserve(client, 1);
  const second = limits.reserve(client, 1);
  expect(thrownBy(() => limits.reserve(client, 1)).code).toBe("CONCURRENT_REQUEST_LIMIT");
  second.settle(1);
  limits.reserve(client, 1).settle(1);
  limits.reserve(client, 1).settle(1);
  expect(thrownBy(() => limits.reserve(client, 1)).message).toContain("4 requests per day");
  for (let count = 0; count < 50; count++) limits.reserve({ ...client, unlimited: true }, 1e9);
  expect(() => limits.reserve({ ...client, keyName: "other" }, 1)).not.toThrow();
});

test("gate: slots, queue in order, refusal of the rest", async () => {
  const telemetry = recordingTelemetry();
  const gate = new ConcurrencyGate({ active: 1, queued: 2, queueWait: 5_000 }, telemetry);
  const { signal } = new AbortController();
  const order: string[] = [];
  const leave = await gate.enter(signal);
  const waiting = ["a", "b"].map((name) =>
    gate.enter(signal).then((leaveIt) => {
      order.push(name);
      return leaveIt;
    }),
  );
  await expect(gate.enter(signal)).rejects.toMatchObject({
    code: "CONCURRENCY_QUEUE_FULL",
    status: 503,
    retryAfterSeconds: 1,
  });
  leave();
  leave(); // Leaving twice frees one slot.
  (await waiting[0]!)();
  (await waiting[1]!)();
  expect(order).toEqual(["a", "b"]);
  expect(telemetry.events.at(-1)).toEqual({ name: "concurrencyChanged", active: 0, queued: 0 });
  expect(telemetry.events).toContainEqual({ name: "concurrencyRejected", reason: "queue_full" });
});

test("gate: the wait has an end, and a client that leaves frees its place", async () => {
  const telemetry = recordingTelemetry();
  const gate = new ConcurrencyGate({ active: 1, queued: 1, queueWait: 20 }, telemetry);
  const controller = new AbortController();
  const leave = await gate.enter(controller.signal);
  await expect(gate.enter(controller.signal)).rejects.toMatchObject({ code: "CONCURRENCY_QUEUE_TIMEOUT" });
  const gone = gate.enter(controller.signal);
  controller.abort(new Error("client gone"));
  await expect(gone).rejects.toThrow("client gone");
  leave();
  await expect(gate.enter(new AbortController().signal)).resolves.toBeTypeOf("function");
});

test("velocity mode: many failures halve the limits for three minutes", () => {
  const clock = { nowMs: MINUTE_START_MS };
  const telemetry = recordingTelemetry();
  const velocity = new VelocityMode(VELOCITY, telemetry, () => clock.nowMs);
  const limits = new RateLimits({ ...LIMITS, requestsPerMinute: 8 }, telemetry, velocity, () => clock.nowMs);
  for (let count = 0; count < 99; count++) velocity.count(count % 2 === 0);
  expect(velocity.untilMs).toBeUndefined();
  clock.nowMs += 61_000; // What is older than the window does not count.
  for (let count = 0; count < 99; count++) velocity.count(count % 4 === 0);
  expect(velocity.untilMs).toBeUndefined();
  velocity.count(true);
  const { headers } = limits.reserve(client, 1);
  expect(headers).toMatchObject({
    "ratelimit-limit": "4",
    "x-ratelimit-mode": "velocity",
    "x-velocity-mode-active": "true",
    "x-velocity-mode-multiplier": "0.5",
  });
  expect(["basic", "pro", "max", "admin", "unheard-of"].map((tier) => velocity.multiplier(tier))).toEqual([
    0.5, 0.75, 0.9, 1, 0.5,
  ]);
  clock.nowMs += 180_000;
  expect(limits.reserve(client, 1).headers["ratelimit-limit"]).toBe("8");
  const moves = telemetry.events.filter(({ name }) => name === "velocityModeChanged");
  expect(moves).toMatchObject([
    { active: true, errorRate: 0.26, requests: 100, errors: 26 },
    { active: false, lastedMs: 180_000 },
  ]);
});

test("velocity mode: the hundredth request sets it off, though it succeeds itself", () => {
  const clock = { nowMs: MINUTE_START_MS };
  const velocity = new VelocityMode(VELOCITY, recordingTelemetry(), () => clock.nowMs);
  for (let count = 0; count < 99; count++) velocity.count(count < 30);
  expect(velocity.view()).toEqual({ requests: 99, errors: 30, errorRate: 30 / 99 });
  expect(velocity.untilMs).toBeUndefined();
  velocity.count(false);
  expect(velocity.untilMs).toBe(clock.nowMs + 180_000);
});

test("the gate: a client that has left before it takes no place", async () => {
  const gate = new ConcurrencyGate({ active: 1, queued: 1, queueWait: 20 }, recordingTelemetry());
  const gone = AbortSignal.abort(new Error("client gone"));
  await expect(gate.enter(gone)).rejects.toThrow("client gone");
  await expect(gate.enter(new AbortController().signal)).resolves.toBeTypeOf("function");
});

test("addresses: so many requests a minute each, this machine without limit", () => {
  const clock = { nowMs: MINUTE_START_MS };
  const telemetry = recordingTelemetry();
  const limits = new IpLimits(2, telemetry, () => clock.nowMs);
  for (let count = 0; count < 10; count++) limits.take(undefined);
  limits.take("9.9.9.9");
  limits.take("9.9.9.9");
  const refused = thrownBy(() => limits.take("9.9.9.9"));
  expect(refused).toMatchObject({ code: "IP_RATE_LIMIT_EXCEEDED", status: 429, retryAfterSeconds: 60 });
  expect(refused.headers).toMatchObject({ "x-ratelimit-scope": "ip" });
  expect(telemetry.events).toEqual([{ name: "rateLimited", limitType: "security_ip_tier" }]);
  expect(() => limits.take("9.9.9.8")).not.toThrow();
  clock.nowMs += 120_000;
  expect(() => limits.take("9.9.9.9")).not.toThrow();
});

test.each([
  { peer: "127.0.0.1", forwarded: undefined, address: undefined },
  { peer: "::1", forwarded: undefined, address: undefined },
  { peer: "::ffff:127.0.0.1", forwarded: "9.9.9.9", address: "9.9.9.9" },
  { peer: "10.0.0.7", forwarded: "1.1.1.1, 9.9.9.9", address: "9.9.9.9" },
  { peer: "10.0.0.7", forwarded: "nonsense", address: "10.0.0.7" },
  { peer: "10.0.0.7", forwarded: undefined, address: "10.0.0.7" },
  { peer: "9.9.9.9", forwarded: "1.1.1.1", address: "9.9.9.9" },
  { peer: "2001:db8:1:2:3:4:5:6", forwarded: undefined, address: "2001:db8:1:2::/64" },
  { peer: "2001:db8::5", forwarded: undefined, address: "2001:db8:0:0::/64" },
])("the address of $peer with X-Forwarded-For $forwarded is $address", ({ peer, forwarded, address }) => {
  const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded };
  const request = { headers, socket: { remoteAddress: peer } } as unknown as IncomingMessage;
  expect(clientAddress(request)).toBe(address);
});
