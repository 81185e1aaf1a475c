import { spawnSync } from "node:child_process";
import type { ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type FixtureProvider,
  json,
  OPENAI_COMPLETION,
  openAiChunk,
  startFixtureProvider,
} from "../../src/gateway/testing/fixture-provider.ts";
import { gatewayPids, metricOf, NO_LIMITS, residentMegabytes, startGatewayStack } from "../support/gateway-stack.ts";
import type { Stack } from "../support/stack.ts";

/** Clients that are slow, silent, many, or gone without a word, against the built gateway (FAULTS rows 10, 18 and 20). */
const HEADERS_MS = 1_500;
const REQUEST_MS = 3_000;
const STALL_MS = 2_000;
/** Deadlines are looked at every 2 s. */
const SLACK_MS = 3_500;

let provider: FixtureProvider;
let stack: Stack;
/** What the provider has been able to send of the long stream, and whether it was cancelled. */
let sentBytes = 0;
const LONG_STREAM_BYTES = 100e6;

beforeAll(async () => {
  provider = await startFixtureProvider((request, reply) => {
    if (request.body["stream"] === true) return longStream(reply);
    return json(OPENAI_COMPLETION)(request, reply);
  });
  stack = await startGatewayStack({
    limits: NO_LIMITS,
    concurrency: { active: 500, queued: 500 },
    timeouts: { clientHeaders: HEADERS_MS, clientRequest: REQUEST_MS, streamIdle: STALL_MS },
    breaker: { consecutiveFailures: 1_000_000, windowRequestsMin: 1_000_000 },
    availabilityBreaker: { failures: 1_000_000 },
    retries: { max: 0 },
    providers: { oai: { baseUrl: `${provider.url}/v1`, models: ["m-1"] } },
  });
});
afterAll(async () => {
  await stack?.dispose();
  await provider?.close();
});

function longStream(reply: ServerResponse): void {
  const piece = openAiChunk({ content: "x".repeat(64 * 1024) });
  reply.writeHead(200, { "content-type": "text/event-stream" });
  const more = (): void => {
    while (!reply.destroyed && !reply.writableNeedDrain && sentBytes < LONG_STREAM_BYTES) {
      reply.write(piece);
      sentBytes += piece.length;
    }
    if (sentBytes >= LONG_STREAM_BYTES) reply.end("data: [DONE]\n\n");
  };
  reply.on("drain", more);
  more();
}

