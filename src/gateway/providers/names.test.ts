import type { LookupAddress } from "node:dns";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { objectAt, parseObject } from "../json.ts";
import { type FixtureProvider, json, OPENAI_COMPLETION, startFixtureProvider } from "../testing/fixture-provider.ts";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";

type Done = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;

/** The name service; everything else of `node:dns` is as it is. */
const service = vi.hoisted(() => ({ answer: (_done: unknown): void => undefined, asked: 0 }));
vi.mock("node:dns", async (original) => ({
  ...(await original<typeof import("node:dns")>()),
  lookup: (_host: string, _options: unknown, done: unknown) => {
    service.asked++;
    service.answer(done);
  },
}));

let provider: FixtureProvider;
let gateway: TestGateway | undefined;

beforeEach(async () => {
  service.asked = 0;
  provider = await startFixtureProvider(json(OPENAI_COMPLETION));
});

afterEach(async () => {
  await gateway?.close();
  await provider.close();
});

const answers = (address: string) => (done: unknown) => void (done as Done)(null, [{ address, family: 4 }]);
const fails = (done: unknown): void => {
  (done as Done)(Object.assign(new Error("getaddrinfo ENOTFOUND api.example.com"), { code: "ENOTFOUND" }), []);
};

async function start(entry: { allowPrivate?: boolean } = {}): Promise<void> {
  const baseUrl = `${provider.url.replace("127.0.0.1", "api.example.com")}/v1`;
  gateway = await startTestGateway({
    gateway: { providers: { own: { baseUrl, models: ["m-1"], ...entry } }, retries: { max: 0 } },
  });
}

async function ask(): Promise<{ status: number; code: unknown; text: string; ms: number }> {
  const startedAt = performance.now();
  const body = { model: "m-1", messages: [{ role: "user", content: "x" }] };
  const response = await gateway!.post("/v1/chat/completions", body);
  const text = await response.text();
  const code = objectAt(parseObject(text)!, "error")["gateway_code"];
  return { status: response.status, code, text, ms: performance.now() - startedAt };
}

test("a public name that resolves to this machine is not called; the operator may allow it", async () => {
  service.answer = answers("127.0.0.1");
  await start();
  const refused = await ask();
  expect(refused).toMatchObject({ status: 503, code: "PROVIDER_UNAVAILABLE" });
  expect(refused.text).toContain("allowPrivate");
  expect(refused.text).not.toContain("127.0.0.1");
  expect(provider.seen).toHaveLength(0);
  await gateway!.close();
  await start({ allowPrivate: true });
  expect((await ask()).status).toBe(200);
});

test("the metadata service is out of reach whatever is allowed", async () => {
  service.answer = answers("169.254.169.254");
  await start({ allowPrivate: true });
  expect(await ask()).toMatchObject({ status: 503, code: "PROVIDER_UNAVAILABLE" });
});

test("a name service that comes and goes: the last answer serves on, a name that never had one is a clear error", async () => {
  service.answer = fails;
  await start({ allowPrivate: true });
  expect(await ask()).toMatchObject({ status: 503, code: "PROVIDER_UNAVAILABLE" });
  service.answer = answers("127.0.0.1");
  await new Promise((resolve) => setTimeout(resolve, 2_100)); // A failing service is left alone for two seconds.
  expect((await ask()).status).toBe(200);
  service.answer = fails;
  const { pool } = gateway!.gateway.providers.get("own")!;
  const kept = pool.stats.connected;
  // Without its kept connections it must ask anew, and finds the answer still fresh.
  provider.answer = (_request, reply) => void reply.writeHead(500, { connection: "close" }).end("{}");
  await ask();
  provider.answer = json(OPENAI_COMPLETION);
  expect((await ask()).status).toBe(200);
  expect(kept).toBeGreaterThan(0);
});

test("a name service that says nothing costs seconds, not the whole request", async () => {
  service.answer = () => undefined;
  await start({ allowPrivate: true });
  const { status, ms } = await ask();
  expect(status).toBeGreaterThanOrEqual(503);
  expect(ms).toBeLessThan(6_000);
  expect(service.asked).toBe(1);
});
