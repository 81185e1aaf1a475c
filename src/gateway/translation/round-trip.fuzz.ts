import fc from "fast-check";
import { expect, test } from "vitest";
import type { JsonObject } from "../json.ts";
import { chatToResponses } from "../responses/chat-to-responses.ts";
import { responsesToChat } from "../responses/request.ts";
import { chatRequestToMessages } from "./chat-request.ts";
import { messagesRequestToChat } from "./messages-request.ts";

/** Any valid conversation with Claude: what other formats must carry there and back. */
const text = fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" }).filter((value) => value.trim() !== "");
const mark = fc.option(fc.constant({ type: "ephemeral" }), { nil: undefined });
const textBlock = fc.record({ type: fc.constant("text"), text });
const imageBlock = fc.constantFrom(
  { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" } },
  { type: "image", source: { type: "url", url: "https://pictures.example/a.png" } },
);
const documentBlock = fc.constantFrom(
  { type: "document", source: { type: "base64", media_type: "application/pdf", data: "JVBERi0=" }, title: "a.pdf" },
  { type: "document", source: { type: "url", url: "https://papers.example/a.pdf" }, title: "b.pdf" },
);
/** As JSON has it: no -0. */
const input = fc
  .dictionary(
    fc.string({ maxLength: 5 }).filter((name) => name !== "__proto__"),
    fc.jsonValue({ maxDepth: 2 }),
    { maxKeys: 3 },
  )
  .map((value) => JSON.parse(JSON.stringify(value)) as JsonObject);

const marked = (block: fc.Arbitrary<JsonObject>): fc.Arbitrary<JsonObject> =>
  fc.tuple(block, mark).map(([plain, cache]) => (cache === undefined ? plain : { ...plain, cache_control: cache }));

const thinking = fc.oneof(
  fc.record({
    type: fc.constant("thinking"),
    thinking: fc.string({ maxLength: 9 }),
    signature: fc.constant("c2lnbmVk"),
  }),
  fc.constant({ type: "redacted_thinking", data: "ZW5jcnlwdGVk" }),
);

interface Turn {
  readonly said: JsonObject[];
  readonly thoughts: JsonObject[];
  readonly answer: string | undefined;
  readonly calls: { input: JsonObject; result: JsonObject[]; failed: boolean }[];
}

const turn: fc.Arbitrary<Turn> = fc.record({
  said: fc.array(marked(fc.oneof(textBlock, imageBlock, documentBlock)), { minLength: 1, maxLength: 3 }),
  thoughts: fc.array(thinking, { maxLength: 2 }),
  answer: fc.option(text, { nil: undefined }),
  calls: fc.array(
    fc.record({
      input,
      result: fc.oneof(fc.tuple(textBlock), fc.tuple(textBlock, imageBlock)) as fc.Arbitrary<JsonObject[]>,
      failed: fc.boolean(),
    }),
    { maxLength: 3 },
  ),
});

/** The turns as messages: an answer is never empty, and every call has its result in the next message. */
function conversation(turns: readonly Turn[]): JsonObject[] {
  const messages: JsonObject[] = [];
  let results: JsonObject[] = [];
  for (const [round, { said, thoughts, answer, calls }] of turns.entries()) {
    messages.push({ role: "user", content: [...results, ...said] });
    const uses = calls.map(({ input: given }, index) => ({
      type: "tool_use",
      id: `toolu_${round}_${index}`,
      name: `tool_${index}`,
      input: given,
    }));
    const words = answer === undefined && uses.length > 0 ? [] : [{ type: "text", text: answer ?? "Yes." }];
    messages.push({ role: "assistant", content: [...thoughts, ...words, ...uses] });
    results = calls.map(({ result, failed }, index) => ({
      type: "tool_result",
      tool_use_id: `toolu_${round}_${index}`,
      content: result,
      ...(failed ? { is_error: true } : {}),
    }));
  }
  messages.push({ role: "user", content: [...results, { type: "text", text: "And now?" }] });
  return messages;
}

const turns = fc.array(turn, { minLength: 1, maxLength: 3 });

const throughChat = (messages: JsonObject[]): JsonObject => {
  const { body } = messagesRequestToChat({ max_tokens: 9, messages }, "m", "p");
  return chatRequestToMessages(body, "claude-sonnet-4-5", "p").body;
};

test("a conversation with Claude comes back from chat completions as it was", () => {
  fc.assert(
    fc.property(turns, (all) => {
      const messages = conversation(all);
      expect(throughChat(messages)["messages"]).toEqual(messages);
    }),
    { numRuns: 200 },
  );
});

test("through Responses, too, but for cache marks, flags of errors and other models' thinking", () => {
  const plain = (messages: JsonObject[]): unknown =>
    messages.map(({ role, content }) => ({
      role,
      content: (content as JsonObject[])
        .filter(({ type }) => !String(type).includes("thinking"))
        .map(({ cache_control: _mark, title: _title, ...block }) => block),
    }));
  fc.assert(
    fc.property(turns, (all) => {
      const messages = conversation(
        all.map((each) => ({ ...each, calls: each.calls.map((call) => ({ ...call, failed: false })) })),
      );
      const { body: chat } = messagesRequestToChat({ max_tokens: 9, messages }, "m", "p");
      const { body: request } = chatToResponses(chat, "gpt-5-pro", "p");
      const back = responsesToChat(request, request["input"] as JsonObject[], "p").body;
      const again = chatRequestToMessages(back, "claude-sonnet-4-5", "p").body["messages"] as JsonObject[];
      expect(plain(again)).toEqual(plain(messages));
    }),
    { numRuns: 200 },
  );
});

test("a chat comes back from messages and from Responses with its texts, calls, ids and order", () => {
  const call = fc.record({ name: fc.constantFrom("f", "g"), given: input });
  const exchange = fc.record({ asked: text, answer: text, calls: fc.array(call, { maxLength: 3 }) });
  fc.assert(
    fc.property(fc.array(exchange, { minLength: 1, maxLength: 3 }), (exchanges) => {
      const messages: JsonObject[] = [{ role: "system", content: "Be brief." }];
      for (const [round, { asked, answer, calls }] of exchanges.entries()) {
        const toolCalls = calls.map(({ name, given }, index) => ({
          id: `call_${round}_${index}`,
          type: "function",
          function: { name, arguments: JSON.stringify(given) },
        }));
        const results = toolCalls.map(({ id }) => ({ role: "tool", tool_call_id: id, content: `result of ${id}` }));
        messages.push({ role: "user", content: asked });
        messages.push({ role: "assistant", content: answer, ...(calls.length > 0 ? { tool_calls: toolCalls } : {}) });
        messages.push(...results);
      }
      const claude = chatRequestToMessages({ messages }, "claude-sonnet-4-5", "p").body;
      const fromClaude = messagesRequestToChat(claude, "m", "p").body["messages"];
      const { input: items } = chatToResponses({ messages }, "gpt-5-pro", "p").body;
      const fromResponses = responsesToChat({}, items as JsonObject[], "p").body["messages"];
      expect(joined(fromClaude)).toEqual(joined(messages));
      expect(fromResponses).toEqual(messages);
    }),
    { numRuns: 200 },
  );
});

/** A message of Claude's API may hold what two of a chat's do: the results of tools and the next question. */
function joined(messages: unknown): unknown {
  return (messages as JsonObject[]).map(({ role, content, tool_calls: calls, tool_call_id: id }) => [
    role,
    content,
    calls,
    id,
  ]);
}
