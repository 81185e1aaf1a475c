import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { type JsonObject, numberAt, objectAt, parseObject, stringAt } from "../json.ts";
import { type ModelKind, modelKind } from "../providers/model-kind.ts";
import { type SimulatedAnswer, simulate } from "./answer.ts";
import { eventsOf, messageOf } from "./anthropic-wire.ts";
import { chooseFault, type Fault, failWith, sendError } from "./faults.ts";
import { MEDIA_PATHS, type MediaAnswer, mediaAnswer } from "./media-wire.ts";
import { profileOf, SIMULATED_PROVIDERS } from "./models.ts";
import { chunksOf, completionOf, usageOf } from "./openai-wire.ts";
import { embeddingsOf, moderationOf, rerankOf, textChunksOf, textCompletionOf } from "./plain-wire.ts";
import { hashText, Random } from "./random.ts";

const BODY_BYTES_MAX = 64 * 1024 * 1024; // 64 MiB; the gateway's own limit comes first
/** Chunks are sent in ticks of this length: models, too, send several tokens at once, and a timer per token costs CPU. */
const TICK_MS = 25;
/** Prompt beginnings remembered, to count later ones as cached. */
const PREFIXES_MAX = 500;
const PREFIX_CHARS = 4_000;
/** Most choices (`n`) of one answer, OpenAI's own limit. */
const CHOICES_MAX = 128;
const CHOICE_SEED_STEP = 65_537;
/** Sound is sent in pieces of this size. */
const MEDIA_PIECE_BYTES = 8 * 1024;
/** A `drop` happens after this many events. */
const DROP_AFTER_EVENTS = 12;

/** What the simulator remembers between requests. */
export class SimulatorMemory {
  readonly #prefixes = new Set<number>();
  readonly #startedAt = performance.now();
  #served = 0;

  get uptimeMs(): number {
    return performance.now() - this.#startedAt;
  }

  /** Counts a request; the number is part of its answer's seed. */
  next(): number {
    return ++this.#served;
  }

