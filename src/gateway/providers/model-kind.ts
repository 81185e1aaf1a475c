/** What a model is for; only `chat` models answer chat completions and messages. */
export type ModelKind =
  | "chat"
  | "responses"
  | "completion"
  | "embedding"
  | "rerank"
  | "moderation"
  | "image"
  | "audio"
  | "video";

/**
 * Providers list all their models together and few say what each is for, so the name tells (OpenAI's list, and the
 * open models that others serve). First match wins.
 */
const KINDS: readonly (readonly [ModelKind, RegExp])[] = [
  ["rerank", /rerank/],
  ["embedding", /embed|^(bge|gte|e5|voyage)-/],
  ["moderation", /moderation/],
  ["audio", /whisper|transcribe|realtime|audio|speech|^tts-|-tts\b/],
  ["video", /^(sora|veo)-/],
  ["image", /^dall-e|image|^imagen|^flux|stable-diffusion|sdxl/],
  ["completion", /^(davinci|babbage)-|^gpt-3\.5-turbo-instruct/],
  ["responses", /^(o\d|gpt-5).*-pro\b|codex|deep-research|^computer-use/],
];

/** The kind of a model by its id, whatever vendor prefix it carries. */
export function modelKind(id: string): ModelKind {
  const name = id.slice(id.lastIndexOf("/") + 1).toLowerCase();
  return KINDS.find(([, pattern]) => pattern.test(name))?.[0] ?? "chat";
}
