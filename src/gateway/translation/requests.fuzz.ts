import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { GatewayError } from "../errors.ts";
import type { JsonObject } from "../json.ts";
import { createProvider } from "../providers/provider.ts";
import { chatToResponses } from "../responses/chat-to-responses.ts";
import { responseToCompletion } from "../responses/reply.ts";
import { inputItems, responsesToChat } from "../responses/request.ts";
import { validateChat, validateMessages } from "../routes/validate.ts";
import { chatRequestToMessages } from "./chat-request.ts";
import { functionsOnly } from "./freeform-tools.ts";
import { lowerChat } from "./lower-chat.ts";
import { messagesRequestToChat } from "./messages-request.ts";
import { withoutForeignThinking } from "./reasoning.ts";
import { completionToMessage, messageToCompletion } from "./replies.ts";

/** Bodies that look like requests and replies, with any JSON in any place. */
const anyJson = fc.jsonValue({ maxDepth: 3 });
const names = [
  "role",
  "content",
  "type",
  "text",
  "tool_calls",
  "function",
  "name",
  "arguments",
  "id",
  "source",
  "input",
  "output",
  "call_id",
  "custom",
  "reasoning_details",
  "thinking_blocks",
  "signature",
  "data",
  "file",
  "file_data",
  "cache_control",
  "index",
];
const words = fc.constantFrom(
  "user",
  "assistant",
  "system",
  "tool",
  "text",
  "image_url",
  "image",
  "tool_use",
  "tool_result",
  "function",
  "custom",
  "thinking",
  "redacted_thinking",
  "reasoning",
  "reasoning.text",
  "reasoning.encrypted",
  "function_call",
  "function_call_output",
  "custom_tool_call",
  "document",
  "file",
  "allowed_tools",
  "gwz1.e30",
  "https://x.example/a",
  "{}",
  "{",
);
const node = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, anyJson, words, tie("list"), tie("object")),
  list: fc.array(tie("value"), { maxLength: 3 }),
  object: fc.dictionary(fc.constantFrom(...names), tie("value"), { maxKeys: 4 }),
}));
const members = [
  "messages",
  "system",
  "tools",
  "tool_choice",
  "thinking",
  "reasoning",
  "reasoning_effort",
  "cache_control",
  "stop",
  "stop_sequences",
  "response_format",
  "max_tokens",
  "choices",
  "usage",
];
const body = fc.dictionary(fc.constantFrom(...members, "content", "n"), node.value, { maxKeys: 6 });

const provider = createProvider("openrouter", { baseUrl: "http://127.0.0.1:9/v1" }, 1_000, false);
const plain = createProvider("p", { baseUrl: "http://127.0.0.1:9/v1" }, 1_000, false);
afterAll(() => Promise.all([provider.pool.destroy(), plain.pool.destroy()]));

const pivot = (value: JsonObject): JsonObject => messagesRequestToChat(value, "m", "p").body;

const readers: [string, (body: JsonObject) => unknown][] = [
  ["validateChat", validateChat],
  ["validateMessages", validateMessages],
  ["chatRequestToMessages", (value) => chatRequestToMessages(value, "m", "p")],
  ["messagesRequestToChat", (value) => messagesRequestToChat(value, "m", "p")],
  ["messagesRequestToChat and chatToResponses", (value) => chatToResponses(pivot(value), "gpt-5-pro", "p")],
  ["lowerChat", (value) => lowerChat(pivot(value), "gpt-5", plain)],
  ["lowerChat for OpenRouter", (value) => lowerChat(functionsOnly(value), "m", provider)],
  ["chatToResponses", (value) => chatToResponses(value, "m", "p")],
  ["responsesToChat", (value) => responsesToChat(value, inputItems(value["messages"]), "p")],
  ["responseToCompletion", (value) => responseToCompletion({ ...value, output: value["messages"] }, 1)],
  ["withoutForeignThinking", withoutForeignThinking],
  ["messageToCompletion", (value) => messageToCompletion(value, 1)],
  ["completionToMessage", (value) => completionToMessage(value, "msg_1")],
];

test.each(readers)("%s answers or refuses, whatever it is given", (_name, read) => {
  fc.assert(
    fc.property(body, (value) => {
      try {
        JSON.stringify(read(value as JsonObject));
      } catch (error) {
        expect(error).toBeInstanceOf(GatewayError);
      }
    }),
    { numRuns: 400 },
  );
});
