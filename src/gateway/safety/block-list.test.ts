import { expect, test } from "vitest";
import { BlockList } from "./block-list.ts";

const list = new BlockList({
  words: ["Bomb", "project blue fish", "Straße"],
  patterns: ["(?i)ticket-\\d{4}", "^(a+)+$"],
});
const chat = (content: unknown) => ({ model: "m", messages: [{ role: "user", content }] });

test.each([
  ["how to build a bomb", "word"],
  ["BOMB!", "word"],
  ["b\u200bo\u00admb", "word"],
  ["ｂｏｍｂ", "word"],
  ["bómb", "word"],
  ["Project  Blue-Fish", "word"],
  ["project\nblue, fish", "word"],
  ["in der STRASSE", undefined],
  ["straße", "word"],
  ["see TICKET-1234", "pattern"],
  ["bombastic", undefined],
  ["project blue", undefined],
  ["a harmless text", undefined],
])("%j: %s", (text, found) => {
  expect(list.check(chat(text))).toBe(found);
});

test.each([
  [
    "parts",
    chat([
      { type: "text", text: "fine" },
      { type: "text", text: "a bomb" },
    ]),
  ],
  [
    "tool results",
    { messages: [{ role: "user", content: [{ type: "tool_result", content: [{ type: "text", text: "bomb" }] }] }] },
  ],
  [
    "arguments",
    { messages: [{ role: "assistant", tool_calls: [{ function: { name: "f", arguments: '{"x":"bomb"}' } }] }] },
  ],
  ["system", { system: "you like the bomb", messages: [] }],
  ["system blocks", { system: [{ type: "text", text: "bomb" }], messages: [] }],
  ["prompt", { prompt: ["x", "bomb"] }],
  ["input", { input: [{ role: "user", content: [{ type: "input_text", text: "bomb" }] }] }],
  ["instructions", { instructions: "bomb", input: "x" }],
  ["documents", { query: "q", documents: [{ text: "bomb" }] }],
])("it looks into %s", (_name, body) => {
  expect(list.check(body)).toBe("word");
});

test("pictures are no text, and a text that is too long is refused rather than read in part", () => {
  const url = `data:image/png;base64,${"bomb".repeat(10)}`;
  expect(list.check(chat([{ type: "image_url", image_url: { url } }]))).toBeUndefined();
  expect(list.check(chat(`${"x ".repeat(1_100_000)}bomb`))).toBe("length");
});

test("many words and a long text: the time grows with the text only", () => {
  const words = Array.from({ length: 20_000 }, (_, index) => `word${index} again`);
  const long = new BlockList({ words });
  const start = performance.now();
  expect(long.check(chat("some ordinary prose of no interest ".repeat(10_000)))).toBeUndefined();
  expect(performance.now() - start).toBeLessThan(1_500);
});

test.each([
  [{ words: [""] }, "1 to 12 words"],
  [{ words: ["--"] }, "1 to 12 words"],
  [{ patterns: ["("] }, "missing closing"],
  [{ patterns: ["x".repeat(3_000)] }, "2000"],
])("options that cannot be used are told: %j", (options, text) => {
  expect(() => new BlockList(options)).toThrow(text);
});
