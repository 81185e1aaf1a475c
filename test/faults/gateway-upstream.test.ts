import { randomBytes } from "node:crypto";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { start } from "../../src/gateway/index.ts";
import {
  ANTHROPIC_MESSAGE,
  ANTHROPIC_STREAM,
  OPENAI_COMPLETION,
  OPENAI_STREAM,
  openAiChunk,
} from "../../src/gateway/testing/fixture-provider.ts";
import type { Role } from "../../src/runtime/role.ts";
import { TEST_ADMIN_KEY, type TestContext, testContext } from "../../src/runtime/testing.ts";
import {
  EVENT_STREAM,
  FaultProvider,
  type FaultyRequest,
  head,
  jsonReply,
  type Misbehave,
  raw,
} from "../support/fault-provider.ts";

/**
 * Everything that a provider can do wrong, at the level of bytes. For each fault and both kinds of answer: what the
 * client gets, which breaker counts it, which metric moves, and that no connection is left behind.
 */
/** Long enough for a machine that is busy with other things: only faults of silence may take it. */
const ATTEMPT_MS = 3_000;
const IDLE_MS = 1_500;

interface Fault {
  readonly name: string;
  readonly misbehave: Misbehave;
  /** Status of a JSON request. 0: the fault is about streams only. */
  readonly json: number;
  /** Status of a stream; 200 is a stream that begins, and `streamError` says whether an error ends it. */
  readonly stream: number;
  readonly streamError?: string;
  /** Whether the provider's breaker counts a failure: for the JSON answer and for the stream alike. */
  readonly counts: boolean;
  readonly retryAfter?: string;
  /** The words of the stream that the client gets before the error. */
  readonly text?: string;
  readonly openAiOnly?: boolean;
}

const OK_JSON = (request: FaultyRequest): unknown => (request.anthropic ? ANTHROPIC_MESSAGE : OPENAI_COMPLETION);
const OK_STREAM = (request: FaultyRequest): readonly string[] => (request.anthropic ? ANTHROPIC_STREAM : OPENAI_STREAM);
/** Up to the first word, in the format that was asked for. */
const BEGINNING = (request: FaultyRequest): string =>
  OK_STREAM(request)
    .slice(0, request.anthropic ? 4 : 2)
    .join("");
const hang: Misbehave = () => undefined;

/** Different bytes for streams and for whole answers. */
function either(json: Misbehave, stream: Misbehave): Misbehave {
  return (socket, request) => (request.stream ? stream(socket, request) : json(socket, request));
}

