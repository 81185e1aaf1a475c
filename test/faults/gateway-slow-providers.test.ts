import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, request as send } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type FixtureProvider,
  json,
  OPENAI_COMPLETION,
  startFixtureProvider,
} from "../../src/gateway/testing/fixture-provider.ts";
import { metricOf, NO_LIMITS, startGatewayStack } from "../support/gateway-stack.ts";
import type { Stack } from "../support/stack.ts";

/** A provider that stops in the middle of everything, its sockets open (FAULTS rows 17 and 18), beside one that is well. */
const ATTEMPT_MS = 1_000;
const IDLE_MS = 1_500;
const BREAKER_FAILURES = 5;
const CALLS = 400;
const CLIENTS = 4;

/** A provider in a process of its own, which can be stopped: the kernel goes on taking what is sent to it. */
const PROVIDER = `
  const { createServer } = require("node:http");
  const server = createServer((request, reply) => {
    if (request.method === "GET") return reply.writeHead(404).end("{}");
    let body = "";
    request.on("data", (part) => (body += part)).on("end", () => {
      if (!body.includes('"stream":true')) return reply.writeHead(200, { "content-type": "application/json" }).end(process.env.ANSWER);
      reply.writeHead(200, { "content-type": "text/event-stream" });
      const word = { id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta: { content: "word " }, finish_reason: null }] };
      const timer = setInterval(() => reply.write("data: " + JSON.stringify(word) + "\\n\\n"), 100);
      reply.on("close", () => clearInterval(timer));
    });
  });
  server.keepAliveTimeout = 60000;
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));
`;

let healthy: FixtureProvider;
let stopping: ChildProcess;
let stack: Stack;
const dispatcher = new Agent({ connections: 100, pipelining: 1 });

beforeAll(async () => {
  healthy = await startFixtureProvider(json(OPENAI_COMPLETION));
  stopping = spawn(process.execPath, ["-e", PROVIDER], {
    env: { ANSWER: JSON.stringify(OPENAI_COMPLETION) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const port = await new Promise<string>((done) => createInterface({ input: stopping.stdout! }).once("line", done));
  stack = await startGatewayStack({
    limits: NO_LIMITS,
    concurrency: { active: 100 },
    timeouts: { attempt: ATTEMPT_MS, streamIdle: IDLE_MS },
    retries: { max: 0 },
    breaker: { consecutiveFailures: BREAKER_FAILURES, openFor: "60s" },
    availabilityBreaker: { failures: 1_000 },
    providers: {
      well: { baseUrl: `${healthy.url}/v1`, models: ["well-m", "shared-m"] },
      stopping: { baseUrl: `http://127.0.0.1:${port}/v1`, models: ["stopping-m", "shared-m"] },
    },
  });
});
afterAll(async () => {
  stopping?.kill("SIGKILL");
  await dispatcher.close();
  await stack?.dispose();
  await healthy?.close();
});

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly ms: number;
}

async function ask(model: string, stream = false): Promise<Answer> {
  const startedAt = performance.now();
  const reply = await send(`${stack.url("gateway")}/v1/chat/completions`, {
    dispatcher,
    method: "POST",
    headers: { authorization: `Bearer ${stack.adminKey}`, "content-type": "application/json" },
    body: JSON.stringify({ model, stream, messages: [{ role: "user", content: "x" }] }),
  });
  return { status: reply.statusCode, text: await reply.body.text(), ms: performance.now() - startedAt };
}

/** Calls of the provider that is well, a few at a time. @returns p50 and p99, ms. */
async function measure(): Promise<{ p50: number; p99: number }> {
  const times: number[] = [];
  const client = async (): Promise<void> => {
    for (let call = 0; call < CALLS / CLIENTS; call++) {
      const { status, ms } = await ask("well-m");
      expect(status).toBe(200);
      times.push(ms);
      await sleep(5);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  times.sort((left, right) => left - right);
  return { p50: times[Math.floor(times.length * 0.5)]!, p99: times[Math.floor(times.length * 0.99)]! };
}

test("a provider that stops: each request and stream is ended by its deadline, the breaker opens, others notice nothing; it comes back", async () => {
  await measure(); // Warm.
  const before = await measure();
  const streams = Array.from({ length: 20 }, async () => ({
    ...(await ask("stopping-m", true)),
    endedAt: performance.now(),
  }));
  for (let call = 0; call < 10; call++) expect((await ask("stopping-m")).status).toBe(200); // Connections to be kept.
  await sleep(500);
  stopping.kill("SIGSTOP");
  const stoppedAt = performance.now();
  const waiting = Array.from({ length: 40 }, () => ask("stopping-m"));
  const during = await measure();
  for (const { status, text, ms } of await Promise.all(waiting)) {
    expect([504, 503], text).toContain(status);
    expect(ms).toBeLessThan(ATTEMPT_MS + 1_000);
  }
  for (const { text, endedAt } of await Promise.all(streams)) {
    expect(endedAt - stoppedAt).toBeLessThan(IDLE_MS + 1_000);
    expect(text).toContain('"content":"word "');
    expect(text).toContain("STREAM_TIMEOUT");
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
  }
  // Its breaker is open: a model that another provider serves too is asked there, at once.
  const elsewhere = await ask("shared-m");
  expect(elsewhere.status).toBe(200);
  expect(elsewhere.ms).toBeLessThan(ATTEMPT_MS / 2);
  expect(await metricOf(stack, "circuit_breaker_failures_total", 'provider="stopping"')).toBeGreaterThanOrEqual(
    BREAKER_FAILURES,
  );
  expect(await metricOf(stack, "circuit_breaker_failures_total", 'provider="well"')).toBe(0);
  expect(await metricOf(stack, "concurrency_active_requests")).toBe(0);
  process.stdout.write(
    `beside a stopped provider: p50 ${before.p50.toFixed(1)} -> ${during.p50.toFixed(1)} ms, p99 ${before.p99.toFixed(1)} -> ${during.p99.toFixed(1)} ms\n`,
  );
  expect(during.p50).toBeLessThan(before.p50 * 3 + 10);
  expect(during.p99).toBeLessThan(before.p99 * 3 + 50);
  stopping.kill("SIGCONT");
  const headers = { authorization: `Bearer ${stack.adminKey}` };
  await fetch(`${stack.url("gateway")}/circuit-breakers/reset-all`, { method: "POST", headers });
  await expect.poll(async () => (await ask("stopping-m")).status, { timeout: 15_000, interval: 250 }).toBe(200);
});
