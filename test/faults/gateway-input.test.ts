import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { start } from "../../src/gateway/index.ts";
import {
  ANTHROPIC_MESSAGE,
  type FixtureAnswer,
  type FixtureProvider,
  json,
  OPENAI_COMPLETION,
  OPENAI_STREAM,
  sse,
  startFixtureProvider,
} from "../../src/gateway/testing/fixture-provider.ts";
import type { Role } from "../../src/runtime/role.ts";
import { TEST_ADMIN_KEY, type TestContext, testContext } from "../../src/runtime/testing.ts";
import { until } from "../support/until.ts";
import { HOSTILE_BODIES, HOSTILE_PATHS, HOSTILE_REQUESTS } from "./gateway-input-corpus.ts";

/** What clients may send to the gateway, on purpose or not: FAULTS rows 24 to 34, as far as they are the gateway's. */

const BODY_BYTES_MAX = 4 * 1024 * 1024;
const PROVIDER_KEY = "sk-proj-canaryProvider0123456789abcdefghij";
const CLIENT_KEY = "gw_live_canaryClient0123456789abcdefghijklmnopqrstu";
const PLAIN_PROVIDER_KEY = "canaryplainproviderkey42";
const PROMPT_CANARY = "canary-prompt-7f3a9";
const CANARIES = [PROVIDER_KEY, CLIENT_KEY, PLAIN_PROVIDER_KEY, TEST_ADMIN_KEY, PROMPT_CANARY];

let context: TestContext;
let role: Role;
let url: string;
let port: number;
let openai: FixtureProvider;
let anthropic: FixtureProvider;
/** Plays logs and traces and keeps what it is sent. */
let sink: Server;
/** Takes any upload. */
let whisper: Server;
const pushed: { path: string; body: Buffer }[] = [];
/** Every reply body that a client was shown while the canaries were used. */
const shown: string[] = [];
let bombs: string;

beforeAll(async () => {
  bombs = mkdtempSync(join(tmpdir(), "gatewayz-bombs-"));
  openai = await startFixtureProvider(answerByPath);
  whisper = createServer(async (request, reply) => {
    for await (const _piece of request);
    reply.writeHead(200, { "content-type": "application/json" }).end('{"text":"x"}');
  });
  await new Promise<void>((resolve) => whisper.listen(0, "127.0.0.1", resolve));
  const whisperUrl = `http://127.0.0.1:${(whisper.address() as AddressInfo).port}`;
  anthropic = await startFixtureProvider(json(ANTHROPIC_MESSAGE));
  sink = createServer(async (request, reply) => {
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    pushed.push({ path: request.url!, body: Buffer.concat(parts) });
    reply.writeHead(204).end();
  });
  await new Promise<void>((resolve) => sink.listen(0, "127.0.0.1", resolve));
  const sinkUrl = `http://127.0.0.1:${(sink.address() as AddressInfo).port}`;
  context = await testContext("gateway", {
    mode: "live",
    peers: { logs: sinkUrl, otlp: sinkUrl },
    gateway: {
      bodyBytesMax: BODY_BYTES_MAX,
      providers: {
        oai: { baseUrl: `${openai.url}/v1`, apiKey: PROVIDER_KEY, models: ["oai-model"] },
        whisper: { baseUrl: whisperUrl, models: ["whisper-1"] },
        ant: { type: "anthropic", baseUrl: anthropic.url, apiKey: PLAIN_PROVIDER_KEY, models: ["ant-model"] },
        dead: { baseUrl: "http://127.0.0.1:9/v1", apiKey: PROVIDER_KEY, models: ["dead-model"] },
      },
      keys: { canary: CLIENT_KEY },
      breaker: { consecutiveFailures: 1e6, windowRequestsMin: 1e6 },
      limits: { requestsPerMinute: 1e6, requestsPerHour: 1e6, requestsPerDay: 1e6 },
      safety: {
        hooks: [{ module: "block-list", options: { words: ["blocked"], patterns: ["^(a+)+$", "(x+x+)+y"] } }],
        browser: { origins: ["https://app.example.com"], hosts: ["gateway.internal"] },
      },
    },
  });
  role = await start(context);
  url = role.urls["main"]!;
  port = Number(new URL(url).port);
});
afterAll(async () => {
  await role?.close();
  for (const server of [openai, anthropic]) await server?.close();
  sink?.close();
  whisper?.close();
  await context?.dispose();
  rmSync(bombs, { recursive: true, force: true });
});

