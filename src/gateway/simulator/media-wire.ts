import type { JsonObject } from "../json.ts";
import { numberAt, stringAt } from "../json.ts";
import { estimateTokens } from "../usage/estimate.ts";
import { pngOf } from "./png.ts";
import { hashText } from "./random.ts";
import { secondsOfWav, wavOf } from "./wav.ts";

/** Speech of the simulator: characters in a second. */
const CHARACTERS_PER_SECOND = 15;
const SPEECH_SECONDS_MAX = 20;
const PICTURES_MAX = 10;
/** Sound whose length nobody can read off it, at 128 kbit/s. */
const AUDIO_BYTES_PER_SECOND = 16_000;

/** A whole answer of a media endpoint. */
export interface MediaAnswer {
  readonly contentType: string;
  readonly body: Buffer;
  /** Sent in pieces, as sound that is still being made. */
  readonly inPieces: boolean;
}

export const MEDIA_PATHS: Readonly<Record<string, "image" | "audio">> = {
  "/v1/images/generations": "image",
  "/v1/images/edits": "image",
  "/v1/images/variations": "image",
  "/v1/audio/transcriptions": "audio",
  "/v1/audio/translations": "audio",
  "/v1/audio/speech": "audio",
};

/** The answer to a request of one of MEDIA_PATHS; `body` holds fields, `file` what was uploaded as `file`. */
export function mediaAnswer(path: string, body: JsonObject, file: Buffer | undefined): MediaAnswer {
  if (path === "/v1/audio/speech") return speech(body);
  if (path.startsWith("/v1/images/")) return pictures(body);
  return transcription(path, body, file ?? Buffer.alloc(0));
}

function pictures(body: JsonObject): MediaAnswer {
  const prompt = stringAt(body, "prompt") ?? "";
  const [width, height] = sizeOf(stringAt(body, "size"));
  const count = Math.min(PICTURES_MAX, Math.max(1, Number(body["n"] ?? 1) || 1));
  const data = Array.from({ length: count }, (_, index) => {
    const b64 = pngOf(width, height, hashText(`${prompt}#${index}`)).toString("base64");
    // Newer models know base64 only; a simulator has no place to keep a picture, so its URL is the picture itself.
    const wantsUrl = stringAt(body, "model")?.startsWith("dall-e") === true && body["response_format"] !== "b64_json";
    return wantsUrl ? { url: `data:image/png;base64,${b64}`, b64_json: undefined } : { b64_json: b64 };
  });
  const created = Math.floor(Date.now() / 1_000);
  const reply: JsonObject = { created, data };
  if (stringAt(body, "model")?.startsWith("gpt-image") === true) {
    const text = Math.max(1, estimateTokens(prompt));
    const output = 272 * count; // What OpenAI counts for a picture of low quality.
    const details = { text_tokens: text, image_tokens: 0 };
    reply["usage"] = {
      input_tokens: text,
      output_tokens: output,
      total_tokens: text + output,
      input_tokens_details: details,
    };
  }
  if (body["stream"] === true || body["stream"] === "true") return pictureEvents(body, reply, data[0]!.b64_json!);
  return json(reply);
}

/** A picture that becomes clearer: the same one each time, as a simulator has only one. */
function pictureEvents(body: JsonObject, { created, usage }: JsonObject, b64: string): MediaAnswer {
  const facts = { b64_json: b64, created_at: created, size: stringAt(body, "size") ?? "1024x1024", quality: "low" };
  const looks = { ...facts, background: "opaque", output_format: "png" };
  const partial = Array.from({ length: Math.min(3, Number(body["partial_images"] ?? 0) || 0) }, (_, index) => ({
    type: "image_generation.partial_image",
    partial_image_index: index,
    ...looks,
  }));
  const events = [...partial, { type: "image_generation.completed", ...looks, usage }];
  return { contentType: "text/event-stream", body: Buffer.from(events.map(sse).join("")), inPieces: true };
}

