import fc from "fast-check";
import { expect, test } from "vitest";
import { anthropicEvent, openAiChunk } from "../testing/fixture-provider.ts";
import { answerMessages } from "./answer-messages.ts";
import { BlockList } from "./block-list.ts";
import { Redactor } from "./redactor.ts";
import { visitTexts } from "./request-texts.ts";

const SECRET = "sk-proj-abcDEF0123456789abcDEF0123456789";
const redactor = new Redactor({ rules: { keys: true, email: true, cards: true, patterns: [] }, secrets: [] });

/** The text cut at these places. */
function cutAt(text: string, cuts: readonly number[]): string[] {
  const places = [0, ...[...cuts].map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length];
  return places.slice(1).map((end, index) => text.slice(places[index], end));
}

test("a secret in any number of pieces, in either format, is put together and taken out", () => {
  const words = fc.string({ unit: fc.constantFrom("a", "Z", " ", "\n", ".", "ü", '"', "{"), maxLength: 30 });
  fc.assert(
    fc.property(words, words, fc.array(fc.nat(), { maxLength: 12 }), fc.boolean(), (before, after, cuts, messages) => {
      const pieces = cutAt(`${before} ${SECRET} ${after}`, cuts);
      const stream = messages
        ? pieces.map((text) => anthropicEvent("content_block_delta", { index: 0, delta: { type: "text_delta", text } }))
        : pieces.map((content) => openAiChunk({ content }));
      const clean = JSON.stringify(redactor.value(answerMessages(Buffer.from(stream.join("")), true, true)));
      expect(clean).not.toContain(SECRET.slice(8));
      expect(clean).toContain("<redacted:key>");
    }),
    { numRuns: 300 },
  );
});

test("an answer that was cut anywhere never shows the beginning of a secret", () => {
  const whole = Buffer.from(openAiChunk({ content: `word ${SECRET}` }) + openAiChunk({ content: SECRET }));
  const json = Buffer.from(
    JSON.stringify({ choices: [{ message: { role: "assistant", content: `word ${SECRET}` } }] }),
  );
  for (const [bytes, stream] of [[whole, true] as const, [json, false] as const]) {
    for (let end = 0; end < bytes.length; end++) {
      const clean = JSON.stringify(redactor.value(answerMessages(bytes.subarray(0, end), stream, false)));
      expect(clean).not.toContain(SECRET.slice(0, 12));
    }
  }
});

test("no bytes are too strange to be put together, and no value to be redacted", () => {
  const events = fc
    .array(fc.tuple(fc.constantFrom("data: ", "event: x\ndata: ", ": ", ""), fc.jsonValue({ maxDepth: 3 })), {
      maxLength: 8,
    })
    .map((list) => Buffer.from(list.map(([head, value]) => `${head}${JSON.stringify(value)}\n\n`).join("")));
  const choices = fc
    .array(
      fc.record({
        choices: fc.array(
          fc.record({ index: fc.jsonValue(), delta: fc.jsonValue(), message: fc.jsonValue() }, { requiredKeys: [] }),
        ),
      }),
    )
    .map((list) => Buffer.from(list.map((value) => `data: ${JSON.stringify(value)}\n\n`).join("")));
  const raw = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.oneof(events, choices, raw), fc.boolean(), fc.boolean(), (bytes, stream, whole) => {
      expect(() => JSON.stringify(redactor.value(answerMessages(bytes, stream, whole)))).not.toThrow();
    }),
    { numRuns: 400 },
  );
});

test("looking at a body leaves it as it was; redacting one keeps its shape", () => {
  const list = new BlockList({ words: ["unlikely word"], patterns: ["never\\d{9}"] });
  const shapeOf = (value: unknown): unknown =>
    typeof value === "string"
      ? ""
      : Array.isArray(value)
        ? value.map(shapeOf)
        : value !== null && typeof value === "object"
          ? Object.values(value).map(shapeOf)
          : value;
  const body = fc.dictionary(
    fc.constantFrom("messages", "system", "input", "prompt", "tools", "__proto__", "x"),
    fc.jsonValue({ maxDepth: 5 }),
  );
  fc.assert(
    fc.property(body, (value) => {
      const before = JSON.stringify(value);
      visitTexts(value, (text) => text);
      list.check(value);
      expect(JSON.stringify(value)).toBe(before);
      expect(shapeOf(redactor.value(value))).toEqual(shapeOf(value));
    }),
    { numRuns: 300 },
  );
});