  /** Whether a prompt with this beginning has come before; if not, it is remembered. */
  prefixSeen(body: JsonObject): boolean {
    const hash = hashText(JSON.stringify([body["model"], body["system"], body["messages"]]).slice(0, PREFIX_CHARS));
    if (this.#prefixes.has(hash)) return true;
    if (this.#prefixes.size >= PREFIXES_MAX) this.#prefixes.delete(this.#prefixes.values().next().value!);
    this.#prefixes.add(hash);
    return false;
  }
}

/** What each endpoint's models are for. */
const KIND_OF_PATH: Readonly<Record<string, ModelKind>> = {
  "/v1/chat/completions": "chat",
  "/v1/messages": "chat",
  "/v1/completions": "completion",
  "/v1/embeddings": "embedding",
  "/v1/moderations": "moderation",
  "/v1/rerank": "rerank",
};

/** Answers one request to `/{provider}/v1/models` or an endpoint of KIND_OF_PATH. */
export async function serveSimulated(
  memory: SimulatorMemory,
  request: IncomingMessage,
  reply: ServerResponse,
): Promise<void> {
  reply.setHeader("x-gatewayz-simulated", "true");
  const [, provider = "", path = ""] = /^\/([^/]+)(\/[^?]*)/.exec(request.url ?? "") ?? [];
  const served = SIMULATED_PROVIDERS[provider];
  if (served === undefined) return sendError(reply, 404, "not_found_error", "no such simulated provider");
  if (path === "/v1/models") return sendModels(reply, provider);
  const { body, file } = await readRequest(request);
  if (body === undefined) return sendError(reply, 400, "invalid_request_error", "the body is not a JSON object");
  const model = stringAt(body, "model") ?? "";
  const profile = served.models.includes(model) ? profileOf(model) : undefined;
  if (profile === undefined) return sendError(reply, 404, "not_found_error", `model ${model} does not exist`);
  const kind = modelKind(model);
  if (kind !== (KIND_OF_PATH[path] ?? MEDIA_PATHS[path]))
    return sendError(reply, 404, "invalid_request_error", wrongEndpoint(kind, path));
  const count = memory.next();
  const fault = served.faulty ? chooseFault(memory.uptimeMs, new Random(count * 7_919)) : undefined;
  const prefixSeen = memory.prefixSeen(body);
  // Every further choice is another answer to the same prompt.
  const choices = Math.min(CHOICES_MAX, Math.max(1, numberAt(body, "n") ?? 1));
  const answers = Array.from({ length: choices }, (_, index) =>
    simulate(body, profile, count + index * CHOICE_SEED_STEP, prefixSeen),
  );
  const gone = new AbortController();
  reply.once("close", () => gone.abort());
  try {
    await sleep(answers[0]!.firstTokenMs, undefined, { signal: gone.signal });
    if (failWith(fault, reply)) return;
    if (MEDIA_PATHS[path] !== undefined) return await sendMedia(reply, mediaAnswer(path, body, file), gone.signal);
    const plain = plainAnswer(path, body, answers[0]!.id);
    if (plain !== undefined) return sendJson(reply, plain);
    const includeUsage = objectAt(body, "stream_options")["include_usage"] === true;
    if (body["stream"] === true) await stream(reply, answers, path, includeUsage, fault, gone.signal);
    else await sendWhole(reply, answers, path, fault, gone.signal);
  } catch (error) {
    if ((error as Error).name !== "AbortError") throw error; // The gateway hung up; there is nobody to answer.
  }
}

function wrongEndpoint(kind: ModelKind, path: string): string {
  return `This is a model for ${kind} and thus not supported in the ${path.slice(1)} endpoint.`;
}

/** The answers that are there at once, or undefined for what is written token by token. */
function plainAnswer(path: string, body: JsonObject, id: string): JsonObject | undefined {
  if (path === "/v1/embeddings") return embeddingsOf(body);
  if (path === "/v1/moderations") return moderationOf(body, id);
  return path === "/v1/rerank" ? rerankOf(body, id) : undefined;
}

function sendJson(reply: ServerResponse, body: JsonObject): void {
  reply.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function wholeAnswer(path: string, answers: readonly SimulatedAnswer[], created: number): JsonObject {
  if (path === "/v1/messages") return messageOf(answers[0]!);
  if (path === "/v1/completions") return textCompletionOf(answers, created, usageOf(answers));
  return completionOf(answers, created);
}

function eventsFor(
  path: string,
  answers: readonly SimulatedAnswer[],
  created: number,
  includeUsage: boolean,
): Generator<string> {
  if (path === "/v1/messages") return eventsOf(answers[0]!);
  if (path === "/v1/completions") return textChunksOf(answers, created, includeUsage ? usageOf(answers) : undefined);
  return chunksOf(answers, created, includeUsage);
}

async function sendWhole(
  reply: ServerResponse,
  answers: readonly SimulatedAnswer[],
  path: string,
  fault: Fault | undefined,
  signal: AbortSignal,
): Promise<void> {
  const answer = answers[0]!;
  await sleep((answer.outputTokens + answer.reasoningTokens) * answer.tokenMs, undefined, { signal });
  const body = JSON.stringify(wholeAnswer(path, answers, Math.floor(Date.now() / 1_000)));
  if (fault === "drop") {
    reply.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
    reply.write(body.slice(0, body.length / 2), () => reply.destroy());
    return;
  }
  reply.writeHead(200, { "content-type": "application/json" }).end(body);
}

async function stream(
  reply: ServerResponse,
  answers: readonly SimulatedAnswer[],
  path: string,
  includeUsage: boolean,
  fault: Fault | undefined,
  signal: AbortSignal,
): Promise<void> {
  const answer = answers[0]!;
  const created = Math.floor(Date.now() / 1_000);
  const events = eventsFor(path, answers, created, includeUsage);
  reply.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" });
  await sleep(answer.reasoningTokens * answer.tokenMs, undefined, { signal });
  const start = performance.now();
  let sent = 0;
  let batch = "";
  for (const event of events) {
    batch += event;
    sent++;
    if (fault === "drop" && sent > DROP_AFTER_EVENTS) {
      reply.write(batch, () => reply.destroy());
      return;
    }
    const aheadMs = sent * answer.tokenMs - (performance.now() - start);
    if (aheadMs < TICK_MS) continue;
    reply.write(batch);
    batch = "";
    await sleep(aheadMs, undefined, { signal });
  }
  reply.end(batch);
}

function sendModels(reply: ServerResponse, provider: string): void {
  const { type, models } = SIMULATED_PROVIDERS[provider]!;
  const data = models.map((id) =>
    type === "openai"
      ? { id, object: "model", created: 1_735_689_600, owned_by: provider }
      : { type: "model", id, display_name: id, created_at: "2025-01-01T00:00:00Z" },
  );
  const page = { data, object: "list", has_more: false, first_id: models[0], last_id: models.at(-1) };
  reply.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(page));
}

/** Sound comes in pieces, as a model makes it. */
async function sendMedia(reply: ServerResponse, answer: MediaAnswer, signal: AbortSignal): Promise<void> {
  const { contentType, body, inPieces } = answer;
  if (!inPieces) {
    reply.writeHead(200, { "content-type": contentType, "content-length": body.length }).end(body);
    return;
  }
  reply.writeHead(200, { "content-type": contentType });
  for (let start = 0; start < body.length; start += MEDIA_PIECE_BYTES) {
    if (!reply.write(body.subarray(start, start + MEDIA_PIECE_BYTES))) await once(reply, "drain", { signal });
    await sleep(TICK_MS, undefined, { signal });
  }
  reply.end();
}

/** A JSON body, or the fields and the one file of a form. */
async function readRequest(request: IncomingMessage): Promise<{ body: JsonObject | undefined; file?: Buffer }> {
  const bytes = await readAll(request);
  const type = request.headers["content-type"] ?? "";
  if (!type.startsWith("multipart/form-data")) return { body: parseObject(bytes.toString("utf8")) };
  const body: JsonObject = {};
  let file: Buffer | undefined;
  for (const [name, value] of await new Response(new Uint8Array(bytes), {
    headers: { "content-type": type },
  }).formData()) {
    if (typeof value === "string") body[name] = value;
    else file = Buffer.from(await value.arrayBuffer());
  }
  return file === undefined ? { body } : { body, file };
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new Error(`body is larger than ${BODY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
