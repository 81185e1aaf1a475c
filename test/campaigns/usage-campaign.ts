import { spawnSync } from "node:child_process";
import { createServer, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import LibSql from "libsql";
import { Agent, request as send } from "undici";
import { anthropicEvent, openAiChunk } from "../../src/gateway/testing/fixture-provider.ts";
import { NO_LIMITS, residentMegabytes, startGatewayStack } from "../support/gateway-stack.ts";
import type { Stack } from "../support/stack.ts";
import { until } from "../support/until.ts";

export interface CampaignOptions {
  readonly requests: number;
  /** How often all workers are killed, and how often the whole gateway is, spread over the run. */
  readonly kills: number;
  readonly roleKills: number;
  readonly seed: number;
  readonly workers: number;
  readonly clients: number;
}

export interface CampaignResult {
  /** Requests whose answer came whole, with an honest error, or not at all because the connection was cut. */
  readonly ended: number;
  readonly refused: number;
  readonly cut: number;
  /** Requests whose client left before the end. */
  readonly aborted: number;
  /** Requests that the database says were interrupted by a kill. */
  readonly interrupted: number;
  /** What is wrong, at most 20; empty is the aim. */
  readonly mistakes: readonly string[];
  /** Resident MB of the gateway's processes after each tenth of the run. */
  readonly megabytes: readonly number[];
  readonly seconds: number;
}

const KEY = "gw_test_campaign_0123456789abcdef0123456789";
const FAULT_SHARE = 0.1;
/** Of the requests whose provider is well: clients that leave in the middle. */
const ABORT_SHARE = 0.05;
const MISTAKES_MAX = 20;
/** Words of a stream. */
const WORDS = 6;

interface Tokens {
  readonly input: number;
  readonly output: number;
}

/** Small and good enough: the same numbers for the same seed on every machine (mulberry32). */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Kind = "good" | "500" | "reset" | "broken stream" | "garbage" | "429";
const FAULTS: readonly Kind[] = ["500", "reset", "broken stream", "garbage", "429"];

interface Plan {
  readonly name: string;
  readonly kind: Kind;
  readonly stream: boolean;
  readonly dialect: "openai" | "anthropic";
  readonly format: "openai" | "anthropic";
  readonly tokens: Tokens;
  /** The client leaves: after so many words of a stream, or after so many ms of a whole answer. */
  readonly abortAfter: number | undefined;
}

function planOf(seed: number, index: number): Plan {
  const next = random(seed * 1_000_003 + index);
  const faulty = next() < FAULT_SHARE;
  return {
    name: `r${index}`,
    kind: faulty ? FAULTS[Math.floor(next() * FAULTS.length)]! : "good",
    stream: next() < 0.5,
    dialect: next() < 0.5 ? "openai" : "anthropic",
    format: next() < 0.5 ? "openai" : "anthropic",
    tokens: { input: 1 + Math.floor(next() * 500), output: 1 + Math.floor(next() * 200) },
    abortAfter: !faulty && next() < ABORT_SHARE ? 1 + Math.floor(next() * 5) : undefined,
  };
}

/** The provider of both formats; what it does with a request follows from the request's name. */
function startProvider(seed: number): Promise<{ server: Server; url: string; served: Map<string, number> }> {
  const served = new Map<string, number>();
  const server = createServer((request, reply) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      if (request.method === "GET") return reply.writeHead(404).end("{}");
      const name = /"r\d+"/.exec(Buffer.concat(parts).toString("latin1"))![0].slice(1, -1);
      served.set(name, (served.get(name) ?? 0) + 1);
      void answer(planOf(seed, Number(name.slice(1))), reply);
      return undefined;
    });
  });
  server.keepAliveTimeout = 120_000;
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      resolve({ server, url: `http://127.0.0.1:${port}`, served });
    });
  });
}

