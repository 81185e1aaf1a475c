import { expect, test } from "vitest";
import { parametersOf } from "./request-parameters.ts";

test.each([
  [{}, {}],
  [
    { top_k: 40, seed: 7, n: 2, stop: "END", response_format: { type: "json_schema" }, reasoning_effort: "low" },
    { topK: 40, seed: 7, choiceCount: 2, stopSequences: ["END"], outputType: "json", reasoningEffort: "low" },
  ],
  [
    { stop_sequences: ["a", "b"], output_config: { effort: "high" } },
    { stopSequences: ["a", "b"], reasoningEffort: "high" },
  ],
  [
    { reasoning: { effort: "medium" }, text: { format: { type: "text" } }, conversation: { id: "conv_1" } },
    { reasoningEffort: "medium", outputType: "text", conversationId: "conv_1" },
  ],
  [{ top_k: "x", stop: [], reasoning_effort: "my secret", conversation: 5, response_format: { type: "odd" } }, {}],
])("%j: %j", (body, expected) => {
  expect(parametersOf(body)).toEqual(expected);
});

test("texts of the client are cut", () => {
  const stop = Array.from({ length: 20 }, () => "x".repeat(500));
  const { stopSequences } = parametersOf({ stop });
  expect(stopSequences).toEqual(Array.from({ length: 8 }, () => "x".repeat(64)));
});
