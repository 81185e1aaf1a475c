import { expect, test } from "vitest";
import { configSchema } from "../../config/schema.ts";
import type { GatewayError } from "../errors.ts";
import type { ClientIdentity } from "../request-record.ts";
import { recordingTelemetry } from "../testing/test-gateway.ts";
import { type Admission, type AdmissionAsk, type Admitted, LocalAdmission } from "./admission.ts";
import { AnonymousQuota } from "./anonymous-quota.ts";
import { Budgets } from "./budgets.ts";
import { Periods } from "./periods.ts";
import type { Limits } from "./rate-limit-answers.ts";
import { RateLimits } from "./rate-limits.ts";
import { VelocityMode } from "./velocity-mode.ts";

const MANY = 1_000_000;
const NO_LIMITS: Limits = {
  requestsPerMinute: MANY,
  requestsPerHour: MANY,
  requestsPerDay: MANY,
  tokensPerMinute: MANY,
  tokensPerHour: MANY,
  tokensPerDay: MANY,
  burst: MANY,
  concurrent: MANY,
};

/** What an admission is made from, one set per gateway. */
export interface AdmissionParts {
  readonly local: LocalAdmission;
  readonly limits: RateLimits;
  readonly budgets: Budgets;
  readonly velocity: VelocityMode;
  readonly telemetry: ReturnType<typeof recordingTelemetry>;
}

export function admissionParts(limits: Partial<Limits> = {}): AdmissionParts {
  const telemetry = recordingTelemetry();
  const velocity = new VelocityMode(configSchema.parse({}).gateway.velocityMode, telemetry);
  const rateLimits = new RateLimits({ ...NO_LIMITS, ...limits }, telemetry, velocity);
  const periods = new Periods("UTC");
  const budgets = new Budgets({ periods, telemetry, dailySpendUsd: 1, teams: { blue: { dayUsd: 10e-6 } } });
  const anonymous = new AnonymousQuota(
    () => 2,
    () => periods,
    telemetry,
  );
  const local = new LocalAdmission(rateLimits, budgets, anonymous);
  return { local, limits: rateLimits, budgets, velocity, telemetry };
}

let keys = 0;

/**
 * What every admission must do, alone or shared by several gateways.
 * @param share Admissions of several gateways that know of each other. An admission of one process stands for all.
 */
