// CPU per request and latency of the gateway between a stub provider and a closed loop of clients, telemetry on.
// Run: npm run bench:gateway
import { fork } from "node:child_process";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Pool } from "undici";
import {
  ANTHROPIC_MESSAGE,
  OPENAI_COMPLETION,
  OPENAI_USAGE,
  openAiChunk,
} from "../src/gateway/testing/fixture-provider.ts";
import { TEST_ADMIN_KEY } from "../src/runtime/testing.ts";

const CONNECTIONS = 32;
const WARM_UP_MS = 1_500;
const MEASURED_MS = 6_000;
const STREAM_TICK_MS = 10;
const TARGET_JSON_MICROS = 400;

const stream = [
  openAiChunk({ role: "assistant", content: "" }),
  ...Array.from({ length: 50 }, (_, index) => openAiChunk({ content: `word${index} ` })),
  openAiChunk({}, "stop"),
  openAiChunk({}, null, { choices: [], usage: OPENAI_USAGE }),
  "data: [DONE]\n\n",
];

function answer(url: string, body: string, reply: ServerResponse): void {
  if (!body.includes('"stream":true')) {
    const json = JSON.stringify(url.endsWith("/messages") ? ANTHROPIC_MESSAGE : OPENAI_COMPLETION);
    reply.writeHead(200, { "content-type": "application/json" }).end(json);
    return;
  }
  reply.writeHead(200, { "content-type": "text/event-stream" });
  let next = 0;
  const timer = setInterval(() => {
    if (next < stream.length) reply.write(stream[next++]!);
    else {
      clearInterval(timer);
      reply.end();
    }
  }, STREAM_TICK_MS);
}

const stub = createServer((request, reply) => {
  let body = "";
  request.on("data", (chunk) => {
    body += chunk;
  });
  request.on("end", () => answer(request.url!, body, reply));
});
stub.keepAliveTimeout = 120_000;
await new Promise<void>((resolve) => stub.listen(0, "127.0.0.1", resolve));
const { port } = stub.address() as AddressInfo;

interface Usage {
  readonly cpuMicros: number;
  readonly rssBytes: number;
}
const child = fork(new URL("./gateway-process.ts", import.meta.url), [String(port)], { execArgv: ["--import", "tsx"] });
const message = <T>(): Promise<T> => new Promise((resolve) => child.once("message", (value) => resolve(value as T)));
const { url } = await message<{ url: string }>();
const usage = (): Promise<Usage> => {
  const reply = message<Usage>();
  child.send("usage");
  return reply;
};
const pool = new Pool(url, { connections: CONNECTIONS });
const headers = { authorization: `Bearer ${TEST_ADMIN_KEY}`, "content-type": "application/json" };

async function load(path: string, body: string, ms: number): Promise<number[]> {
  const timesMs: number[] = [];
  const until = performance.now() + ms;
  const client = async (): Promise<void> => {
    while (performance.now() < until) {
      const startedAt = performance.now();
      const reply = await pool.request({ method: "POST", path, headers, body });
      await reply.body.dump({ limit: 1e9 });
      if (reply.statusCode !== 200) throw new Error(`status ${reply.statusCode}`);
      timesMs.push(performance.now() - startedAt);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, client));
  return timesMs.sort((a, b) => a - b);
}

async function measure(name: string, path: string, model: string, rest: object): Promise<number> {
  const messages = [{ role: "user", content: "Say hello to the world, please." }];
  const body = JSON.stringify({ model, messages, ...rest });
  await load(path, body, WARM_UP_MS);
  const before = await usage();
  const timesMs = await load(path, body, MEASURED_MS);
  const after = await usage();
  const micros = (after.cpuMicros - before.cpuMicros) / timesMs.length;
  const at = (share: number): string => timesMs[Math.floor(timesMs.length * share)]!.toFixed(1);
  const rate = (timesMs.length / (MEASURED_MS / 1_000)).toFixed(0);
  const memory = (after.rssBytes / 2 ** 20).toFixed(0);
  console.log(
    `${name}: ${rate} req/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, CPU ${micros.toFixed(0)} µs/request, ${memory} MiB`,
  );
  return micros;
}

const chat = "/v1/chat/completions";
const json = await measure("JSON, same format", chat, "gpt-4o-mini", {});
await measure("JSON, Anthropic client → OpenAI", "/v1/messages", "gpt-4o-mini", { max_tokens: 10 });
await measure("JSON, OpenAI client → Anthropic", chat, "claude-haiku-4-5", {});
await measure("stream of 50 chunks, same format", chat, "gpt-4o-mini", { stream: true });
const translated = { stream: true, max_tokens: 10 };
await measure("stream of 50 chunks, Anthropic client → OpenAI", "/v1/messages", "gpt-4o-mini", translated);
console.log(json <= TARGET_JSON_MICROS ? "within" : "ABOVE", `the target of ${TARGET_JSON_MICROS} µs per JSON request`);
child.disconnect();
process.exit(json <= TARGET_JSON_MICROS ? 0 : 1);