const FAULTS: readonly Fault[] = [
  {
    name: "closes the connection at once",
    misbehave: (socket) => void socket.destroy(),
    json: 502,
    stream: 502,
    counts: true,
  },
  {
    name: "resets the connection",
    misbehave: (socket) => void socket.resetAndDestroy(),
    json: 502,
    stream: 502,
    counts: true,
  },
  { name: "never answers", misbehave: hang, json: 504, stream: 504, counts: true },
  {
    name: "stops within the head",
    misbehave: (socket) => void socket.write("HTTP/1.1 200 OK\r\ncontent-"),
    json: 504,
    stream: 504,
    counts: true,
  },
  {
    name: "resets within the head",
    misbehave: async (socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-ty");
      await sleep(10);
      socket.resetAndDestroy();
    },
    json: 502,
    stream: 502,
    counts: true,
  },
  {
    name: "stops within the body",
    misbehave: either(
      (socket) =>
        void socket.write(`${head("200 OK", { "content-type": "application/json", "content-length": "500" })}{"id":`),
      (socket, request) => void socket.write(EVENT_STREAM + BEGINNING(request)),
    ),
    json: 504,
    stream: 200,
    streamError: "STREAM_TIMEOUT",
    text: "Hello",
    counts: true,
  },
  {
    name: "resets within the body",
    misbehave: either(
      async (socket) => {
        socket.write(`${head("200 OK", { "content-type": "application/json", "content-length": "500" })}{"id":`);
        await sleep(10);
        socket.resetAndDestroy();
      },
      async (socket, request) => {
        socket.write(EVENT_STREAM + BEGINNING(request));
        await sleep(30);
        socket.resetAndDestroy();
      },
    ),
    json: 502,
    stream: 200,
    streamError: "PROVIDER_STREAM_INTERRUPTED",
    text: "Hello",
    counts: true,
  },
  { name: "speaks no HTTP", misbehave: raw("SSH-2.0-OpenSSH_9.2\r\n"), json: 502, stream: 502, counts: true },
  { name: "sends random bytes", misbehave: raw(randomBytes(512)), json: 502, stream: 502, counts: true },
  {
    name: "sends a web page as an answer",
    misbehave: raw(
      head("200 OK", { "content-type": "text/html", connection: "close" }),
      "<html><body>Welcome</body></html>",
    ),
    json: 502,
    stream: 502,
    counts: true,
  },
  {
    name: "announces more bytes than it sends",
    misbehave: either(
      raw(
        head("200 OK", { "content-type": "application/json", "content-length": "100000" }),
        JSON.stringify(OPENAI_COMPLETION),
      ),
      (socket, request) =>
        raw(head("200 OK", { "content-type": "text/event-stream", "content-length": "100000" }), BEGINNING(request))(
          socket,
          request,
        ),
    ),
    json: 502,
    stream: 200,
    streamError: "PROVIDER",
    text: "Hello",
    counts: true,
  },
  {
    name: "announces fewer bytes than it sends",
    misbehave: either(
      raw(
        head("200 OK", { "content-type": "application/json", "content-length": "10" }),
        JSON.stringify(OPENAI_COMPLETION),
      ),
      raw(head("200 OK", { "content-type": "text/event-stream", "content-length": "10" }), OPENAI_STREAM.join("")),
    ),
    json: 502,
    stream: 502,
    counts: true,
  },
  {
    name: "breaks the chunked encoding",
    misbehave: raw(
      head("200 OK", { "content-type": "application/json", "transfer-encoding": "chunked" }),
      "zz\r\nnonsense",
    ),
    json: 502,
    stream: 502,
    counts: true,
  },
  {
    name: "sends a head of 200 KB",
    misbehave: raw(head("200 OK", { "x-padding": "a".repeat(200_000), "content-length": "0" })),
    json: 502,
    stream: 502,
    counts: true,
  },
  {
    name: "cuts UTF-8 letters between packets",
    misbehave: either(
      async (socket, request) => {
        const text = JSON.stringify(OK_JSON(request)).replaceAll("Hello world", "Héllö 🌍");
        const bytes = Buffer.from(
          head("200 OK", { "content-type": "application/json", "content-length": String(Buffer.byteLength(text)) }) +
            text,
        );
        for (let at = 0; at < bytes.length; at += 7) socket.write(bytes.subarray(at, at + 7));
      },
      async (socket, request) => {
        const text = OK_STREAM(request).join("").replaceAll("Hello", "Héllö").replaceAll(" world", " 🌍");
        const bytes = Buffer.from(EVENT_STREAM + text);
        for (let at = 0; at < bytes.length; at += 7) {
          socket.write(bytes.subarray(at, at + 7));
          if (at % 70 === 0) await sleep(1);
        }
        socket.end();
      },
    ),
    json: 200,
    stream: 200,
    text: "Héllö 🌍",
    counts: false,
  },
  {
    name: "sends bytes that are no UTF-8",
    misbehave: either(
      raw(
        head("200 OK", { "content-type": "application/json", connection: "close" }),
        Buffer.from([0x7b, 0xff, 0xfe, 0x7d]),
      ),
      raw(EVENT_STREAM, Buffer.from([0x64, 0x61, 0x74, 0x61, 0x3a, 0xff, 0xfe, 0x0a, 0x0a])),
    ),
    json: 502,
    stream: 502,
    counts: true,
  },
  {
    name: "sends JSON that is none",
    misbehave: either(
      raw(head("200 OK", { "content-type": "application/json", connection: "close" }), '{"id":"x", "choices": [}'),
      raw(EVENT_STREAM, "data: {oops\n\n", "data: [DONE]\n\n"),
    ),
    json: 502,
    stream: 502,
    counts: true,
  },
  {
    name: "sends an error inside a 200",
    misbehave: either(
      raw(jsonReply("200 OK", { error: { message: "overloaded", type: "overloaded_error" } })),
      raw(
        EVENT_STREAM,
        'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
      ),
    ),
    json: 503,
    stream: 503,
    counts: true,
  },
  {
    name: "sends an empty answer",
    misbehave: either(raw(jsonReply("200 OK", {})), raw(EVENT_STREAM)),
    json: 502,
    stream: 502,
    counts: true,
  },
  {
    name: "sends one line of 10 MB",
    misbehave: either(
      raw(head("200 OK", { "content-type": "application/json", connection: "close" }), "x".repeat(10 * 1024 * 1024)),
      raw(EVENT_STREAM, `data: ${"x".repeat(10 * 1024 * 1024)}`),
    ),
    json: 502,
    stream: 502,
    counts: true,
  },
  {
    name: "sends one word of 1 MB",
    openAiOnly: true,
    misbehave: async (socket) => {
      socket.write(EVENT_STREAM + openAiChunk({ role: "assistant", content: "x".repeat(1024 * 1024) }));
      socket.end(OPENAI_STREAM.slice(2).join(""));
    },
    json: 0,
    stream: 200,
    counts: false,
  },
  {
    name: "drips byte by byte, too slowly for the attempt",
    misbehave: async (socket) => {
      for (const letter of EVENT_STREAM) {
        if (socket.destroyed) return;
        socket.write(letter);
        await sleep(50);
      }
    },
    json: 504,
    stream: 504,
    counts: true,
  },
  {
    name: "redirects",
    misbehave: raw(head("302 Found", { location: "http://169.254.169.254/latest/", "content-length": "0" })),
    json: 502,
    stream: 502,
    counts: true,
  },
  { name: "answers 204", misbehave: raw(head("204 No Content")), json: 502, stream: 502, counts: true },
  {
    name: "compresses although nobody asked for it",
    misbehave: (socket, request) => {
      const body = gzipSync(JSON.stringify(OK_JSON(request)));
      socket.write(
        head("200 OK", {
          "content-type": "application/json",
          "content-encoding": "gzip",
          "content-length": String(body.length),
        }),
      );
      socket.end(body);
    },
    json: 502,
    stream: 502,
    counts: true,
  },
  {
    name: "limits the rate and says for how long",
    misbehave: raw(jsonReply("429 Too Many Requests", { error: { message: "slow down" } }, { "retry-after": "7" })),
    json: 429,
    stream: 429,
    retryAfter: "7",
    counts: false,
  },
  {
    name: "limits the rate without a word",
    misbehave: raw(head("429 Too Many Requests", { "content-length": "0" })),
    json: 429,
    stream: 429,
    retryAfter: "30",
    counts: false,
  },
  {
    name: "fails",
    misbehave: raw(jsonReply("500 Internal Server Error", { error: { message: "boom" } })),
    json: 502,
    stream: 502,
    counts: true,
  },
  {
    name: "is overloaded",
    misbehave: raw(jsonReply("529 Overloaded", { error: { message: "busy" } })),
    json: 503,
    stream: 503,
    counts: true,
  },
  {
    name: "refuses our key",
    misbehave: raw(
      jsonReply("401 Unauthorized", { error: { message: "Incorrect API key sk-fault-canary-000000001" } }),
    ),
    json: 502,
    stream: 502,
    counts: true,
  },
  {
    name: "ends a stream without its end mark",
    misbehave: either(raw(jsonReply("500 Internal Server Error", {})), (socket, request) =>
      raw(EVENT_STREAM, BEGINNING(request))(socket, request),
    ),
    json: 0,
    stream: 200,
    streamError: "PROVIDER",
    text: "Hello",
    counts: true,
  },
];