export function admissionSuite(share: (parts: readonly AdmissionParts[]) => readonly Admission[]): void {
  const gateways = (limits: Partial<Limits>): readonly Admission[] =>
    share([admissionParts(limits), admissionParts(limits)]);
  const newClient = (more: Partial<ClientIdentity> = {}): ClientIdentity => {
    const id = `key_${process.pid}_${keys++}`;
    return { keyName: id, keyHash: "0", keyId: id, tier: "basic", unlimited: false, ...more };
  };
  const ask = (client: ClientIdentity, tokens = 1, nanoUsd = 0): AdmissionAsk => ({
    client,
    tokens,
    nanoUsd,
    address: undefined,
    model: "m",
  });
  /** Asks at all gateways in turn, all at once. */
  const rush = async (
    all: readonly Admission[],
    count: number,
    asked: AdmissionAsk,
  ): Promise<{ in: Admitted[]; refused: GatewayError[] }> => {
    const results = await Promise.allSettled(
      Array.from({ length: count }, async (_, index) => all[index % all.length]!.admit(asked)),
    );
    return {
      in: results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : [])),
      refused: results.flatMap((result) => (result.status === "rejected" ? [result.reason as GatewayError] : [])),
    };
  };

  test.each([
    { limits: { requestsPerMinute: 20 }, code: "RATE_LIMIT_EXCEEDED", reason: "requests_per_minute" },
    { limits: { requestsPerHour: 20 }, code: "RATE_LIMIT_EXCEEDED", reason: "requests_per_hour" },
    { limits: { requestsPerDay: 20 }, code: "RATE_LIMIT_EXCEEDED", reason: "requests_per_day" },
    { limits: { burst: 20, requestsPerMinute: 60 }, code: "RATE_LIMIT_EXCEEDED", reason: "burst" },
    { limits: { concurrent: 20 }, code: "CONCURRENT_REQUEST_LIMIT", reason: "concurrent_requests" },
    { limits: { tokensPerMinute: 209 }, code: "TOKEN_RATE_LIMIT", reason: "tokens_per_minute" },
    { limits: { tokensPerHour: 200 }, code: "TOKEN_RATE_LIMIT", reason: "tokens_per_hour" },
    { limits: { tokensPerDay: 200 }, code: "TOKEN_RATE_LIMIT", reason: "tokens_per_day" },
  ])("$limits lets 20 of 60 at once in, wherever they come in", async ({ limits, code, reason }) => {
    const { in: admitted, refused } = await rush(gateways(limits), 60, ask(newClient(), 10));
    expect([admitted.length, refused.length]).toEqual([20, 40]);
    for (const error of refused) {
      expect(error).toMatchObject({ code, status: 429 });
      expect(error.headers).toMatchObject({
        "x-ratelimit-reason": reason,
        "x-ratelimit-scope": "key",
        "x-user-tier": "basic",
      });
      expect(error.retryAfterSeconds).toBeGreaterThanOrEqual(1);
    }
    const left = admitted.map(({ headers }) => Number(headers["x-ratelimit-remaining-requests"])).sort((a, b) => a - b);
    const { requestsPerMinute = MANY } = limits as Partial<Limits>;
    expect(left).toEqual(Array.from({ length: 20 }, (_, index) => requestsPerMinute - 20 + index));
  });

  test("tokens, places and money come back when requests are settled", async () => {
    const all = gateways({ concurrent: 4, tokensPerMinute: 1_000 });
    const client = newClient({ budget: { dayUsd: 4e-6, monthUsd: 9e-6 } });
    const first = await rush(all, 6, ask(client, 100, 1_000));
    expect(first.in).toHaveLength(4);
    for (const admitted of first.in) {
      admitted.settle(10, 100);
      admitted.settle(999, 9_999); // Once.
    }
    // 400 nano-dollars are spent of 4,000: three more of 1,000 each fit.
    await expect
      .poll(async () => {
        const probe = await rush(all, 1, ask(client, 1, 3_600));
        for (const admitted of probe.in) admitted.settle(0, 0);
        return probe.in.length;
      })
      .toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const second = await rush(all, 4, ask(client, 100, 1_000));
    expect(second.in).toHaveLength(3);
    expect(second.refused[0]).toMatchObject({ code: "BUDGET_QUOTA_EXCEEDED" });
    expect(second.refused[0]!.message).toContain("$0.000001 are left");
    expect(second.in.at(-1)!.headers).toMatchObject({
      "x-ratelimit-limit-tokens": "1000",
      "x-ratelimit-burst-window": "1000000 per 60 seconds",
    });
  });

  test("what may need more than is left passes while it is alone and anything is left, as most need little of it", async () => {
    const [one] = gateways({ tokensPerMinute: 1_000 });
    const client = newClient();
    for (let count = 0; count < 3; count++) (await one!.admit(ask(client, 5_000))).settle(300, 0);
    const open = await one!.admit(ask(client, 5_000));
    await expect(Promise.resolve().then(() => one!.admit(ask(client, 1)))).rejects.toMatchObject({
      code: "TOKEN_RATE_LIMIT",
    });
    open.settle(100, 0);
    // Now the window is used up.
    await expect
      .poll(async () =>
        Promise.resolve()
          .then(() => one!.admit(ask(client, 1)))
          .then(
            () => "in",
            (error: GatewayError) => error.code,
          ),
      )
      .toBe("TOKEN_RATE_LIMIT");
  });

  test("a budget is never overdrawn, however many ask at once, by key or by team", async () => {
    const all = gateways({});
    const single = newClient({ budget: { monthUsd: 25e-6 } });
    const { in: admitted, refused } = await rush(all, 80, ask(single, 1, 1_000));
    expect([admitted.length, refused.length]).toEqual([25, 55]);
    const mates = [
      newClient({ team: "blue", budget: { dayUsd: 1 } }),
      newClient({ team: "blue", budget: { dayUsd: 1 } }),
    ];
    const both = await Promise.all(mates.map((mate) => rush(all, 20, ask(mate, 1, 1_000))));
    expect(both.flatMap((result) => result.in)).toHaveLength(10);
    expect(both[0]!.refused[0]!.headers["x-ratelimit-scope"]).toBe("team");
    for (const result of both) for (const one of result.in) one.settle(1, 1_000);
  });

  test("the daily cap of keys without a budget; keys without limits; requests without a key", async () => {
    const [one] = gateways({ requestsPerMinute: 1 }) as [Admission];
    const client = newClient();
    const tooDear = Promise.resolve().then(() => one.admit(ask(client, 1, 2e9)));
    await expect(tooDear).rejects.toMatchObject({ code: "DAILY_SPEND_QUOTA_EXCEEDED" });
    const unlimited = newClient({ unlimited: true, tier: "admin" });
    for (let count = 0; count < 5; count++) {
      expect((await one.admit(ask(unlimited, MANY, MANY))).headers).toEqual({ "x-user-tier": "admin" });
    }
    const nobody = newClient({ anonymous: true, tier: "anonymous" });
    expect((await one.admit(ask(nobody))).headers).toMatchObject({
      "ratelimit-limit": "2",
      "ratelimit-remaining": "1",
    });
    await one.admit(ask(nobody));
    const refused = await rush([one], 1, ask(nobody));
    expect(refused.refused[0]).toMatchObject({ code: "ANONYMOUS_QUOTA_EXCEEDED", status: 429 });
    expect((await rush([one], 1, ask(nobody, 1, 1))).refused[0]).toMatchObject({
      code: "MODEL_NEEDS_KEY",
      status: 401,
    });
    await one.admit({ ...ask(nobody), address: "9.9.9.9" });
  });
}