/** What each of OpenAI's endpoints answers, so that no refusal is a provider's. */
const answerByPath: FixtureAnswer = (request, reply) => {
  const list = { object: "list", data: [], results: [], choices: [{ index: 0, text: "x", finish_reason: "stop" }] };
  const whole = request.path.endsWith("/chat/completions") ? OPENAI_COMPLETION : list;
  if (request.body["stream"] === true) return sse(OPENAI_STREAM)(request, reply);
  return json(whole)(request, reply);
};
const ADMIN = { authorization: `Bearer ${TEST_ADMIN_KEY}` };
const chat = (content: unknown = "hello", rest: object = {}): object => ({
  model: "oai-model",
  messages: [{ role: "user", content }],
  ...rest,
});

async function post(
  body: string | Buffer,
  headers: Record<string, string> = {},
  path = "/v1/chat/completions",
): Promise<{ status: number; text: string }> {
  const reply = await fetch(`${url}${path}`, {
    method: "POST",
    headers: { ...ADMIN, "content-type": "application/json", ...headers },
    body: body as never,
  });
  return { status: reply.status, text: await reply.text() };
}

/** The gateway still answers; a crash would show here at once. */
async function alive(): Promise<void> {
  expect((await fetch(`${url}/health`)).status).toBe(200);
}

describe("24: bombs", () => {
  const BOMB_MIB = 512;
  beforeAll(() => {
    // Made by another process, so that this one's high-water mark of memory is the gateway's.
    const script = `
      const { createGzip, createBrotliCompress, createDeflate, gzipSync, constants } = require("node:zlib");
      const { createWriteStream, readFileSync, writeFileSync } = require("node:fs");
      const { pipeline } = require("node:stream/promises");
      const dir = process.argv[1];
      const zeros = function* () { const piece = Buffer.alloc(1 << 20); for (let i = 0; i < ${BOMB_MIB}; i++) yield piece; };
      (async () => {
        await pipeline(zeros, createGzip({ level: 9 }), createWriteStream(dir + "/gzip"));
        await pipeline(zeros, createDeflate({ level: 9 }), createWriteStream(dir + "/deflate"));
        const params = { [constants.BROTLI_PARAM_QUALITY]: 3, [constants.BROTLI_PARAM_LGWIN]: 24 };
        await pipeline(zeros, createBrotliCompress({ params }), createWriteStream(dir + "/br"));
        writeFileSync(dir + "/gzip, gzip", gzipSync(readFileSync(dir + "/gzip")));
        const { compress } = require(${JSON.stringify(join(process.cwd(), "node_modules/@mongodb-js/zstd"))});
        writeFileSync(dir + "/zstd", await compress(Buffer.alloc(128 << 20)));
      })();`;
    execFileSync(process.execPath, ["-e", script, bombs], { stdio: "inherit" });
  });

  test.each(["gzip", "deflate", "br", "gzip, gzip", "zstd"])(
    "%s: 413, and its memory is never taken",
    async (encoding) => {
      const bomb = readFileSync(join(bombs, encoding));
      const before = process.resourceUsage().maxRSS;
      const { status, text } = await post(bomb, { "content-encoding": encoding });
      const grownMiB = (process.resourceUsage().maxRSS - before) / 1024;
      expect(text).toContain("REQUEST_TOO_LARGE");
      expect(status).toBe(413);
      expect(grownMiB).toBeLessThan(64);
      await alive();
    },
  );

  test.each(["gzip", "br"])("%s: without a key it is not even looked at", async (encoding) => {
    const start = process.cpuUsage();
    const { status } = await post(readFileSync(join(bombs, encoding)), {
      "content-encoding": encoding,
      authorization: "Bearer wrong",
    });
    expect(status).toBe(401);
    // Unpacking what the limit allows would already take longer.
    expect(process.cpuUsage(start).user / 1_000).toBeLessThan(500);
  });

  test("more than two layers, and encodings that nobody knows, are refused", async () => {
    expect((await post("x", { "content-encoding": "gzip, gzip, gzip" })).status).toBe(415);
    expect((await post("x", { "content-encoding": "compress" })).status).toBe(415);
    expect((await post("not gzip", { "content-encoding": "gzip" })).status).toBe(400);
  });

  test("a form is no way around it", async () => {
    const headers = { "content-type": "multipart/form-data; boundary=b", "content-encoding": "gzip" };
    expect((await post(readFileSync(join(bombs, "gzip")), headers, "/v1/audio/transcriptions")).status).toBe(415);
  });
});

