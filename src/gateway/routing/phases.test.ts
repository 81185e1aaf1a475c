import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { type ConfigInput, configSchema } from "../../config/schema.ts";
import { createProvider } from "../providers/provider.ts";
import { type FixtureAnswer, hang, openAiChunk, startFixtureProvider } from "../testing/fixture-provider.ts";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";
import { attemptLimits, deadlineOf, streamLimits } from "./attempt-limits.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

type Settings = NonNullable<ConfigInput["gateway"]>;

async function gatewayFor(baseUrl: string, settings: Settings): Promise<TestGateway> {
  const gateway = await startTestGateway({ gateway: { providers: { p: { baseUrl, models: ["m"] } }, ...settings } });
  closing.push(() => gateway.close());
  return gateway;
}

async function fixture(answer: FixtureAnswer): Promise<string> {
  const provider = await startFixtureProvider(answer);
  closing.push(() => provider.close());
  return provider.url;
}

const chat = (rest: object = {}): object => ({ model: "m", messages: [{ role: "user", content: "x" }], ...rest });

async function messageOf(reply: Response): Promise<string> {
  expect(reply.status).toBe(504);
  return ((await reply.json()) as { error: { message: string } }).error.message;
}

test("read: a provider that falls silent inside its answer", async () => {
  const url = await fixture((_request, reply) => {
    reply.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
    reply.write('{"id":');
  });
  const gateway = await gatewayFor(url, { timeouts: { read: "200ms" } });
  const startedAt = performance.now();
  expect(await messageOf(await gateway.post("/v1/chat/completions", chat()))).toContain("it was silent for 0.2 s");
  expect(performance.now() - startedAt).toBeLessThan(1_500);
});

test("read: a slow but steady answer is no silence, the attempt's limit is another matter", async () => {
  const url = await fixture((_request, reply) => {
    reply.writeHead(200, { "content-type": "application/json" });
    const timer = setInterval(() => reply.write(" "), 60);
    reply.once("close", () => clearInterval(timer));
  });
  const gateway = await gatewayFor(url, { timeouts: { read: "200ms", attempt: "700ms" } });
  expect(await messageOf(await gateway.post("/v1/chat/completions", chat()))).toContain("the limit of 0.7 s passed");
});

test("write: a provider that does not take a long request", async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    socket.pause();
    sockets.push(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const gateway = await gatewayFor(url, { timeouts: { write: "300ms" } });
  const content = "x".repeat(12 * 1024 * 1024);
  const reply = await gateway.post("/v1/chat/completions", chat({ messages: [{ role: "user", content }] }));
  expect(await messageOf(reply)).toContain("it did not take the request within 0.3 s");
});

test("a long request arrives whole", async () => {
  let length = 0;
  const url = await fixture(({ body }, reply) => {
    length = (body["messages"] as { content: string }[])[0]!.content.length;
    reply.writeHead(404).end("{}");
  });
  const gateway = await gatewayFor(url, {});
  await gateway.post("/v1/chat/completions", chat({ messages: [{ role: "user", content: "é".repeat(1_000_000) }] }));
  expect(length).toBe(1_000_000);
});

test("start: no connection is free in time", async () => {
  const url = await fixture(hang);
  const settings = { concurrency: { active: 200 }, timeouts: { pool: "100ms", connect: "200ms", attempt: "5s" } };
  const gateway = await gatewayFor(url, settings);
  const leaving = new AbortController();
  const held = Array.from({ length: 100 }, () =>
    fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: gateway.headers,
      body: JSON.stringify(chat()),
      signal: leaving.signal,
    }).catch(() => undefined),
  );
  await expect.poll(() => gateway.gateway.providers.get("p")!.pool.stats.running, { timeout: 5_000 }).toBe(100);
  const reply = await gateway.post("/v1/chat/completions", chat());
  expect(await messageOf(reply)).toContain("no connection was to be had within 0.3 s");
  leaving.abort();
  await Promise.all(held);
});

test("floor: a trickle before the first content is given up", { timeout: 10_000 }, async () => {
  const url = await fixture((_request, reply) => {
    reply.writeHead(200, { "content-type": "text/event-stream" });
    const timer = setInterval(() => reply.write(": .\n\n"), 200);
    reply.once("close", () => clearInterval(timer));
    reply.write(openAiChunk({ role: "assistant", content: "" }));
  });
  const gateway = await gatewayFor(url, { routing: { firstContentBytesPerSecondMin: 500 } });
  const reply = await gateway.post("/v1/chat/completions", chat({ stream: true }));
  expect(await messageOf(reply)).toContain("less than 500 bytes a second");
});

test("a provider's own limits come before what is known of it, and that before the general ones", () => {
  const { timeouts } = configSchema.parse({}).gateway;
  const limitsOf = (name: string, model: string, own = {}) => {
    const provider = createProvider(name, { baseUrl: "http://127.0.0.1:9", timeouts: own }, 1_000, false);
    void provider.pool.destroy();
    return { limits: attemptLimits(timeouts, 0, provider, model), stream: streamLimits(timeouts, provider) };
  };
  expect(limitsOf("p", "m").limits).toEqual({
    startMs: 10_000,
    writeMs: 10_000,
    readMs: 60_000,
    attemptMs: 30_000,
    bytesPerSecondMin: 0,
  });
  expect(limitsOf("huggingface", "m").limits).toMatchObject({ attemptMs: 120_000, readMs: 120_000 });
  expect(limitsOf("xai", "grok-4").limits).toMatchObject({ attemptMs: 600_000, readMs: 600_000 });
  expect(limitsOf("xai", "grok-2").limits).toMatchObject({ attemptMs: 30_000, readMs: 60_000 });
  const own = limitsOf("huggingface", "m", { attempt: 5_000, read: 4_000, streamIdle: 3_000, stream: 2_000 });
  expect(own.limits).toMatchObject({ attemptMs: 5_000, readMs: 4_000 });
  expect(own.stream).toEqual({ idleMs: 3_000, wallMs: 2_000 });
});

test("a request as a whole has 55 s, a stream 300 s, and a slow provider its own time", () => {
  const { timeouts } = configSchema.parse({}).gateway;
  expect(deadlineOf(timeouts, 1_000, false, 30_000)).toBe(56_000);
  expect(deadlineOf(timeouts, 1_000, true, 30_000)).toBe(301_000);
  expect(deadlineOf(timeouts, 1_000, false, 120_000)).toBe(121_000);
});
