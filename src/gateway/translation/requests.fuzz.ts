import fc from "fast-check";
import { expect, test } from "vitest";
import { GatewayError } from "../errors.ts";
import type { JsonObject } from "../json.ts";
import { validateChat, validateMessages } from "../routes/validate.ts";
import { chatRequestToMessages } from "./chat-request.ts";
import { messagesRequestToChat } from "./messages-request.ts";
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
  "stop",
  "stop_sequences",
  "response_format",
  "max_tokens",
  "choices",
  "usage",
];
const body = fc.dictionary(fc.constantFrom(...members, "content", "n"), node.value, { maxKeys: 6 });

const readers: [string, (body: JsonObject) => unknown][] = [
  ["validateChat", validateChat],
  ["validateMessages", validateMessages],
  ["chatRequestToMessages", (value) => chatRequestToMessages(value, "m", "p")],
  ["messagesRequestToChat", (value) => messagesRequestToChat(value, "m", "p")],
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