describe("25: deep JSON", () => {
  test.each([
    ["arrays", "[".repeat(2_000_000)],
    ["closed arrays", "[".repeat(1_000_000) + "]".repeat(1_000_000)],
    ["objects", `${'{"a":'.repeat(600_000)}1${"}".repeat(600_000)}`],
    ["inside a message", JSON.stringify(chat("X")).replace('"X"', "[".repeat(500) + "]".repeat(500))],
    ["one level too deep", `{"a":${"[".repeat(128)}${"]".repeat(128)}}`],
  ])("%s: 400 at once", async (_name, body) => {
    const startedAt = performance.now();
    const { status, text } = await post(body);
    expect(status).toBe(400);
    expect(text).toContain("nests deeper than 128 levels");
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  test("brackets in a text are text", async () => {
    expect((await post(JSON.stringify(chat("[".repeat(10_000))))).status).toBe(200);
  });
});

test("26: a pattern that would take ages elsewhere takes a moment, whatever the prompt", async () => {
  for (const hostile of [`${"a".repeat(200_000)}!`, "x".repeat(200_000)]) {
    const startedAt = performance.now();
    expect((await post(JSON.stringify(chat(hostile)))).status).toBe(200);
    expect(performance.now() - startedAt).toBeLessThan(1_500);
  }
  expect((await post(JSON.stringify(chat("aaaa")))).status).toBe(400);
});

describe("28: strange bytes", () => {
  const paths = [
    "/v1/chat/completions",
    "/v1/messages",
    "/v1/responses",
    "/v1/embeddings",
    "/v1/completions",
    "/v1/moderations",
    "/v1/rerank",
    "/v1/images/generations",
    "/v1/audio/speech",
    "/v1/audio/transcriptions/base64",
    "/v1/messages/count_tokens",
  ];
  const expected = new Set([200, 400, 404, 415]);

  test.each(HOSTILE_BODIES)("corpus: $name", async ({ bytes }) => {
    for (const path of paths) {
      const { status, text } = await post(bytes, {}, path);
      expect(expected.has(status), `${path}: ${status} ${text}`).toBe(true);
      if (status !== 200) expect(JSON.parse(text).error.message).toEqual(expect.any(String));
    }
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    await alive();
  });

  test("what is valid reaches the provider exactly as it was", async () => {
    const texts = [
      "\u0000",
      "\ud800",
      "a\udc00b",
      "\u2028\u2029",
      "\ufeff",
      "😀",
      "\\u0000",
      "\u007f\u0080",
      "</script>",
    ];
    for (const text of texts) {
      openai.seen.length = 0;
      const body = `{"model":"oai-model","messages":[{"role":"user","content":${JSON.stringify(text)}}],"__proto__":{"polluted":1},"metadata":{"constructor":{"prototype":{"polluted":1}},"__proto__":"x"}}`;
      expect((await post(body)).status).toBe(200);
      expect(JSON.stringify(openai.seen[0]!.body)).toBe(JSON.stringify(JSON.parse(body)));
    }
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  test("fuzz: no body crashes it, every answer is an answer", async () => {
    const valid = fc.constantFrom(
      JSON.stringify(chat()),
      JSON.stringify(chat("x", { stream: true })),
      JSON.stringify({
        ...chat(),
        model: "ant-model",
        max_tokens: 5,
        tools: [{ type: "function", function: { name: "f" } }],
      }),
    );
    const hit = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 0, max: 255 }));
    const damaged = fc.tuple(valid, fc.array(hit, { maxLength: 4 })).map(([text, hits]) => {
      const bytes = Buffer.from(text);
      for (const [at, value] of hits) bytes[Math.min(bytes.length - 1, Math.floor(at * bytes.length))] = value;
      return bytes;
    });
    const anyJson = fc.jsonValue({ maxDepth: 4 }).map((value) => Buffer.from(JSON.stringify(value)));
    const anyMember = fc
      .record({
        model: fc.constantFrom("oai-model", "ant-model"),
        messages: fc.jsonValue(),
        tools: fc.jsonValue(),
        stop: fc.jsonValue(),
        max_tokens: fc.jsonValue(),
        system: fc.jsonValue(),
        input: fc.jsonValue(),
      })
      .map((value) => Buffer.from(JSON.stringify(value)));
    const raw = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
    const path = fc.constantFrom(...paths);
    await fc.assert(
      fc.asyncProperty(fc.oneof(damaged, anyJson, anyMember, raw), path, async (bytes, where) => {
        const { status, text } = await post(bytes, {}, where);
        expect(status, text).toBeLessThan(500);
      }),
      { numRuns: 400 },
    );
    await alive();
  }, 60_000);

  test("fuzz: forms", async () => {
    const form = Buffer.from(
      '--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="a.mp3"\r\nContent-Type: audio/mpeg\r\n\r\n\u0000\u0001\r\n--b--\r\n',
    );
    const hit = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 0, max: 255 }));
    const damaged = fc.tuple(fc.array(hit, { maxLength: 5 }), fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean());
    await fc.assert(
      fc.asyncProperty(damaged, async ([hits, keep, cut]) => {
        const bytes = Buffer.from(form);
        for (const [at, value] of hits) bytes[Math.min(bytes.length - 1, Math.floor(at * bytes.length))] = value;
        const sent = cut ? bytes.subarray(0, Math.floor(keep * bytes.length)) : bytes;
        const headers = { "content-type": "multipart/form-data; boundary=b" };
        const { status } = await post(sent, headers, "/v1/audio/transcriptions");
        expect([200, 400, 404, 413]).toContain(status);
      }),
      { numRuns: 150 },
    );
    await alive();
  }, 60_000);
});

