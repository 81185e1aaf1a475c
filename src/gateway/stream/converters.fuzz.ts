import fc from "fast-check";
import { expect, test } from "vitest";
import { GatewayError } from "../errors.ts";
import { ResponsesPassThrough } from "../responses/pass-through.ts";
import { ResponseSink } from "../responses/sink.ts";
import {
  ANTHROPIC_STREAM,
  ANTHROPIC_TOOL_STREAM,
  OPENAI_STREAM,
  OPENAI_TOOL_STREAM,
} from "../testing/fixture-provider.ts";
import { RESPONSE_STREAM, THINKING_STREAM } from "../testing/responses-fixtures.ts";
import { AnthropicPassThrough } from "./anthropic-pass-through.ts";
import { AnthropicSource } from "./anthropic-source.ts";
import { ChatSink } from "./chat-sink.ts";
import type { ChunkSink, ChunkSource, StreamConverter } from "./converter.ts";
import { MessagesSink } from "./messages-sink.ts";
import { OpenAiPassThrough } from "./openai-pass-through.ts";
import { OpenAiSource } from "./openai-source.ts";
import { ResponsesSource } from "./responses-source.ts";
import { TextSink } from "./text-sink.ts";
import { TranslatedStream } from "./translated-stream.ts";

type Streams = readonly (readonly string[])[];

const openAiStreams: Streams = [OPENAI_STREAM, OPENAI_TOOL_STREAM];
const anthropicStreams: Streams = [ANTHROPIC_STREAM, ANTHROPIC_TOOL_STREAM, THINKING_STREAM];
const responsesStreams: Streams = [RESPONSE_STREAM];

const sources: { name: string; source: () => ChunkSource; streams: Streams }[] = [
  { name: "openai", source: () => new OpenAiSource(), streams: openAiStreams },
  { name: "anthropic", source: () => new AnthropicSource(), streams: anthropicStreams },
  { name: "responses", source: () => new ResponsesSource(), streams: responsesStreams },
];

/** The names of the streams' tool among the freeform ones, too: their input is decoded while it comes. */
const sinks: { name: string; sink: () => ChunkSink }[] = [
  { name: "openai", sink: () => new ChatSink(true, 1) },
  { name: "openai with freeform tools", sink: () => new ChatSink(false, 1, new Set(["get_weather"])) },
  { name: "anthropic", sink: () => new MessagesSink("msg_1", 7) },
  { name: "responses", sink: () => responseSink([]) },
  { name: "responses with freeform tools", sink: () => responseSink(["get_weather"]) },
  { name: "text", sink: () => new TextSink(true, 1) },
];

function responseSink(freeform: string[]): ResponseSink {
  const head = { id: "resp_1", idSeed: "1", createdAt: 1, request: {}, freeform: new Set(freeform) };
  return new ResponseSink({ head, encryptedWanted: true, finished: () => undefined });
}

/** Every converter with whole streams of its input format. */
const cases: { name: string; make: () => StreamConverter; streams: Streams }[] = [
  { name: "openai pass-through", make: () => new OpenAiPassThrough(false), streams: openAiStreams },
  { name: "openai pass-through with usage", make: () => new OpenAiPassThrough(true), streams: openAiStreams },
  { name: "anthropic pass-through", make: () => new AnthropicPassThrough(), streams: anthropicStreams },
  {
    name: "responses pass-through",
    make: () => new ResponsesPassThrough(() => undefined),
    streams: responsesStreams,
  },
  ...sources.flatMap(({ name, source, streams }) =>
    sinks.map(({ name: to, sink }) => ({
      name: `${name} to ${to}`,
      make: () => new TranslatedStream(source(), sink()),
      streams,
    })),
  ),
];

function convert(converter: StreamConverter, pieces: readonly Buffer[]): string {
  const out: string[] = pieces.map((piece) => converter.push(piece).toString("utf8"));
  out.push(
    converter.finished ? converter.end() : converter.fail(new GatewayError("EMPTY_STREAM", { provider: "p" }), "r"),
  );
  return out.join("").replace(/"completed_at":\d+/g, '"completed_at":0');
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
        { numRuns: 20 },
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
      { numRuns: 80 },
    );
  });
}
