import { expect, test } from "vitest";
import type { JsonObject } from "../json.ts";
import { type ReasoningDetail, StreamMeter } from "../stream/converter.ts";
import { detailsOfItem, itemOfDetails, reasoningRuns, withoutForeignReasoning } from "./reasoning-items.ts";
import { ResponseSink } from "./sink.ts";

const GEMINI = "google-gemini-v1";

/** Reasoning of each maker, as its adapter tells it. */
const makers: Record<string, ReasoningDetail[]> = {
  Anthropic: [
    { type: "reasoning.text", text: "Hm", signature: "c2ln", format: "anthropic-claude-v1", index: 0 },
    { type: "reasoning.encrypted", data: "ZW5j", format: "anthropic-claude-v1", index: 1 },
    { type: "reasoning.text", text: "So", signature: "dHdv", format: "anthropic-claude-v1", index: 2 },
  ],
  OpenAI: [
    { type: "reasoning.summary", summary: "Hm", id: "rs_1", format: "openai-responses-v1", index: 0 },
    { type: "reasoning.encrypted", data: "gAAA", id: "rs_1", format: "openai-responses-v1", index: 0 },
  ],
  Gemini: [
    { type: "reasoning.encrypted", data: "one", id: "call_1", format: GEMINI, index: 0 },
    { type: "reasoning.encrypted", data: "two", id: "call_2", format: GEMINI, index: 0 },
  ],
};

/** What a Responses client would send back, read again; indexes are the items'. */
const readBack = (items: readonly JsonObject[]): ReasoningDetail[] => items.flatMap(detailsOfItem);
const plain = (details: readonly ReasoningDetail[]): unknown => details.map(({ index: _index, ...rest }) => rest);

function streamed(details: readonly ReasoningDetail[]): JsonObject[] {
  let output: readonly JsonObject[] = [];
  const head = { id: "resp_1", idSeed: "1", createdAt: 1, request: {}, freeform: new Set<string>() };
  const sink = new ResponseSink({ head, encryptedWanted: true, finished: (_response, items) => (output = items) });
  const meter = new StreamMeter();
  for (const detail of details) sink.take({ reasoning: [detail] }, undefined, meter);
  sink.take({ content: "Hi" }, "stop", meter);
  sink.end(meter);
  return output.filter(({ type }) => type === "reasoning");
}

for (const [maker, details] of Object.entries(makers)) {
  test(`reasoning of ${maker} comes back from items as it was, whole and streamed`, () => {
    const whole = reasoningRuns(details).map((run) => itemOfDetails(run[0]!.id ?? "rs_x", run));
    expect(plain(readBack(whole))).toEqual(plain(details));
    expect(plain(readBack(streamed(details)))).toEqual(plain(details));
  });
}

test("only its own reasoning goes to OpenAI: no envelopes, no ids that it has never seen", () => {
  const own = { type: "reasoning", id: "rs_68", summary: [], encrypted_content: "gAAA" };
  const kept = { type: "reasoning", id: "rs_69", summary: [] };
  const message = { type: "message", role: "user", content: "x" };
  const foreign = itemOfDetails("rs_gwz1", makers["Anthropic"]!.slice(0, 1));
  expect(
    withoutForeignReasoning([own, kept, message, foreign, { type: "reasoning", id: "rs_gwz2", summary: [] }]),
  ).toEqual([...[own, kept, message]]);
});