async function answer(plan: Plan, reply: ServerResponse): Promise<void> {
  const { kind, stream, format, tokens } = plan;
  await sleep(tokens.output % 10);
  const json = { "content-type": "application/json" };
  if (kind === "500") return void reply.writeHead(500, json).end('{"error":{"message":"boom"}}');
  if (kind === "429") return void reply.writeHead(429, json).end('{"error":{"message":"slow down"}}');
  if (kind === "garbage") return void reply.writeHead(200, { "content-type": "text/html" }).end("<html>");
  if (kind === "reset") return void reply.destroy();
  if (!stream) {
    if (kind === "broken stream")
      return void reply.writeHead(200, { ...json, "content-length": 1_000 }).write('{"id":');
    return void reply
      .writeHead(200, json)
      .end(JSON.stringify(format === "openai" ? completion(tokens) : message(tokens)));
  }
  const pieces = format === "openai" ? openAiPieces(tokens) : anthropicPieces(tokens);
  reply.writeHead(200, { "content-type": "text/event-stream" });
  for (const [index, piece] of pieces.entries()) {
    if (kind === "broken stream" && index === 3) return void reply.destroy();
    reply.write(piece);
    if (index % 2 === 0) await sleep(1);
  }
  reply.end();
}

function completion({ input, output }: Tokens): object {
  const usage = { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
  const choices = [{ index: 0, message: { role: "assistant", content: "Hello world" }, finish_reason: "stop" }];
  return { id: "chatcmpl-1", object: "chat.completion", created: 1, model: "m", choices, usage };
}

function message({ input, output }: Tokens): object {
  const usage = { input_tokens: input, output_tokens: output };
  const content = [{ type: "text", text: "Hello world" }];
  return {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "m",
    content,
    stop_reason: "end_turn",
    stop_sequence: null,
    usage,
  };
}

function openAiPieces({ input, output }: Tokens): string[] {
  const usage = { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
  const words = Array.from({ length: WORDS }, () => openAiChunk({ content: "word " }));
  const end = openAiChunk({}, null, { choices: [], usage });
  return [openAiChunk({ role: "assistant", content: "" }), ...words, openAiChunk({}, "stop"), end, "data: [DONE]\n\n"];
}

function anthropicPieces({ input, output }: Tokens): string[] {
  const start = { id: "msg_1", type: "message", role: "assistant", model: "m", content: [], stop_reason: null };
  const words = Array.from({ length: WORDS }, () =>
    anthropicEvent("content_block_delta", { index: 0, delta: { type: "text_delta", text: "word " } }),
  );
  return [
    anthropicEvent("message_start", { message: { ...start, usage: { input_tokens: input, output_tokens: 1 } } }),
    anthropicEvent("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
    ...words,
    anthropicEvent("content_block_stop", { index: 0 }),
    anthropicEvent("message_delta", { delta: { stop_reason: "end_turn" }, usage: { output_tokens: output } }),
    anthropicEvent("message_stop"),
  ];
}

/** How one request ended for its client. */
type End = "ended" | "error" | "broken" | "cut" | "aborted";

/** How a request ended, and the words of a stream that its client had read. */
interface Seen {
  readonly end: End;
  readonly words: number;
}

/** Sends one request and reads its answer to the end, or until its plan says that the client leaves. */
async function ask(url: string, dispatcher: Agent, plan: Plan): Promise<Seen> {
  const { abortAfter, stream } = plan;
  const leave = new AbortController();
  const seen = { words: 0 };
  const timer = abortAfter === undefined || stream ? undefined : setTimeout(() => leave.abort(), abortAfter);
  try {
    const end = await askUntil(url, dispatcher, plan, leave.signal, (text) => {
      seen.words += text.split('word "').length - 1;
      if (stream && abortAfter !== undefined && seen.words >= abortAfter) leave.abort();
    });
    return { end, ...seen };
  } catch {
    // The connection was refused, reset or closed in the middle; or it was us.
    return { end: leave.signal.aborted ? "aborted" : "cut", ...seen };
  } finally {
    clearTimeout(timer);
  }
}

async function askUntil(
  url: string,
  dispatcher: Agent,
  plan: Plan,
  signal: AbortSignal,
  read: (text: string) => void,
): Promise<End> {
  const { name, dialect, format, stream } = plan;
  const common = {
    model: `${format}-model`,
    stream,
    max_tokens: 200,
    messages: [{ role: "user", content: "Say hello." }],
  };
  const body = dialect === "openai" ? { ...common, user: name } : { ...common, metadata: { user_id: name } };
  const reply = await send(url + (dialect === "openai" ? "/v1/chat/completions" : "/v1/messages"), {
    dispatcher,
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
  let text = "";
  for await (const piece of reply.body) {
    text += String(piece);
    read(String(piece));
  }
  if (reply.statusCode !== 200) return text.includes('"error"') ? "error" : "broken";
  if (!stream) return JSON.parse(text).usage === undefined ? "broken" : "ended";
  if (/"error":\{/.test(text)) return "error";
  if (dialect === "openai") return endsWith(text, "data: [DONE]");
  return text.includes("event: message_stop") ? "ended" : "broken";
}

function endsWith(text: string, mark: string): End {
  return text.trimEnd().endsWith(mark) ? "ended" : "broken";
}

/** Runs the campaign against the built program and compares its database with what the provider served. */
export async function runUsageCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const { requests, seed, workers, clients } = options;
  const kills = options.kills + options.roleKills;
  const startedAt = performance.now();
  const { server, url: upstream, served } = await startProvider(seed);
  const stack = await startStack(upstream, workers);
  const dispatcher = new Agent({ connections: clients, pipelining: 1 });
  const ends = new Map<string, Seen>();
  const megabytes: number[] = [];
  let next = 0;
  let killed = 0;
  const client = async (): Promise<void> => {
    while (next < requests) {
      const index = next++;
      if (killed < kills && index >= ((killed + 1) * requests) / (kills + 1)) {
        // The whole gateway in the middle.
        const whole = killed >= options.kills / 2 && killed < options.kills / 2 + options.roleKills;
        killed++;
        if (whole) process.kill(stack.pidOf("gateway"), "SIGKILL");
        else killWorkers(stack);
      }
      if (index % Math.ceil(requests / 10) === Math.ceil(requests / 10) - 1)
        megabytes.push(Math.round(residentMegabytes(stack)));
      const plan = planOf(seed, index);
      const seen = await ask(stack.url("gateway"), dispatcher, plan);
      ends.set(plan.name, seen);
      if (seen.end === "cut") await until("a worker answers again", () => answers(stack), 30_000);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  await dispatcher.close();
  await allWorkersReady(stack, workers);
  await stack.stop();
  server.closeAllConnections();
  server.close();
  const rows = readUsage(join(stack.dataDir, "gateway/gateway.db"));
  const result = compare(options, ends, served, rows);
  await stack.dispose();
  return { ...result, megabytes, seconds: (performance.now() - startedAt) / 1_000 };
}

function startStack(upstream: string, workers: number): Promise<Stack> {
  const apiKey = "sk-campaign";
  return startGatewayStack({
    workers,
    keys: { campaign: { key: KEY } },
    concurrency: { active: 1_000, queued: 1_000 },
    limits: NO_LIMITS,
    // Faults are a tenth of everything, on purpose: nothing is to be taken out of service for them.
    breaker: { consecutiveFailures: 1_000_000, windowRequestsMin: 1_000_000 },
    availabilityBreaker: { failures: 1_000_000 },
    velocityMode: { requestsMin: 1_000_000_000 },
    timeouts: { attempt: "5s", request: "10s" },
    providers: {
      openai: { baseUrl: `${upstream}/v1`, models: ["openai-model"], apiKey },
      anthropic: { type: "anthropic", baseUrl: upstream, models: ["anthropic-model"], apiKey },
    },
  });
}

async function answers(stack: Stack): Promise<boolean> {
  const reply = await send(`${stack.url("gateway")}/health/quick`).catch(() => undefined);
  await reply?.body.dump();
  return reply?.statusCode === 200;
}

/** A worker that was killed settles what its log left open when it is there again. */
async function allWorkersReady(stack: Stack, workers: number): Promise<void> {
  const ready = async (): Promise<boolean> => {
    const headers = { authorization: `Bearer ${stack.adminKey}` };
    const reply = await send(`${stack.url("gateway")}/metrics`, { headers }).catch(() => undefined);
    return reply !== undefined && (await reply.body.text()).includes(`\ngatewayz_workers ${workers}\n`);
  };
  await until("all workers are there", ready, 30_000);
}

function killWorkers(stack: Stack): void {
  spawnSync("pkill", ["-KILL", "-P", String(stack.pidOf("gateway"))]);
}

interface UsageRow {
  readonly requests: number;
  readonly errors: number;
  readonly interrupted: number;
  readonly input: number;
  readonly output: number;
}

/** By end user, which here is one request. */
function readUsage(file: string): Map<string, UsageRow> {
  const database = new LibSql(file, { readonly: true });
  const rows = database
    .prepare(
      "SELECT end_user, SUM(requests) AS requests, SUM(errors) AS errors, SUM(interrupted) AS interrupted, " +
        "SUM(input_tokens) AS input, SUM(output_tokens) AS output FROM usage_end_users GROUP BY end_user",
    )
    .all() as (UsageRow & { end_user: string })[];
  database.close();
  return new Map(rows.map((row) => [row.end_user, row]));
}

function compare(
  { requests, seed }: CampaignOptions,
  ends: ReadonlyMap<string, Seen>,
  served: ReadonlyMap<string, number>,
  rows: ReadonlyMap<string, UsageRow>,
): Omit<CampaignResult, "megabytes" | "seconds"> {
  const mistakes: string[] = [];
  const mistake = (text: string): void => {
    if (mistakes.length < MISTAKES_MAX) mistakes.push(text);
  };
  const counts = { ended: 0, error: 0, broken: 0, cut: 0, aborted: 0 };
  let interrupted = 0;
  for (let index = 0; index < requests; index++) {
    const plan = planOf(seed, index);
    const { end, words } = ends.get(plan.name)!;
    const row = rows.get(plan.name);
    counts[end]++;
    interrupted += row?.interrupted ?? 0;
    const seen = `${plan.name} (${plan.kind}, ${plan.dialect} to ${plan.format}${plan.stream ? ", stream" : ""}): ${JSON.stringify(row)}`;
    if (end === "broken") mistake(`an answer without an end: ${seen}`);
    if (end === "ended") {
      const { input, output } = plan.tokens;
      if (row?.requests !== 1 || row.input !== input || row.output !== output)
        mistake(`expected ${input}+${output}: ${seen}`);
    }
    if (end === "cut" && served.has(plan.name) && row === undefined)
      mistake(`asked a provider and nobody knows: ${seen}`);
    if (end === "aborted") {
      const wrong = wrongAfterAbort(plan, words, served.has(plan.name), row);
      if (wrong !== undefined) mistake(`client left after ${words} words: ${wrong}: ${seen}`);
    }
    if (row !== undefined && row.requests !== 1) mistake(`counted ${row.requests} times: ${seen}`);
  }
  for (const name of rows.keys()) if (!ends.has(name)) mistake(`nobody sent ${name}`);
  return {
    ended: counts.ended,
    refused: counts.error,
    cut: counts.cut,
    aborted: counts.aborted,
    interrupted,
    mistakes,
  };
}

/** What a client that left has used is what was produced until the provider heard of it. */
function wrongAfterAbort(
  { format, stream, tokens }: Plan,
  words: number,
  served: boolean,
  row: UsageRow | undefined,
): string | undefined {
  if (row === undefined) return served ? "nobody knows of it" : undefined;
  if (row.interrupted > 0 || !served) return undefined;
  if (row.input === 0) return "its input is not counted";
  if (!stream) return undefined;
  // Anthropic tells the input at the start; a word is a token or more by every estimate.
  if (words > 0 && format === "anthropic" && row.input !== tokens.input) return `its input is not ${tokens.input}`;
  const produced = row.output === tokens.output || (row.output >= words && row.output <= 2 * WORDS + 2);
  return produced ? undefined : "its output is not what was produced";
}
