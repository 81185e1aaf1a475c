import { expect, test } from "vitest";
import type { JsonObject } from "../json.ts";
import { type ReasoningDetail, StreamMeter } from "../stream/converter.ts";
import { MessagesSink } from "../stream/messages-sink.ts";
import {
  blocksForAnthropic,
  blocksForClient,
  detailsOfBlock,
  openEnvelope,
  seal,
  withoutForeignThinking,
} from "./reasoning.ts";

/** Reasoning of each maker, as its adapter tells it, and how Claude's client gets it. */
const makers: [string, ReasoningDetail[], string[]][] = [
  [
    "Anthropic",
    [
      { type: "reasoning.text", text: "Hm", signature: "c2ln", format: "anthropic-claude-v1" },
      { type: "reasoning.encrypted", data: "ZW5j", format: "anthropic-claude-v1" },
    ],
    ["thinking", "redacted_thinking"],
  ],
  [
    "OpenAI",
    [
      { type: "reasoning.summary", summary: "Hm", id: "rs_1", format: "openai-responses-v1" },
      { type: "reasoning.encrypted", data: "gAAA", id: "rs_1", format: "openai-responses-v1" },
    ],
    ["thinking"],
  ],
  [
    "OpenAI, without a summary",
    [{ type: "reasoning.encrypted", data: "gAAA", id: "rs_1", format: "openai-responses-v1" }],
    ["redacted_thinking"],
  ],
  [
    "Gemini",
    [
      { type: "reasoning.encrypted", data: "one", id: "call_1", format: "google-gemini-v1" },
      { type: "reasoning.encrypted", data: "two", id: "call_2", format: "google-gemini-v1" },
    ],
    ["redacted_thinking", "redacted_thinking"],
  ],
  [
    "a signed text of another maker",
    [{ type: "reasoning.text", text: "Hm", signature: "xx", format: "other-v1" }],
    ["thinking"],
  ],
];

const indexed = (details: readonly ReasoningDetail[]): ReasoningDetail[] => {
  return details.map((detail) => ({ ...detail, index: detail.id?.startsWith("rs") ? 0 : details.indexOf(detail) }));
};
const plain = (details: readonly ReasoningDetail[]): unknown => details.map(({ index: _index, ...rest }) => rest);

/** The blocks of a streamed message. */
function streamed(details: readonly ReasoningDetail[]): JsonObject[] {
  const sink = new MessagesSink("msg_1", 1);
  const meter = new StreamMeter();
  const text = details.map((detail) => sink.take({ reasoning: [detail] }, undefined, meter)).join("") + sink.end(meter);
  const blocks: Record<string, string>[] = [];
  for (const [, data] of text.matchAll(/^data: ([^\n]*)$/gm)) {
    const event = JSON.parse(data!) as { type: string; content_block: object; delta: Record<string, string> };
    if (event.type === "content_block_start") blocks.push({ ...event.content_block });
    if (event.type !== "content_block_delta") continue;
    for (const name of ["thinking", "signature"]) blocks.at(-1)![name] += event.delta[name] ?? "";
  }
  return blocks;
}

test.each(makers)(
  "reasoning of %s comes back from Claude's client as it was, whole and streamed",
  (_name, details, types) => {
    for (const blocks of [blocksForClient(indexed(details)), streamed(indexed(details))]) {
      expect(blocks.map(({ type }) => type)).toEqual(types);
      expect(plain(blocks.flatMap(detailsOfBlock))).toEqual(plain(details));
      const content = [...blocks, { type: "text", text: "So" }];
      const { body } = withoutForeignThinking({ messages: [{ role: "assistant", content }] });
      const own = blocksForAnthropic(indexed(details));
      expect(body["messages"]).toEqual([{ role: "assistant", content: [...own, { type: "text", text: "So" }] }]);
    }
  },
);

test("an envelope opens to what was sealed; what only looks like one is worth nothing", () => {
  const detail: ReasoningDetail = { type: "reasoning.encrypted", data: "d", id: "i", format: "f" };
  expect(openEnvelope(seal(detail))).toEqual(detail);
  expect(openEnvelope("c2ln")).toBeUndefined();
  for (const value of ["gwz1.", "gwz1.@@", "gwz1.W10", "gwz1.e30"]) {
    expect(blocksForAnthropic(detailsOfBlock({ type: "thinking", thinking: "x", signature: value }, 0))).toEqual([]);
  }
});

test("a request with nothing foreign in it stays the same object", () => {
  const body = { messages: [{ role: "assistant", content: [{ type: "thinking", thinking: "x", signature: "c2ln" }] }] };
  expect(withoutForeignThinking(body).body).toBe(body);
});
