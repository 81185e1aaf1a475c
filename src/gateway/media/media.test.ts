import { rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import OpenAI, { toFile } from "openai";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { TEST_ADMIN_KEY } from "../../runtime/testing.ts";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";
import { UPLOAD_MEMORY_BYTES_MAX } from "./limits.ts";
import { MediaDialogue } from "./media-dialogue.ts";

/** A provider whose request bodies are bytes, not JSON. */
interface Seen {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}
type Answer = (seen: Seen, reply: ServerResponse) => void;

let providers: { server: Server; url: string; seen: Seen[]; answer: Answer }[];
let gateway: TestGateway;
let client: OpenAI;
const UPLOAD_BYTES_MAX = 3 * 1024 * 1024;

async function startProvider(): Promise<(typeof providers)[number]> {
  const server = createServer(async (request, reply) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    if (request.method === "GET") return reply.writeHead(404).end("{}");
    const seen = { path: request.url!, headers: request.headers, body: Buffer.concat(chunks) };
    provider.seen.push(seen);
    return provider.answer(seen, reply);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  const provider = { server, url, seen: [] as Seen[], answer: (() => undefined) as Answer };
  return provider;
}

beforeAll(async () => {
  providers = [await startProvider(), await startProvider()];
  const [first, second] = providers;
  gateway = await startTestGateway({
    gateway: {
      providers: {
        fireworks: { baseUrl: first!.url, models: ["m-1"] },
        together: { baseUrl: second!.url, models: ["m-1", "whisper-1", "dall-e-3", "tts-1", "gpt-image-1"] },
        anthropic: { type: "anthropic", baseUrl: second!.url, models: ["claude-x"] },
      },
      safety: { uploadBytesMax: UPLOAD_BYTES_MAX, hooks: [{ module: "redaction", keys: ["small"] }] },
      breaker: { consecutiveFailures: 1_000, windowRequestsMin: 1_000 },
      keys: { small: "gw_live_small_key" },
    },
  });
  client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: TEST_ADMIN_KEY, maxRetries: 0 });
});
afterAll(async () => {
  await gateway.close();
  for (const { server } of providers) {
    server.closeAllConnections();
    server.close();
  }
});
beforeEach(() => {
  for (const provider of providers) {
    provider.seen.length = 0;
    provider.answer = json({ text: "hello", usage: { type: "duration", seconds: 90 } });
  }
});
afterEach(() => {
  gateway.events.length = 0;
});

