import { expect, test } from "vitest";
import { modelKind } from "./model-kind.ts";

test.each([
  ["gpt-4o-mini", "chat"],
  ["o4-mini", "chat"],
  ["gpt-5", "chat"],
  ["gemini-2.5-pro", "chat"],
  ["claude-sonnet-4-5", "chat"],
  ["meta-llama/Llama-3.3-70B-Instruct", "chat"],
  ["sim-flaky", "chat"],
  ["o1-pro", "responses"],
  ["gpt-5-pro-2025-10-06", "responses"],
  ["gpt-5-codex", "responses"],
  ["gpt-3.5-turbo-instruct", "completion"],
  ["davinci-002", "completion"],
  ["text-embedding-3-small", "embedding"],
  ["BAAI/bge-large-en-v1.5", "embedding"],
  ["rerank-english-v3.0", "rerank"],
  ["omni-moderation-latest", "moderation"],
  ["gpt-image-1", "image"],
  ["dall-e-3", "image"],
  ["whisper-1", "audio"],
  ["gpt-4o-realtime-preview", "audio"],
  ["gpt-4o-mini-tts", "audio"],
  ["sora-2", "video"],
])("%s is for %s", (id, kind) => {
  expect(modelKind(id)).toBe(kind);
});
