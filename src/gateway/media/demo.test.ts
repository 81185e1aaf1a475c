import { inflateSync } from "node:zlib";
import OpenAI, { toFile } from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Role } from "../../runtime/role.ts";
import { TEST_ADMIN_KEY, type TestContext, testContext } from "../../runtime/testing.ts";
import { start } from "../index.ts";

/** OpenAI's own client against demo mode: pictures and sound as its quick starts ask for them. */

let context: TestContext;
let role: Role;
let openai: OpenAI;

beforeAll(async () => {
  context = await testContext("gateway", { mode: "demo", demo: { enabled: false } });
  role = await start(context);
  openai = new OpenAI({ apiKey: TEST_ADMIN_KEY, baseURL: `${role.urls["main"]}/v1`, maxRetries: 0 });
});
afterAll(async () => {
  await role.close();
  await context.dispose();
});

/** Width, height and the pixels' length of a PNG; throws where it is none. */
function readPng(png: Buffer): { width: number; height: number; bytes: number } {
  expect(png.subarray(1, 4).toString()).toBe("PNG");
  const data: Buffer[] = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    if (png.toString("ascii", at + 4, at + 8) === "IDAT") data.push(png.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  return { width: png.readUInt32BE(16), height: png.readUInt32BE(20), bytes: inflateSync(Buffer.concat(data)).length };
}

test("images.generate: a real picture of the size that was asked for, as base64 and as a URL", async () => {
  const image = await openai.images.generate({ model: "gpt-image-1", prompt: "a cat", size: "1024x1536" });
  const png = readPng(Buffer.from(image.data![0]!.b64_json!, "base64"));
  expect(png).toEqual({ width: 1_024, height: 1_536, bytes: (1_024 / 8 + 1) * 1_536 });
  expect(image.usage).toMatchObject({ output_tokens: 272 });
  const two = await openai.images.generate({ model: "dall-e-3", prompt: "a cat", n: 2 });
  expect(two.data!.map(({ url }) => url!.slice(0, 22))).toEqual(Array(2).fill("data:image/png;base64,"));
  expect(new Set(two.data!.map(({ url }) => url)).size).toBe(2);
  const file = await toFile(Buffer.from(image.data![0]!.b64_json!, "base64"), "cat.png", { type: "image/png" });
  const edited = await openai.images.edit({ model: "gpt-image-1", image: file, prompt: "a dog" });
  expect(readPng(Buffer.from(edited.data![0]!.b64_json!, "base64")).width).toBe(1_024);
});

test("images.generate streams: partial pictures, then the whole one", async () => {
  const events = await openai.images.generate({
    model: "gpt-image-1",
    prompt: "a cat",
    size: "1024x1024",
    stream: true,
    partial_images: 2,
  });
  const types: string[] = [];
  for await (const event of events) {
    types.push(event.type);
    expect(readPng(Buffer.from(event.b64_json, "base64")).width).toBe(1_024);
    if (event.type === "image_generation.completed") expect(event.usage.output_tokens).toBe(272);
  }
  expect(types).toEqual([
    "image_generation.partial_image",
    "image_generation.partial_image",
    "image_generation.completed",
  ]);
});

test("speech as events, for clients that play while it comes", async () => {
  const body = { model: "gpt-4o-mini-tts", voice: "alloy", input: "Hello", stream_format: "sse" as const };
  const text = await (await openai.audio.speech.create(body)).text();
  expect(text).toContain("event: speech.audio.delta");
  expect(text).toContain('"type":"speech.audio.done"');
});

test("audio.speech.create: a real sound file, which audio.transcriptions.create takes", async () => {
  const speech = await openai.audio.speech.create({
    model: "tts-1",
    voice: "alloy",
    input: "Hello, how are you today?",
  });
  expect(speech.headers.get("content-type")).toBe("audio/wav");
  expect(speech.headers.get("x-gatewayz-simulated")).toBe("true");
  const wav = Buffer.from(await speech.arrayBuffer());
  expect(wav.toString("ascii", 0, 4)).toBe("RIFF");
  expect(wav.readUInt32LE(4)).toBe(wav.length - 8);
  const file = await toFile(wav, "hello.wav");
  const text = await openai.audio.transcriptions.create({ model: "whisper-1", file });
  expect(text.text).toContain("1.67 seconds");
  const verbose = await openai.audio.transcriptions.create({
    model: "whisper-1",
    file,
    response_format: "verbose_json",
  });
  expect(verbose.duration).toBe(1.67);
  const srt = await openai.audio.transcriptions.create({ model: "whisper-1", file, response_format: "srt" });
  expect(srt).toContain("00:00:00,000 --> 00:00:01,6");
  const translation = await openai.audio.translations.create({ model: "whisper-1", file });
  expect(translation.text).toContain("translation");
  let streamed = "";
  for await (const event of await openai.audio.transcriptions.create({
    model: "gpt-4o-transcribe",
    file,
    stream: true,
  })) {
    if (event.type === "transcript.text.delta") streamed += event.delta;
  }
  expect(streamed).toContain("simulated transcript");
});

test("an answer of the simulator says so from the cache, too", async () => {
  const ask = () =>
    openai.chat.completions
      .create(
        { model: "gpt-4o-mini", messages: [{ role: "user", content: "Hi" }], max_tokens: 5 },
        { headers: { "x-gatewayz-cache": "on" } },
      )
      .withResponse();
  const [first, again] = [await ask(), await ask()];
  expect(again.data.choices).toEqual(first.data.choices);
  expect(again.response.headers.get("x-cache")).toBe("HIT");
  expect(again.response.headers.get("x-gatewayz-simulated")).toBe("true");
});

test("errors are the classes that the client knows", async () => {
  const chat = openai.images.generate({ model: "gpt-4o-mini", prompt: "x" });
  await expect(chat).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  const none = openai.audio.speech.create({ model: "none", voice: "alloy", input: "x" });
  await expect(none).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  const bad = openai.audio.speech.create({ model: "tts-1", voice: "alloy", input: "" });
  await expect(bad).rejects.toBeInstanceOf(OpenAI.BadRequestError);
});
