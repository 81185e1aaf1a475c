import fc from "fast-check";
import { expect, test } from "vitest";
import { GatewayError } from "../errors.ts";
import {
  ANTHROPIC_STREAM,
  ANTHROPIC_TOOL_STREAM,
  OPENAI_STREAM,
  OPENAI_TOOL_STREAM,
} from "../testing/fixture-provider.ts";
import { AnthropicPassThrough } from "./anthropic-pass-through.ts";
import { AnthropicSource } from "./anthropic-source.ts";
import { ChatSink } from "./chat-sink.ts";
import type { StreamConverter } from "./converter.ts";
import { MessagesSink } from "./messages-sink.ts";
import { OpenAiPassThrough } from "./openai-pass-through.ts";
import { OpenAiSource } from "./openai-source.ts";
import { TranslatedStream } from "./translated-stream.ts";

/** Every converter with whole streams of its input format. */
const cases: { name: string; make: () => StreamConverter; streams: readonly (readonly string[])[] }[] = [
  {
    name: "openai pass-through",
    make: () => new OpenAiPassThrough(false),
    streams: [OPENAI_STREAM, OPENAI_TOOL_STREAM],
  },
  {
    name: "openai pass-through with usage",
    make: () => new OpenAiPassThrough(true),
    streams: [OPENAI_STREAM, OPENAI_TOOL_STREAM],
  },
  {
    name: "anthropic pass-through",
    make: () => new AnthropicPassThrough(),
    streams: [ANTHROPIC_STREAM, ANTHROPIC_TOOL_STREAM],
  },
  {
    name: "anthropic to openai",
    make: () => new TranslatedStream(new AnthropicSource(), new ChatSink(true, 1)),
    streams: [ANTHROPIC_STREAM, ANTHROPIC_TOOL_STREAM],
  },
  {
    name: "openai to anthropic",
    make: () => new TranslatedStream(new OpenAiSource(), new MessagesSink("msg_1", 7)),
    streams: [OPENAI_STREAM, OPENAI_TOOL_STREAM],
  },
];

function convert(converter: StreamConverter, pieces: readonly Buffer[]): string {
  const out: string[] = pieces.map((piece) => converter.push(piece).toString("utf8"));
  out.push(
    converter.finished ? converter.end() : converter.fail(new GatewayError("EMPTY_STREAM", { provider: "p" }), "r"),
  );
  return out.join("");
}

for (const { name, make, streams } of cases) {
  test(`${name}: however the provider's bytes are cut, the client gets the same`, () => {
    for (const stream of streams) {
      const bytes = Buffer.from(stream.join(""));
      const whole = convert(make(), [bytes]);
      expect(whole).not.toContain("EMPTY_STREAM");
      fc.assert(
        fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (cuts) => {
          const offsets = [0, ...cuts.sort((a, b) => a - b), bytes.length];
          const pieces = offsets.slice(1).map((end, index) => bytes.subarray(offsets[index], end));
          expect(convert(make(), pieces)).toBe(whole);
        }),
        { numRuns: 60 },
      );
    }
  });

  test(`${name}: any JSON in the events, and any bytes, end without a throw`, () => {
    const jsonEvent = fc.json({ maxDepth: 4 }).map((text) => `data: ${text}\n\n`);
    const mangled = fc
      .constantFrom(...streams.flat())
      .chain((event) => fc.nat(event.length).map((at) => `${event.slice(0, at)}"${event.slice(at + 1)}`));
    const garbage = fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
    const pieces = fc.array(fc.oneof(jsonEvent, mangled, garbage, fc.constantFrom(...streams.flat())), {
      maxLength: 10,
    });
    fc.assert(
      fc.property(pieces, (texts) => {
        const converter = make();
        expect(() =>
          convert(
            converter,
            texts.map((text) => Buffer.from(text, "latin1")),
          ),
        ).not.toThrow();
      }),
      { numRuns: 300 },
    );
  });
}
