import fc from "fast-check";
import { expect, test } from "vitest";
import { GatewayError } from "../errors.ts";
import type { JsonObject } from "../json.ts";
import { OpenAiSource } from "../stream/openai-source.ts";
import { TranslatedStream } from "../stream/translated-stream.ts";
import { inputItems, responsesToChat } from "./request.ts";
import { ResponseSink } from "./sink.ts";

const item = fc.record(
  {
    type: fc.constantFrom("message", "function_call", "function_call_output", "reasoning", "item_reference"),
    role: fc.constantFrom("user", "assistant", "system", "robot"),
    content: fc.oneof(fc.string(), fc.array(fc.oneof(fc.jsonValue(), fc.record({ type: fc.constant("input_text") })))),
    call_id: fc.jsonValue(),
    arguments: fc.jsonValue(),
    output: fc.jsonValue(),
  },
  { requiredKeys: [] },
);
const members = fc.record(
  {
    input: fc.oneof(fc.jsonValue(), fc.array(item, { maxLength: 6 })),
    tools: fc.oneof(fc.jsonValue(), fc.array(fc.record({ type: fc.constant("function"), name: fc.string() }))),
    tool_choice: fc.jsonValue(),
    text: fc.oneof(fc.jsonValue(), fc.record({ format: fc.jsonValue() })),
    reasoning: fc.jsonValue(),
    instructions: fc.jsonValue(),
  },
  { requiredKeys: [] },
);

test("any request becomes a chat or is refused with an error of the catalogue", () => {
  fc.assert(
    fc.property(members, (request) => {
      try {
        const items = inputItems(request.input);
        expect(Array.isArray(responsesToChat(request as JsonObject, items, "p").body["messages"])).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(GatewayError);
      }
    }),
  );
});

const delta = fc.oneof(
  fc.jsonValue(),
  fc.record(
    {
      content: fc.oneof(fc.string(), fc.constant(null)),
      reasoning_content: fc.string(),
      refusal: fc.string(),
      tool_calls: fc.array(fc.record({ index: fc.nat(3), id: fc.string(), function: fc.jsonValue() }), {
        maxLength: 3,
      }),
    },
    { requiredKeys: [] },
  ),
);

test("any chunks become numbered events in which every item that is added is done, and nothing throws", () => {
  fc.assert(
    fc.property(fc.array(delta, { maxLength: 12 }), (deltas) => {
      const sink = new ResponseSink({
        head: { id: "resp_1", idSeed: "1", createdAt: 1, request: {}, freeform: new Set(["free"]) },
        encryptedWanted: true,
        finished: () => undefined,
      });
      const stream = new TranslatedStream(new OpenAiSource(), sink);
      let text = "";
      for (const each of deltas) {
        const chunk = { id: "c", choices: [{ index: 0, delta: each, finish_reason: null }] };
        text += stream.push(Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`));
      }
      text += stream.end();
      const events = [...text.matchAll(/^data: ([^\n]*)$/gm)].map(([, data]) => JSON.parse(data!) as JsonObject);
      expect(events.map((event) => event["sequence_number"])).toEqual(events.map((_, index) => index));
      const count = (type: string): number => events.filter((event) => event["type"] === type).length;
      expect(count("response.output_item.done")).toBe(count("response.output_item.added"));
      expect(events.at(-1)).toMatchObject({ type: "response.completed" });
    }),
  );
});