const KEY = "sk-fault-canary-000000001";
let context: TestContext;
let role: Role;
let provider: FaultProvider;
beforeAll(async () => {
  provider = await FaultProvider.start();
  // A provider of each format for each fault, so that all faults can happen at once and every number has one cause.
  const providers = FAULTS.flatMap(({ misbehave }, index) => {
    const baseUrl = provider.add(`/fault-${index}`, misbehave);
    return [
      [`oai-${index}`, { baseUrl: `${baseUrl}/v1`, apiKey: KEY, models: [`oai-model-${index}`] }],
      [`ant-${index}`, { type: "anthropic", baseUrl, apiKey: KEY, models: [`ant-model-${index}`] }],
    ];
  });
  context = await testContext("gateway", {
    mode: "live",
    gateway: {
      providers: Object.fromEntries(providers),
      concurrency: { active: 1_000 },
      timeouts: { attempt: ATTEMPT_MS, streamIdle: IDLE_MS, connect: 1_000 },
      retries: { max: 0 },
      breaker: { consecutiveFailures: 100_000, windowRequestsMin: 100_000 },
      availabilityBreaker: { failures: 100_000 },
    },
  });
  role = await start(context);
});
afterAll(async () => {
  await role?.close();
  await provider?.close();
  await context?.dispose();
});

