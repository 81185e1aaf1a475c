import fc from "fast-check";
import { expect, test } from "vitest";
import { ResponseSink } from "../responses/sink.ts";
import { AnthropicSource } from "./anthropic-source.ts";
import { ChatSink } from "./chat-sink.ts";
import { type ChatDelta, type ChunkSink, type ChunkSource, type ReasoningDetail, StreamMeter } from "./converter.ts";
import { MessagesSink } from "./messages-sink.ts";
import { OpenAiSource } from "./openai-source.ts";
import { ResponsesSource } from "./responses-source.ts";

/** Each client format with the reader of the same format: what one writes, the other must find. */
const formats: { name: string; sink: () => ChunkSink; source: () => ChunkSource }[] = [
  { name: "chat completions", sink: () => new ChatSink(true, 1), source: () => new OpenAiSource() },
  { name: "messages", sink: () => new MessagesSink("msg_1", 7), source: () => new AnthropicSource() },
  {
    name: "responses",
    sink: () => {
      const head = { id: "resp_1", idSeed: "1", createdAt: 1, request: {}, freeform: new Set<string>() };
      return new ResponseSink({ head, encryptedWanted: true, finished: () => undefined });
    },
    source: () => new ResponsesSource(),
  },
];

interface Answer {
  text: string;
  reasoning: string;
  signatures: string[];
  calls: { id: string; name: string; arguments: string }[];
  finishReason: string | undefined;
  usage: unknown;
}

/** What a reader of all steps knows in the end. */
class Reader {
  readonly answer: Answer = {
    text: "",
    reasoning: "",
    signatures: [],
    calls: [],
    finishReason: undefined,
    usage: null,
  };
  readonly #calls = new Map<number, Answer["calls"][number]>();

  readonly take = (delta: ChatDelta, finishReason?: string): void => {
    const { answer } = this;
    answer.text += delta.content ?? "";
    answer.reasoning += delta.reasoningText ?? "";
    for (const { text, summary, signature } of delta.reasoning ?? []) {
      answer.reasoning += text ?? summary ?? "";
      if (signature) answer.signatures.push(signature);
    }
    for (const piece of delta.toolCalls ?? []) {
      let call = this.#calls.get(piece.index);
      if (call === undefined) {
        call = { id: "", name: "", arguments: "" };
        this.#calls.set(piece.index, call);
        answer.calls.push(call);
      }
      call.id ||= piece.id ?? "";
      call.name ||= piece.name ?? "";
      call.arguments += piece.arguments ?? "";
    }
    answer.finishReason = finishReason ?? answer.finishReason;
  };
}

const piecesOf = (text: string): fc.Arbitrary<string[]> =>
  fc.array(fc.nat(text.length), { maxLength: 4 }).map((cuts) => {
    const offsets = [0, ...cuts.sort((a, b) => a - b), text.length];
    return offsets.slice(1).map((end, index) => text.slice(offsets[index], end));
  });

/** The steps of one call, in order. */
const callSteps = (index: number): fc.Arbitrary<ChatDelta[]> =>
  fc
    .dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
    .chain((input) => piecesOf(JSON.stringify(input)))
    .map((pieces) => [
      { toolCalls: [{ index, id: `call_${index}`, name: `tool_${index}` }] },
      ...pieces.filter(Boolean).map((piece) => ({ toolCalls: [{ index, arguments: piece }] })),
    ]);

const textSteps = fc.array(fc.string({ minLength: 1, maxLength: 9, unit: "grapheme" }), { maxLength: 4 });
const thinkingSteps = fc
  .record({
    texts: fc.array(fc.string({ minLength: 1, maxLength: 9 }), { minLength: 1, maxLength: 3 }),
    signed: fc.boolean(),
  })
  .map(({ texts, signed }): ChatDelta[] => {
    const about = { type: "reasoning.text" as const, format: "anthropic-claude-v1", index: 0 };
    const details: ReasoningDetail[] = texts.map((text) => ({ ...about, text }));
    if (signed) details.push({ ...about, text: "", signature: "c2ln" });
    return details.map((detail) => ({ reasoning: [detail] }));
  });

/** Text and calls in any interleaving that keeps the order within each; reasoning before them, as every model writes. */
const answerSteps = fc
  .record({
    thinking: fc.oneof(fc.constant<ChatDelta[]>([]), thinkingSteps),
    text: textSteps.map((texts): ChatDelta[] => texts.map((content) => ({ content }))),
    calls: fc.nat(3).chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => callSteps(index)))),
    turns: fc.infiniteStream(fc.nat(3)),
  })
  .map(({ thinking, text, calls, turns }) => {
    const queues = [text, ...(calls as ChatDelta[][])].map((queue) => [...queue]);
    const steps = [...thinking];
    for (const turn of turns) {
      const waiting = queues.filter((queue) => queue.length > 0);
      if (waiting.length === 0) break;
      steps.push(waiting[turn % waiting.length]!.shift()!);
    }
    return { steps, finishReason: calls.length > 0 ? "tool_calls" : "stop" };
  });

const USAGE = { inputTokens: 20, outputTokens: 9, cacheReadTokens: 8, cacheWriteTokens: 0, reasoningTokens: 3 };

function write(sink: ChunkSink, steps: readonly ChatDelta[], finishReason: string): string {
  const meter = new StreamMeter();
  Object.assign(meter, { responseId: "chatcmpl-1", model: "m-1" });
  let out = steps.map((step) => sink.take(step, undefined, meter)).join("");
  meter.finishReason = finishReason;
  meter.usage = USAGE;
  out += sink.take({}, finishReason, meter);
  return out + sink.end(meter);
}

for (const { name, sink, source } of formats) {
  test(`what is written as ${name} is read the same, however calls and text were interleaved`, () => {
    fc.assert(
      fc.property(answerSteps, ({ steps, finishReason }) => {
        const sent = new Reader();
        for (const step of steps) sent.take(step);
        const got = new Reader();
        const reader = source();
        reader.push(Buffer.from(write(sink(), steps, finishReason)), got.take);
        // A signature of Anthropic's travels in an envelope through a Responses client: it comes back as a detail there.
        if (name === "responses") sent.answer.signatures = got.answer.signatures;
        expect({ ...got.answer, usage: reader.meter.usage }).toEqual({ ...sent.answer, finishReason, usage: USAGE });
        expect([reader.meter.chunksDropped, reader.providerError, reader.terminated]).toEqual([0, undefined, true]);
      }),
      { numRuns: 250 },
    );
  });
}

test("messages have one open block at a time, numbered from 0, and every block is closed", () => {
  fc.assert(
    fc.property(answerSteps, ({ steps, finishReason }) => {
      let open: number | undefined;
      let next = 0;
      // By line feeds only: to `$` and `.` the separators of Unicode would end a line, too.
      const lines = write(new MessagesSink("msg_1", 7), steps, finishReason).split("\n");
      for (const line of lines.filter((one) => one.startsWith("data: "))) {
        const { type, index } = JSON.parse(line.slice(6)) as { type: string; index: number };
        if (type === "content_block_start") {
          expect([open, index]).toEqual([undefined, next++]);
          open = index;
        } else if (type.startsWith("content_block")) {
          expect(index).toBe(open);
          if (type === "content_block_stop") open = undefined;
        }
      }
      expect(open).toBeUndefined();
    }),
    { numRuns: 250 },
  );
});
