import { expect, test } from "vitest";
import type { JsonObject } from "../json.ts";
import { validateChat, validateMessages } from "./validate.ts";

const chat = { model: "m", messages: [{ role: "user", content: "x" }] };
const message = { ...chat, max_tokens: 10 };

test("what is right passes, and is read into the record's words", () => {
  const body = {
    ...chat,
    stream: true,
    temperature: 2,
    top_p: 0,
    max_tokens: 7,
    max_completion_tokens: 9,
    tools: [{}],
    unknown: 1,
  };
  expect(validateChat(body)).toEqual({
    requestType: "chat_completion",
    requestedModel: "m",
    stream: true,
    temperature: 2,
    maxTokens: 9,
    topP: 0,
    frequencyPenalty: undefined,
    presencePenalty: undefined,
    toolCount: 1,
  });
  const history = [
    { role: "assistant", content: null, tool_calls: [] },
    { role: "tool", content: "x" },
    { role: "developer", content: [] },
  ];
  expect(() => validateChat({ ...chat, messages: history, temperature: null, stop: null })).not.toThrow();
  expect(validateMessages(message)).toMatchObject({ maxTokens: 10, stream: false });
});

test.each<[JsonObject, string]>([
  [{ model: undefined }, "model"],
  [{ model: "  " }, "model"],
  [{ model: "m".repeat(300) }, "model"],
  [{ messages: undefined }, "messages"],
  [{ messages: [] }, "messages"],
  [{ messages: "x" }, "messages"],
  [{ messages: [null] }, "messages[0]"],
  [{ messages: [{ role: "robot", content: "x" }] }, "messages[0].role"],
  [{ messages: [{ role: "user" }] }, "messages[0].content"],
  [{ messages: [{ role: "user", content: 5 }] }, "messages[0].content"],
  [{ temperature: 9 }, "temperature"],
  [{ temperature: "hot" }, "temperature"],
  [{ top_p: 1.1 }, "top_p"],
  [{ presence_penalty: -3 }, "presence_penalty"],
  [{ frequency_penalty: 3 }, "frequency_penalty"],
  [{ n: 0 }, "n"],
  [{ top_logprobs: 21 }, "top_logprobs"],
  [{ max_tokens: 0 }, "max_tokens"],
  [{ max_tokens: 1.5 }, "max_tokens"],
  [{ stream: "yes" }, "stream"],
  [{ stop: ["a", "b", "c", "d", "e"] }, "stop"],
  [{ tools: [1] }, "tools"],
  [{ provider: 7 }, "provider"],
])("chat with %j: 400 with param %s", (change, param) => {
  expect(() => validateChat({ ...chat, ...change })).toThrow(
    expect.objectContaining({ code: "INVALID_REQUEST", param }),
  );
});

test.each<[JsonObject, string]>([
  [{ max_tokens: undefined }, "max_tokens"],
  [{ max_tokens: -1 }, "max_tokens"],
  [{ temperature: 1.5 }, "temperature"],
  [{ system: 5 }, "system"],
  [{ messages: [{ role: "tool", content: "x" }] }, "messages[0].role"],
])("messages with %j: 400 with param %s", (change, param) => {
  expect(() => validateMessages({ ...message, ...change })).toThrow(
    expect.objectContaining({ code: "INVALID_REQUEST", param }),
  );
});