interface Got {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly text: string;
}

async function send(model: string, dialect: "openai" | "anthropic", stream: boolean): Promise<Got> {
  const path = dialect === "openai" ? "/v1/chat/completions" : "/v1/messages";
  const reply = await fetch(role.urls["main"] + path, {
    method: "POST",
    headers: { authorization: `Bearer ${TEST_ADMIN_KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ model, stream, max_tokens: 50, messages: [{ role: "user", content: "Hello" }] }),
    signal: AbortSignal.timeout(20_000),
  });
  return { status: reply.status, retryAfter: reply.headers.get("retry-after"), text: await reply.text() };
}

let page = "";
async function readMetrics(): Promise<void> {
  const reply = await fetch(`${role.urls["main"]}/metrics`, { headers: { authorization: `Bearer ${TEST_ADMIN_KEY}` } });
  page = await reply.text();
}

/** Sum of a metric's samples whose labels contain all these pairs, on the page read last. */
function metric(name: string, ...labels: readonly string[]): number {
  const lines = page.split("\n").filter((line) => line.startsWith(`${name}{`));
  return lines
    .filter((line) => labels.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf("} ") + 2)), 0);
}

/** The words of a stream of either dialect. */
function wordsOf(text: string): string {
  const events = text
    .split("\n")
    .filter((line) => line.startsWith("data: {"))
    .map((line) => JSON.parse(line.slice(6)));
  return events.map((event) => event.choices?.[0]?.delta?.content ?? event.delta?.text ?? "").join("");
}

function errorOf(text: string): { gateway_code?: string; message?: string } | undefined {
  if (text.startsWith("{")) return JSON.parse(text).error;
  const line = text.split("\n").findLast((one) => one.startsWith("data: {") && one.includes('"error"'));
  return line === undefined ? undefined : JSON.parse(line.slice(6)).error;
}

interface Case {
  readonly fault: Fault;
  readonly provider: string;
  readonly model: string;
  readonly dialect: "openai" | "anthropic";
  readonly stream: boolean;
  readonly status: number;
}

const CASES: readonly Case[] = FAULTS.flatMap((fault, index) =>
  ["oai", "ant"].flatMap((format) =>
    (["openai", "anthropic"] as const).flatMap((dialect) =>
      [false, true].map((stream) => ({
        fault,
        provider: `${format}-${index}`,
        model: `${format}-model-${index}`,
        dialect,
        stream,
        status: stream ? fault.stream : fault.json,
      })),
    ),
  ),
).filter(({ status, fault, provider }) => status !== 0 && !(fault.openAiOnly === true && provider.startsWith("ant")));

const broken = ({ status, stream, fault }: Case): boolean =>
  status !== 200 || (stream && fault.streamError !== undefined);

describe("what the client gets from a provider that", () => {
  for (const one of CASES) {
    const { fault, model, dialect, stream, status } = one;
    test.concurrent(`${fault.name}: ${dialect} client, ${model.slice(0, 3)}, ${stream ? "stream" : "whole"}`, async () => {
      const got = await send(model, dialect, stream);
      expect(got.status, got.text.slice(0, 500)).toBe(status);
      const error = errorOf(got.text);
      expect(error !== undefined, got.text.slice(0, 500)).toBe(broken(one));
      if (status === 200 && fault.streamError !== undefined) expect(error?.gateway_code).toContain(fault.streamError);
      if (stream && fault.text !== undefined) expect(wordsOf(got.text)).toBe(fault.text);
      if (stream && status === 200 && dialect === "openai")
        expect(got.text.trimEnd().endsWith("data: [DONE]")).toBe(true);
      if (fault.retryAfter !== undefined) expect(got.retryAfter).toBe(fault.retryAfter);
      expect(got.text).not.toContain(KEY);
      expect(got.text).not.toMatch(/node:|\.ts:|\n\s+at /); // No stack and no path of ours.
    });
  }
});

describe("afterwards", () => {
  test("every failure is counted once, where it belongs", async () => {
    await expect
      .poll(async () => {
        await readMetrics();
        return metric("fastapi_requests_in_progress", 'path="/v1/');
      })
      .toBe(0);
    for (const name of new Set(CASES.map((one) => one.provider))) {
      const cases = CASES.filter((one) => one.provider === name);
      const label = `provider="${name}"`;
      const expected = {
        name: `${name} ${cases[0]!.fault.name}`,
        errors: cases.filter(broken).length,
        successes: cases.filter((one) => !broken(one)).length,
        breaker: cases[0]!.fault.counts ? cases.length : 0,
      };
      const counted = {
        name: expected.name,
        errors: metric("model_inference_requests_total", label, 'status="error"'),
        successes: metric("model_inference_requests_total", label, 'status="success"'),
        breaker: metric("circuit_breaker_failures_total", label),
      };
      expect(counted).toEqual(expected);
    }
  });

  test("a connection on which something went wrong is closed, and none is left after the end", async () => {
    const broken = FAULTS.flatMap(({ counts }, index) => (counts ? [`/fault-${index}/`] : []));
    const left = () => provider.openConnections.filter((path) => broken.some((fault) => path.startsWith(fault)));
    await expect.poll(left).toEqual([]);
    await role.close();
    await expect.poll(() => provider.openConnections).toEqual([]);
  });
});

test("a provider that is not there, and one whose handshake never ends", async () => {
  const silent = createServer((socket) => void socket.resume()); // It reads the handshake and says nothing.
  await new Promise<void>((done) => silent.listen(0, "127.0.0.1", done));
  const { port } = silent.address() as { port: number };
  const other = await testContext("gateway", {
    mode: "live",
    gateway: {
      providers: {
        refusing: { baseUrl: "http://127.0.0.1:9/v1", models: ["refused"] },
        silent: { baseUrl: `https://127.0.0.1:${port}/v1`, models: ["silent"] },
      },
      timeouts: { connect: 300 },
      retries: { max: 0 },
    },
  });
  const gateway = await start(other);
  const ask = async (model: string): Promise<Response> => {
    const headers = { authorization: `Bearer ${TEST_ADMIN_KEY}` };
    const body = JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }] });
    return fetch(`${gateway.urls["main"]}/v1/chat/completions`, { method: "POST", headers, body });
  };
  expect((await ask("refused")).status).toBe(503);
  const startedAt = performance.now();
  expect((await ask("silent")).status).toBe(504);
  expect(performance.now() - startedAt).toBeLessThan(2_500);
  await gateway.close();
  await other.dispose();
  await new Promise((done) => silent.close(done));
});