test("29: no path leads to a file", async () => {
  const secret = "canary-file-content-5581";
  writeFileSync(join(context.dataDir, "secret.txt"), secret);
  for (const path of HOSTILE_PATHS(context.dataDir)) {
    for (const method of ["GET", "POST", "DELETE"]) {
      const reply = await rawRequest(
        `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${TEST_ADMIN_KEY}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
      );
      expect(reply, `${method} ${path}`).not.toContain(secret);
      expect(reply).not.toContain("root:x:0");
      expect(reply).not.toContain('"gatewayz",'); // Of package.json.
      // `/health/model/…` takes any name for a model's and knows nothing of it.
      expect(reply, `${method} ${path}`).toMatch(/^HTTP\/1\.1 (400|404|405|503|200 OK\r\n(.+\r\n)*\r\n\{"model)/);
    }
  }
});

describe("31: browsers", () => {
  const cross = (method: string, path: string, headers: Record<string, string>): Promise<Response> =>
    fetch(`${url}${path}`, { method, headers, ...(method === "POST" ? { body: JSON.stringify(chat()) } : {}) });

  test.each([
    "https://evil.example",
    "http://gateway.internal.evil.example",
    "null",
    "http://localhost:9999",
    "file://",
  ])("a page of %s cannot change anything, with a stolen key neither", async (origin) => {
    openai.seen.length = 0;
    // As a form sends it, and as fetch does.
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/json"]) {
      const reply = await cross("POST", "/v1/chat/completions", { ...ADMIN, origin, "content-type": type });
      expect(reply.status).toBe(403);
      expect(await reply.json()).toMatchObject({ error: { gateway_code: "ORIGIN_NOT_ALLOWED" } });
      expect(reply.headers.get("access-control-allow-origin")).toBeNull();
    }
    expect(openai.seen).toHaveLength(0);
    // It may send a GET, as any picture does; it cannot read the answer.
    const read = await cross("GET", "/health", { origin });
    expect(read.headers.get("access-control-allow-origin")).toBeNull();
    const preflight = await cross("OPTIONS", "/v1/chat/completions", {
      origin,
      "access-control-request-method": "POST",
    });
    expect(preflight.status).toBe(403);
  });

  test("a page that the configuration names is answered, and asked for nothing but its key", async () => {
    const origin = "https://app.example.com";
    const asked = {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization, content-type, x-stainless-lang",
    };
    const preflight = await cross("OPTIONS", "/v1/chat/completions", asked);
    expect(preflight.status).toBe(204);
    expect(Object.fromEntries(preflight.headers)).toMatchObject({
      "access-control-allow-origin": origin,
      "access-control-allow-headers": "authorization, content-type, x-stainless-lang",
      "access-control-allow-methods": expect.stringContaining("POST"),
      vary: "Origin",
    });
    expect(preflight.headers.get("access-control-allow-credentials")).toBeNull();
    const reply = await cross("POST", "/v1/chat/completions", { ...ADMIN, origin, "content-type": "application/json" });
    expect(reply.status).toBe(200);
    expect(reply.headers.get("access-control-allow-origin")).toBe(origin);
    const stranger = await cross("POST", "/v1/chat/completions", { origin, "content-type": "application/json" });
    expect(stranger.status).toBe(401);
    expect(stranger.headers.get("access-control-allow-origin")).toBe(origin); // So that the page can read the error.
  });

  test.each([
    ["evil.example:8000", 403],
    ["127.0.0.1.evil.example", 403],
    ["localhost.evil.example", 403],
    ["evil.example@127.0.0.1", 403],
    ["localhost:8000", 200],
    ["LOCALHOST", 200],
    ["app.localhost", 200],
    ["127.0.0.1", 200],
    ["[::1]:8000", 200],
    ["192.168.1.5:8000", 200],
    ["gateway.internal", 200],
  ])("on loopback, called %s without a key: %i", async (host, status) => {
    const reply = await rawRequest(`GET /health HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    expect(reply.startsWith(`HTTP/1.1 ${status} `), reply.slice(0, 200)).toBe(true);
    // Behind a proxy that keeps the name, clients have keys.
    const withKey = `GET /v1/models HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${TEST_ADMIN_KEY}\r\nConnection: close\r\n\r\n`;
    expect((await rawRequest(withKey)).startsWith("HTTP/1.1 200 ")).toBe(true);
  });
});

describe("32: requests that mean two things", () => {
  test.each(HOSTILE_REQUESTS)("$name: 400, and the connection is closed", async ({ bytes }) => {
    openai.seen.length = 0;
    const reply = await rawRequest(bytes.replaceAll("$KEY", TEST_ADMIN_KEY));
    const statuses = reply.match(/^HTTP\/1\.1 \d{3}/gm) ?? [];
    // One answer at most, and no second request that was smuggled behind the first.
    expect(statuses.length, reply.slice(0, 500)).toBeLessThanOrEqual(1);
    expect(["HTTP/1.1 400", "HTTP/1.1 431", undefined]).toContain(statuses[0]);
    expect(openai.seen).toHaveLength(0);
  });

  test("header values that clients choose come back as one header or not at all", async () => {
    const ids = ["ok-1", "a b", "a\tb", "é", `${"x".repeat(200)}`, "%0d%0aevil: 1"];
    for (const id of ids) {
      const reply = await rawRequest(
        Buffer.from(
          `GET /health HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: ${id}\r\nConnection: close\r\n\r\n`,
          "latin1",
        ),
      );
      expect(reply).not.toMatch(/^evil:/im);
      expect(reply.includes(`x-request-id: ${id}\r\n`)).toBe(id === "ok-1");
    }
  });

  test("names of members that cannot be translated do not become headers of their own", async () => {
    const body = {
      ...chat(),
      model: "ant-model",
      max_tokens: 5,
      "x\r\nevil: 1": 1,
      "é😀": 2,
      logit_bias: { "50256": -100 },
      seed: 7,
    };
    const reply = await fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      headers: { ...ADMIN, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    expect(reply.headers.get("evil")).toBeNull();
    expect([200, 400]).toContain(reply.status);
  });
});

describe("33 and 34: what leaves the gateway", () => {
  const NASTY = "x\r\nlevel=ERROR forged\u001b[31m\u0000\u2028";

  beforeAll(async () => {
    const show = async (reply: Promise<{ text: string }>): Promise<void> => void shown.push((await reply).text);
    const as = { authorization: `Bearer ${CLIENT_KEY}` };
    const prompt = JSON.stringify(chat(PROMPT_CANARY));
    await show(post(prompt, as));
    await show(post(prompt.replace("oai-model", "dead-model"), as));
    await show(post(JSON.stringify({ ...chat(PROMPT_CANARY), model: "ant-model", max_tokens: 5 }), as, "/v1/messages"));
    // Providers that quote their credentials, a wrong key that nearly is the right one, keys in odd places.
    openai.answer = json(
      { error: { message: `Incorrect API key provided: ${PROVIDER_KEY}. ${PROMPT_CANARY.slice(0, 0)}` } },
      401,
    );
    anthropic.answer = json(
      { type: "error", error: { type: "x", message: `bad x-api-key ${PLAIN_PROVIDER_KEY}` } },
      400,
    );
    await show(post(prompt, as));
    await show(post(prompt.replace("oai-model", "ant-model"), as));
    openai.answer = (_request, reply) => void reply.writeHead(500).end(`Authorization: Bearer ${PROVIDER_KEY}`);
    await show(post(prompt, as));
    await show(post(prompt, { ...as, "user-agent": `curl Bearer ${CLIENT_KEY}`, "x-request-id": "id-1" }));
    await show(post(`{"model": "${CLIENT_KEY}", "messages": [{"role":"user","content":"x"}]}`, as));
    await show(post(`{"model": "oai-model", "messages": "${PROMPT_CANARY}", `, as));
    await show(post(JSON.stringify(chat([{ type: "odd", value: PROMPT_CANARY }])), as));
    await show(post(JSON.stringify(chat(`${PROMPT_CANARY} blocked`)), as));
    openai.answer = answerByPath;
    for (const path of [`/v1/models?key=${CLIENT_KEY}`, `/v1/nothing/${CLIENT_KEY}`, `/v1/models/${CLIENT_KEY}`]) {
      await show(fetch(`${url}${path}`, { headers: as }).then(async (reply) => ({ text: await reply.text() })));
    }
    await show(
      post(JSON.stringify({ ...chat(), model: NASTY }), {
        ...as,
        "user-agent": "agent \u001b[31m".replace("\u001b", "%1b"),
      }),
    );
    await show(post(JSON.stringify({ ...chat(), user: NASTY }), as));
    openai.answer = json({ error: { message: NASTY } }, 400);
    await show(post(JSON.stringify(chat()), as));
    openai.answer = answerByPath;
    const metrics = await fetch(`${url}/metrics`, { headers: ADMIN });
    shown.push(await metrics.text());
    await until("spans arrive", () => pushed.some(({ path }) => path.startsWith("/v1/traces")), 10_000);
    await new Promise((resolve) => setTimeout(resolve, 1_500)); // What is under way to disk and to its peers.
  });

  /** Model names that clients make up are theirs to see; everything else must not have a key in it. */
  const without = (text: string, canary: string): void => {
    const at = text.indexOf(canary);
    expect(at === -1 ? "" : text.slice(Math.max(0, at - 200), at + 200)).toBe("");
  };

  test.each(CANARIES)("%s is in no answer, log line, metric or span, and in no file", (canary) => {
    const mayEcho = canary === CLIENT_KEY; // A client that sends its key as a model's name or a path sees it again.
    if (!mayEcho) without(shown.join("\n"), canary);
    without(JSON.stringify(context.lines), canary);
    expect(pushed.some(({ path }) => path.startsWith("/loki"))).toBe(true);
    for (const { body } of pushed) without(body.toString("latin1"), canary);
    for (const file of filesIn(context.dataDir)) without(readFileSync(file).toString("latin1"), canary);
  });

  test("no line of the log can be forged", () => {
    const lines = pushed
      .filter(({ path }) => path.startsWith("/loki"))
      .flatMap(
        ({ body }) => (JSON.parse(body.toString("utf8")) as { streams: { values: [string, string][] }[] }).streams,
      )
      .flatMap(({ values }) => values.map(([, line]) => line));
    expect(lines.some((line) => line.includes("forged"))).toBe(true);
    for (const line of lines) {
      expect(line).not.toMatch(/[\u0000-\u001f\u007f\u2028\u2029]/);
      expect(() => JSON.parse(line)).not.toThrow();
    }
    const exposed = shown.at(-1)!;
    expect(exposed).not.toMatch(/^level=ERROR/m);
    expect(exposed).not.toContain("\u001b");
  });
});

function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true })
    .map((name) => join(directory, String(name)))
    .filter((path) => statSync(path).isFile());
}

/** Sends bytes as they are and returns everything that comes until the gateway closes, or for a second. */
function rawRequest(bytes: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let received = "";
    const done = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(received);
    };
    const timer = setTimeout(done, 1_000);
    socket.on("error", done);
    socket.on("close", done);
    socket.on("data", (chunk) => (received += chunk.toString("latin1")));
    socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  });
}