const head = (path: string, length: number): string =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${stack.adminKey}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n`;
const BODY = JSON.stringify({ model: "m-1", messages: [{ role: "user", content: "x" }] });

interface Ended {
  readonly text: string;
  readonly afterMs: number;
}

/** A connection, and how it ended. */
function open(): Promise<{ socket: Socket; ended: Promise<Ended> }> {
  return new Promise((resolve, reject) => {
    const socket = connect(stack.ports.gateway, "127.0.0.1");
    const openedAt = performance.now();
    let text = "";
    socket.on("data", (chunk) => void (text += String(chunk)));
    socket.on("error", () => undefined);
    const ended = new Promise<Ended>((done) =>
      socket.once("close", () => done({ text, afterMs: performance.now() - openedAt })),
    );
    socket.once("connect", () => resolve({ socket, ended }));
    socket.once("error", reject);
  });
}

async function drip(socket: Socket, bytes: string, everyMs: number): Promise<void> {
  for (const letter of bytes) {
    if (socket.destroyed) return;
    socket.write(letter);
    await sleep(everyMs);
  }
}

async function answers(): Promise<void> {
  const reply = await fetch(`${stack.url("gateway")}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${stack.adminKey}`, "content-type": "application/json", connection: "close" },
    body: BODY,
    signal: AbortSignal.timeout(5_000),
  });
  expect(reply.status).toBe(200);
  await reply.arrayBuffer();
}

describe("18: slowloris", () => {
  test("200 clients that drip their headers, say nothing, or drip their bodies are let go by the deadline; others notice nothing", async () => {
    const clients = await Promise.all(Array.from({ length: 200 }, open));
    const kinds = ["headers", "silence", "body"] as const;
    for (const [index, { socket }] of clients.entries()) {
      const kind = kinds[index % 3]!;
      if (kind === "headers")
        void drip(socket, `${head("/v1/chat/completions", BODY.length)}X-A: ${"a".repeat(500)}`, 100);
      if (kind === "body") {
        socket.write(`${head("/v1/chat/completions", BODY.length)}\r\n`);
        void drip(socket, BODY, 300);
      }
    }
    const slowest = { ms: 0 };
    const watch = setInterval(() => {
      const startedAt = performance.now();
      void answers().then(() => (slowest.ms = Math.max(slowest.ms, performance.now() - startedAt)));
    }, 100);
    const ends = await Promise.all(clients.map(({ ended }) => ended));
    clearInterval(watch);
    for (const [index, { text, afterMs }] of ends.entries()) {
      const kind = kinds[index % 3]!;
      expect(text.slice(0, 12), kind).toMatch(/^(HTTP\/1\.1 408)?$/);
      expect(afterMs, kind).toBeLessThan((kind === "body" ? REQUEST_MS : HEADERS_MS) + SLACK_MS);
    }
    process.stdout.write(`200 slow clients: the slowest other request took ${slowest.ms.toFixed(0)} ms\n`);
    expect(slowest.ms).toBeLessThan(1_000);
    await expect.poll(() => metricOf(stack, "fastapi_requests_in_progress", 'path="/v1/')).toBe(0);
    // The provider saw only those who watched.
    expect(provider.seen.every(({ body }) => body["model"] === "m-1")).toBe(true);
  });

  test("a body that never comes holds no place and no reservation", async () => {
    const clients = await Promise.all(Array.from({ length: 50 }, open));
    for (const { socket } of clients) socket.write(`${head("/v1/chat/completions", 1_000)}\r\n{"model":`);
    await sleep(300);
    expect(await metricOf(stack, "concurrency_active_requests")).toBe(0);
    for (const { socket } of clients) socket.destroy();
    await expect.poll(() => metricOf(stack, "fastapi_requests_in_progress", 'path="/v1/')).toBe(0);
  });
});

describe("20: a client that stops reading", () => {
  test("of 100 MB only what buffers hold is fetched; after the deadline the provider is cancelled", async () => {
    await answers();
    sentBytes = 0;
    const before = residentMegabytes(stack);
    const { socket, ended } = await open();
    socket.pause();
    const body = JSON.stringify({ ...JSON.parse(BODY), stream: true });
    socket.write(`${head("/v1/chat/completions", body.length)}\r\n${body}`);
    const seen = provider.seen.length;
    await expect.poll(() => provider.seen.length).toBeGreaterThan(seen);
    const startedAt = performance.now();
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, residentMegabytes(stack))), 50);
    await provider.seen.at(-1)!.aborted;
    clearInterval(watch);
    expect(performance.now() - startedAt).toBeLessThan(STALL_MS + SLACK_MS);
    process.stdout.write(
      `100 MB stream, client stopped: ${(sentBytes / 1e6).toFixed(1)} MB fetched, resident +${(most - before).toFixed(1)} MB\n`,
    );
    // What two pairs of the kernel's buffers and the gateway's own hold.
    expect(sentBytes).toBeLessThan(25e6);
    expect(most - before).toBeLessThan(40);
    socket.resume();
    await ended;
    expect(await metricOf(stack, "concurrency_active_requests")).toBe(0);
  });

  test("a client that reads on gets all of it, through the same buffers", async () => {
    sentBytes = 0;
    const before = residentMegabytes(stack);
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, residentMegabytes(stack))), 50);
    const reply = await fetch(`${stack.url("gateway")}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${stack.adminKey}`, "content-type": "application/json" },
      body: JSON.stringify({ ...JSON.parse(BODY), stream: true }),
    });
    let received = 0;
    for await (const chunk of reply.body!) received += chunk.length;
    clearInterval(watch);
    process.stdout.write(`100 MB stream, client reads: resident +${(most - before).toFixed(1)} MB\n`);
    expect(received).toBeGreaterThan(LONG_STREAM_BYTES);
    // What passed is garbage until it is collected; held, it would be the whole stream, once or twice.
    expect(most - before).toBeLessThan(85);
  });
});

test("10: out of file descriptors: what is open goes on, what comes is refused, and afterwards all is well", async () => {
  const pid = gatewayPids(stack)[0]!;
  const kept = await open();
  const ask = `${head("/v1/chat/completions", BODY.length)}\r\n${BODY}`;
  kept.socket.write(ask);
  await expect.poll(() => kept.socket.bytesRead).toBeGreaterThan(0);
  const spare = 20;
  const used = Number(spawnSync("sh", ["-c", `ls /proc/${pid}/fd | wc -l`]).stdout);
  const limit = (count: number | "max"): void => {
    const [soft, hard] = count === "max" ? [4_096, 4_096] : [count, 4_096];
    expect(spawnSync("prlimit", ["--pid", String(pid), `--nofile=${soft}:${hard}`]).status).toBe(0);
  };
  limit(used + spare);
  try {
    let refused = 0;
    const crowd = Array.from({ length: 200 }, () => {
      const socket = connect(stack.ports.gateway, "127.0.0.1");
      socket.on("error", () => undefined);
      socket.on("close", () => refused++);
      return socket;
    });
    await sleep(1_000);
    const readBefore = kept.socket.bytesRead;
    kept.socket.write(ask); // Its connection to the provider is open already.
    await expect.poll(() => kept.socket.bytesRead, { timeout: 5_000 }).toBeGreaterThan(readBefore);
    expect(refused).toBeGreaterThan(200 - 2 * spare);
    for (const socket of crowd) socket.destroy();
  } finally {
    limit("max");
  }
  await expect
    .poll(
      () =>
        answers()
          .then(() => true)
          .catch(() => false),
      { timeout: 10_000 },
    )
    .toBe(true);
  expect(gatewayPids(stack)[0]).toBe(pid);
  kept.socket.destroy();
});