function json(body: unknown, status = 200): Answer {
  return (_seen, reply) => {
    reply.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
}

/** The parts of a multipart body, by a parser that is not ours. */
async function formOf({ headers, body }: Seen): Promise<FormData> {
  return new Response(body, { headers: { "content-type": headers["content-type"]! } }).formData() as Promise<FormData>;
}

const second = (): Seen[] => providers[1]!.seen;

test("transcription: the file comes first, the provider gets all of it under its own name of the model", async () => {
  const bytes = Buffer.from("RIFF....not really sound");
  const file = await toFile(bytes, 'a "b"\n.wav', { type: "audio/wav" });
  const answer = await client.audio.transcriptions.create({
    file,
    model: "together/whisper-1",
    language: "en",
    timestamp_granularities: ["word"],
  });
  expect(answer.text).toBe("hello");
  const form = await formOf(second()[0]!);
  expect(form.get("model")).toBe("whisper-1");
  expect(form.get("language")).toBe("en");
  expect(form.getAll("timestamp_granularities[]")).toEqual(["word"]);
  expect(Buffer.from(await (form.get("file") as File).arrayBuffer())).toEqual(bytes);
  expect(second()[0]!.headers["content-length"]).toBe(String(second()[0]!.body.length));
  const record = await gateway.nextRecord();
  expect(record.inference).toMatchObject({ requestType: "audio_transcription", requestedModel: "together/whisper-1" });
  expect(record.cost).toMatchObject({ outputUsd: 0, totalUsd: expect.closeTo(0.009, 9), defaultPricing: false });
  expect(record.requestBodyBytes).toBe(bytes.length);
});

test("a long file leaves memory, and is sent again in full after a provider that failed", async () => {
  const bytes = Buffer.alloc(UPLOAD_MEMORY_BYTES_MAX * 4, "0123456789abcdef");
  providers[0]!.answer = json({ error: { message: "down" } }, 503);
  const answer = await client.audio.transcriptions.create({ file: await toFile(bytes, "long.mp3"), model: "m-1" });
  expect(answer.text).toBe("hello");
  for (const provider of providers) {
    const form = await formOf(provider.seen[0]!);
    expect(Buffer.from(await (form.get("file") as File).arrayBuffer()).equals(bytes)).toBe(true);
  }
  const record = await gateway.nextRecord();
  expect(record.attempts.map(({ result }) => result)).toEqual(["error", "success"]);
  expect(record.cost!.defaultPricing).toBe(true);
  expect(gateway.events).toContainEqual({ name: "priceLookup", model: "m-1", known: false, cacheHit: true });
});

test("subtitles pass as text", async () => {
  providers[1]!.answer = (_seen, reply) => {
    reply.writeHead(200, { "content-type": "text/plain" }).end("1\n00:00:00,000 --> 00:00:01,000\nhi\n");
  };
  const file = await toFile(Buffer.alloc(16_000 * 60), "a.mp3");
  const text = await client.audio.transcriptions.create({ file, model: "whisper-1", response_format: "srt" });
  expect(text).toBe("1\n00:00:00,000 --> 00:00:01,000\nhi\n");
  // Nobody says how long the sound is: estimated by its size.
  expect((await gateway.nextRecord()).cost!.totalUsd).toBeCloseTo(0.006, 5);
});

test("a streamed transcription passes as events, and is counted by its tokens", async () => {
  const events = [
    { type: "transcript.text.delta", delta: "he" },
    { type: "transcript.text.delta", delta: "llo" },
    {
      type: "transcript.text.done",
      text: "hello",
      usage: { type: "tokens", input_tokens: 14, input_token_details: { audio_tokens: 14 }, output_tokens: 5 },
    },
  ];
  providers[1]!.answer = (_seen, reply) => {
    reply.writeHead(200, { "content-type": "text/event-stream" });
    for (const event of events) reply.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    reply.end();
  };
  const file = await toFile(Buffer.from("x"), "a.mp3");
  const stream = await client.audio.transcriptions.create({ file, model: "whisper-1", stream: true });
  const seen: unknown[] = [];
  for await (const event of stream) seen.push(event);
  expect(seen).toEqual(events);
  const record = await gateway.nextRecord();
  expect(record).toMatchObject({ usage: { inputTokens: 14, outputTokens: 5, source: "provider" } });
  expect(record.inference!.stream).toBe(true);
});

test("base64 in JSON becomes an upload", async () => {
  const bytes = Buffer.from([1, 2, 3, 250, 251, 252]);
  const data = `data:audio/wav;base64,${bytes.toString("base64")}`;
  const reply = await gateway.post("/v1/audio/transcriptions/base64", { audio_data: data, prompt: "p" });
  expect(await reply.json()).toMatchObject({ text: "hello" });
  const form = await formOf(second()[0]!);
  expect(second()[0]!.path).toBe("/v1/audio/transcriptions");
  expect([form.get("model"), form.get("prompt")]).toEqual(["whisper-1", "p"]);
  const file = form.get("file") as File;
  expect([file.name, file.type]).toEqual(["audio.wav", "audio/wav"]);
  expect(Buffer.from(await file.arrayBuffer())).toEqual(bytes);
  await gateway.nextRecord();
  const wrong = await gateway.post("/v1/audio/transcriptions/base64", { audio_data: "§§" });
  expect(wrong.status).toBe(400);
  expect(await wrong.json()).toMatchObject({ error: { param: "audio_data" } });
  await gateway.nextRecord();
});

test("pictures: made, edited, varied, counted by the picture", async () => {
  providers[1]!.answer = json({ created: 1, data: [{ b64_json: "AA==" }, { b64_json: "AA==" }] });
  const made = await client.images.generate({ model: "dall-e-3", prompt: "a cat", size: "1024x1792", n: 2 });
  expect(made.data).toHaveLength(2);
  expect(JSON.parse(second()[0]!.body.toString())).toEqual({
    model: "dall-e-3",
    prompt: "a cat",
    size: "1024x1792",
    n: 2,
  });
  const record = await gateway.nextRecord();
  expect(record.inference).toMatchObject({ requestType: "image_generation", outputType: "image" });
  expect(record.cost).toMatchObject({ outputUsd: 0.16, defaultPricing: false });
  const image = await toFile(Buffer.from("png"), "a.png", { type: "image/png" });
  await client.images.edit({ model: "dall-e-3", image: [image, image], prompt: "a dog" });
  const form = await formOf(second()[1]!);
  expect(form.getAll("image[]")).toHaveLength(2);
  expect(second()[1]!.path).toBe("/v1/images/edits");
  await client.images.createVariation({ model: "dall-e-3", image });
  expect(second()[2]!.path).toBe("/v1/images/variations");
  await gateway.nextRecord();
  await gateway.nextRecord();
});

test("pictures that are counted in tokens: those that went in have a rate of their own", async () => {
  const details = { text_tokens: 100, image_tokens: 1_000 };
  const usage = { input_tokens: 1_100, output_tokens: 4_000, total_tokens: 5_100, input_tokens_details: details };
  providers[1]!.answer = json({ created: 1, data: [{ b64_json: "AA==" }], usage });
  const image = await toFile(Buffer.from("png"), "a.png", { type: "image/png" });
  await client.images.edit({ model: "together/gpt-image-1", image, prompt: "a dog" });
  const record = await gateway.nextRecord();
  // $5 for text, $10 for pictures, $40 for what is made, per million.
  expect(record.cost!.totalUsd).toBeCloseTo((100 * 5 + 1_000 * 10 + 4_000 * 40) / 1e6, 9);
  expect(record.cost!.defaultPricing).toBe(false);
  expect(record.usage).toMatchObject({ inputTokens: 1_100, outputTokens: 4_000, source: "provider" });
});

test("speech is passed on while it is made, and cancelled with its client", async () => {
  let closed = false;
  providers[1]!.answer = (_seen, reply) => {
    reply.writeHead(200, { "content-type": "audio/mpeg" }).write("first");
    reply.once("close", () => (closed = true));
  };
  const controller = new AbortController();
  const reply = await fetch(`${gateway.url}/v1/audio/speech`, {
    method: "POST",
    signal: controller.signal,
    headers: { authorization: `Bearer ${TEST_ADMIN_KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "tts-1", input: "Hello there", voice: "alloy" }),
  });
  expect(reply.headers.get("content-type")).toBe("audio/mpeg");
  const { value } = await reply.body!.getReader().read();
  expect(Buffer.from(value!).toString()).toBe("first");
  controller.abort();
  await expect.poll(() => closed, { timeout: 500, interval: 10 }).toBe(true);
  const record = await gateway.nextRecord();
  expect(record.outcome).toMatchObject({ clientAborted: true });
  expect(record.inference).toMatchObject({ requestType: "audio_generation", outputType: "speech", stream: false });
  expect(record.cost!.totalUsd).toBeCloseTo(11 * 15e-6, 9);
});

test("speech that breaks off ends in a broken connection, never in a sound that looks whole", async () => {
  providers[1]!.answer = (_seen, reply) => {
    reply.writeHead(200, { "content-type": "audio/mpeg" }).write("half");
    setTimeout(() => reply.destroy(), 30);
  };
  const speech = client.audio.speech.create({ model: "tts-1", input: "Hello", voice: "alloy" });
  await expect(speech.then((reply) => reply.arrayBuffer())).rejects.toThrow();
  const record = await gateway.nextRecord();
  expect(record.outcome).toMatchObject({ statusCode: 200, error: { code: "PROVIDER_STREAM_INTERRUPTED" } });
});

test("speech waits for a client that does not read", async () => {
  let sent = 0;
  providers[1]!.answer = (_seen, reply) => {
    reply.writeHead(200, { "content-type": "audio/mpeg" });
    const piece = Buffer.alloc(64 * 1024);
    const push = (): void => {
      while (sent < 100 * 1024 * 1024) {
        sent += piece.length;
        if (!reply.write(piece)) return void reply.once("drain", push);
      }
      reply.end();
    };
    push();
  };
  const controller = new AbortController();
  const reply = await fetch(`${gateway.url}/v1/audio/speech`, {
    method: "POST",
    signal: controller.signal,
    headers: { authorization: `Bearer ${TEST_ADMIN_KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "tts-1", input: "x", voice: "alloy" }),
  });
  expect(reply.status).toBe(200);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(sent).toBeLessThan(30 * 1024 * 1024);
  controller.abort();
  await gateway.nextRecord();
});

async function postForm(form: FormData | string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${gateway.url}/v1/audio/transcriptions`, {
    method: "POST",
    headers: { authorization: `Bearer ${TEST_ADMIN_KEY}`, ...headers },
    body: form,
  });
}

function form(fields: Record<string, string>, fileBytes?: number): FormData {
  const made = new FormData();
  for (const [name, value] of Object.entries(fields)) made.append(name, value);
  if (fileBytes !== undefined) made.append("file", new Blob([Buffer.alloc(fileBytes)]), "a.mp3");
  return made;
}

const refused: [string, () => Promise<Response>, number, string][] = [
  ["no file", () => postForm(form({ model: "whisper-1" })), 400, "INVALID_REQUEST"],
  ["no model", () => postForm(form({}, 10)), 400, "INVALID_REQUEST"],
  ["not multipart", () => postForm("{}", { "content-type": "application/json" }), 415, "UNSUPPORTED_MEDIA_TYPE"],
  ["no boundary", () => postForm("x", { "content-type": "multipart/form-data" }), 415, "UNSUPPORTED_MEDIA_TYPE"],
  [
    "cut off",
    () =>
      postForm('--b\r\nContent-Disposition: form-data; name="a"', {
        "content-type": "multipart/form-data; boundary=b",
      }),
    400,
    "INVALID_REQUEST",
  ],
  ["too large", () => postForm(form({ model: "whisper-1" }, UPLOAD_BYTES_MAX + 1)), 413, "UPLOAD_TOO_LARGE"],
  ["a provider without the endpoint", () => postForm(form({ model: "claude-x" }, 10)), 400, "NOT_TRANSLATABLE"],
  ["a prompt that is none", () => gateway.post("/v1/images/generations", { prompt: 3 }), 400, "INVALID_REQUEST"],
  ["too many pictures", () => gateway.post("/v1/images/generations", { prompt: "x", n: 99 }), 400, "INVALID_REQUEST"],
  [
    "speech without a voice",
    () => gateway.post("/v1/audio/speech", { model: "tts-1", input: "x" }),
    400,
    "INVALID_REQUEST",
  ],
];
test.each(refused)("refused: %s", async (_name, send, status, code) => {
  const reply = await send();
  expect(await reply.json()).toMatchObject({ error: { gateway_code: code } });
  expect(reply.status).toBe(status);
  await gateway.nextRecord();
});

test("an upload that grows beyond the limit without saying so is stopped", async () => {
  async function* endless(): AsyncGenerator<Buffer> {
    yield Buffer.from('--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n');
    for (let sent = 0; sent < UPLOAD_BYTES_MAX * 2; sent += 64 * 1024) yield Buffer.alloc(64 * 1024);
  }
  const reply = await fetch(`${gateway.url}/v1/audio/transcriptions`, {
    method: "POST",
    headers: { authorization: `Bearer ${TEST_ADMIN_KEY}`, "content-type": "multipart/form-data; boundary=b" },
    body: endless(),
    duplex: "half",
  } as unknown as RequestInit);
  expect(reply.status).toBe(413);
  await gateway.nextRecord();
});

test("a data folder that takes nothing: short files pass, long ones get a 503 that says when to come again", async () => {
  const folder = join(gateway.gateway.context.dataDir, "uploads");
  await rm(folder, { recursive: true, force: true });
  await writeFile(folder, "in the way");
  const long = await postForm(form({ model: "whisper-1" }, UPLOAD_MEMORY_BYTES_MAX * 2));
  expect(await long.json()).toMatchObject({ error: { gateway_code: "UPLOAD_NOT_STORED" } });
  expect([long.status, long.headers.get("retry-after")]).toEqual([503, "30"]);
  expect((await postForm(form({ model: "whisper-1" }, 1_000))).status).toBe(200);
  await rm(folder);
  expect((await postForm(form({ model: "whisper-1" }, UPLOAD_MEMORY_BYTES_MAX * 2))).status).toBe(200);
  for (let count = 0; count < 3; count++) await gateway.nextRecord();
});

test("nothing is read of an upload without a key", async () => {
  const reply = await fetch(`${gateway.url}/v1/audio/transcriptions`, {
    method: "POST",
    body: form({ model: "m" }, 100),
  });
  expect(reply.status).toBe(401);
  await gateway.nextRecord();
});

test("a hook sees the fields of an upload, and what it changes is what is sent", async () => {
  const made = form({ model: "whisper-1", prompt: "mail a.b@example.com", "include[]": "logprobs" }, 10);
  made.append("include[]", "other");
  const reply = await postForm(made, { authorization: "Bearer gw_live_small_key" });
  expect(reply.status).toBe(200);
  const sent = await formOf(second()[0]!);
  expect(sent.get("prompt")).toBe("mail <redacted:email>");
  expect(sent.getAll("include[]")).toEqual(["logprobs", "other"]);
  await gateway.nextRecord();
});

test("pictures and long sound get more time than a chat", async () => {
  const media = new MediaDialogue(
    { path: "/images/generations", makes: "images" },
    {},
    undefined,
    gateway.gateway.telemetry,
  );
  expect(media.patienceMs).toBeGreaterThan(gateway.gateway.context.config.gateway.timeouts.attempt);
});