function sizeOf(size: string | undefined): [width: number, height: number] {
  const match = /^(\d{2,4})x(\d{2,4})$/.exec(size ?? "");
  return match === null ? [1_024, 1_024] : [Math.min(2_048, Number(match[1])), Math.min(2_048, Number(match[2]))];
}

function speech(body: JsonObject): MediaAnswer {
  const input = stringAt(body, "input") ?? "";
  const speed = numberAt(body, "speed") ?? 1;
  const seconds = Math.min(SPEECH_SECONDS_MAX, Math.max(0.3, input.length / CHARACTERS_PER_SECOND / speed));
  const wav = wavOf(seconds, 220 + (hashText(String(body["voice"])) % 220));
  if (body["stream_format"] === "sse") {
    const usage = { input_tokens: estimateTokens(input), output_tokens: Math.ceil(seconds * 20) };
    const events = [
      { type: "speech.audio.delta", audio: wav.toString("base64") },
      { type: "speech.audio.done", usage: { ...usage, total_tokens: usage.input_tokens + usage.output_tokens } },
    ];
    return { contentType: "text/event-stream", body: Buffer.from(events.map(sse).join("")), inPieces: true };
  }
  return { contentType: "audio/wav", body: wav, inPieces: true };
}

function transcription(path: string, body: JsonObject, file: Buffer): MediaAnswer {
  const seconds = Math.max(0.1, secondsOfWav(file) ?? file.length / AUDIO_BYTES_PER_SECOND);
  const rounded = Math.round(seconds * 100) / 100;
  const verb = path.endsWith("translations") ? "translation" : "transcript";
  const text = `This is a simulated ${verb} of ${rounded} seconds of sound.`;
  const byTokens = stringAt(body, "model")?.startsWith("gpt-4o") === true;
  const input = Math.ceil(seconds * 10);
  const output = estimateTokens(text);
  const usage = byTokens
    ? {
        type: "tokens",
        input_tokens: input,
        input_token_details: { text_tokens: 0, audio_tokens: input },
        output_tokens: output,
        total_tokens: input + output,
      }
    : { type: "duration", seconds: Math.ceil(seconds) };
  if (body["stream"] === "true" && byTokens) {
    const words = text.split(/(?<= )/).map((delta) => ({ type: "transcript.text.delta", delta }));
    const events = [...words, { type: "transcript.text.done", text, usage }];
    return { contentType: "text/event-stream", body: Buffer.from(events.map(sse).join("")), inPieces: true };
  }
  const end = subtitleTime(seconds, body["response_format"] === "srt" ? "," : ".");
  switch (body["response_format"]) {
    case "text":
      return plainText("text/plain; charset=utf-8", `${text}\n`);
    case "srt":
      return plainText("text/plain; charset=utf-8", `1\n00:00:00,000 --> ${end}\n${text}\n\n`);
    case "vtt":
      return plainText("text/vtt; charset=utf-8", `WEBVTT\n\n00:00:00.000 --> ${end}\n${text}\n\n`);
    case "verbose_json": {
      const segments = [{ id: 0, start: 0, end: rounded, text }];
      return json({ task: "transcribe", language: "english", duration: rounded, text, segments, usage });
    }
    default:
      return json({ text, usage });
  }
}

function subtitleTime(seconds: number, mark: "," | "."): string {
  const time = new Date(Math.round(seconds * 1_000)).toISOString().slice(11, 23);
  return time.replace(".", mark);
}

function json(body: JsonObject): MediaAnswer {
  return { contentType: "application/json", body: Buffer.from(JSON.stringify(body)), inPieces: false };
}

function plainText(contentType: string, text: string): MediaAnswer {
  return { contentType, body: Buffer.from(text), inPieces: false };
}

function sse(event: JsonObject): string {
  return `event: ${String(event["type"])}\ndata: ${JSON.stringify(event)}\n\n`;
}
