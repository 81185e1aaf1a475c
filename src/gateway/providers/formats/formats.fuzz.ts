import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import type { JsonObject } from "../../json.ts";
import type { ChatDelta, ChunkSource } from "../../stream/converter.ts";
import { BEDROCK } from "../../testing/wire/bedrock.ts";
import { COHERE } from "../../testing/wire/cohere.ts";
import { GEMINI } from "../../testing/wire/gemini.ts";
import type { Scenario, WireFixture } from "../../testing/wire/wire-server.ts";
import type { Wire } from "../wire.ts";
import { loadEventStream } from "./bedrock/event-stream.ts";
import { bedrockWire } from "./bedrock.ts";
import { cohereWire } from "./cohere.ts";
import { geminiWire } from "./gemini.ts";

const SEED = 20_261_124;
const RUNS = 150;

const formats: { name: string; wire: Wire; fixture: WireFixture; path: string }[] = [
  { name: "gemini", wire: geminiWire, fixture: GEMINI[0]!, path: "/x:streamGenerateContent" },
  { name: "bedrock", wire: bedrockWire, fixture: BEDROCK[0]!, path: "/model/x/converse-stream" },
  { name: "cohere", wire: cohereWire, fixture: COHERE[0]!, path: "/v2/chat" },
];

beforeAll(loadEventStream);

function streamOf(fixture: WireFixture, path: string, scenario: Scenario): Buffer {
  const request = { method: "POST", path, query: new URLSearchParams(), target: path, headers: {}, text: "", scenario };
  const { pieces } = fixture.answer({ ...request, body: { stream: true } });
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece)));
}

/** What a source says of bytes that come in these cuts. */
function read(source: ChunkSource, bytes: Buffer, cuts: readonly number[]): { deltas: string; source: ChunkSource } {
  const said: { text: string; thought: string; args: string[]; finish: string | undefined } = {
    ...{ text: "", thought: "", args: [], finish: undefined },
  };
  const emit = (delta: ChatDelta, finish?: string): void => {
    said.text += delta.content ?? "";
    said.thought += delta.reasoningText ?? (delta.reasoning ?? []).map(({ text }) => text ?? "").join("");
    for (const call of delta.toolCalls ?? []) {
      said.args[call.index] = (said.args[call.index] ?? "") + (call.name ?? "") + (call.arguments ?? "");
    }
    said.finish ??= finish;
  };
  let at = 0;
  for (const cut of [...cuts.map((one) => one % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    source.push(bytes.subarray(at, cut), emit);
    at = Math.max(at, cut);
  }
  return { deltas: JSON.stringify(said), source };
}

test.each(formats)("$name: however a stream is cut, it says the same", ({ wire, fixture, path }) => {
  for (const scenario of ["plain", "tools"] as const) {
    const bytes = streamOf(fixture, path, scenario);
    const whole = read(wire.format!.source("m"), bytes, []);
    expect(whole.source.providerError).toBeUndefined();
    expect(whole.source.meter.usage).toBeDefined();
    const property = fc.property(fc.array(fc.nat(), { maxLength: 40 }), (cuts) => {
      const pieces = read(wire.format!.source("m"), bytes, cuts);
      expect(pieces.deltas).toBe(whole.deltas);
      expect(pieces.source.meter.usage).toEqual(whole.source.meter.usage);
    });
    fc.assert(property, { seed: SEED, numRuns: RUNS });
  }
});

test.each(formats)("$name: flipped, lost and foreign bytes end in an error or in less, never in a throw", (format) => {
  const { wire, fixture, path } = format;
  const bytes = streamOf(fixture, path, "tools");
  const damage = fc.record({
    flips: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { maxLength: 6 }),
    drop: fc.tuple(fc.nat(), fc.nat({ max: 40 })),
    insert: fc.uint8Array({ maxLength: 40 }),
  });
  const property = fc.property(damage, ({ flips, drop: [at, length], insert }) => {
    const copy = Buffer.from(bytes);
    for (const [index, mask] of flips) copy[index % copy.length]! ^= mask;
    const start = at % copy.length;
    const damaged = Buffer.concat([copy.subarray(0, start), insert, copy.subarray(start + length)]);
    const { source } = read(wire.format!.source("m"), damaged, [at, at * 7]);
    expect(typeof source.unreadText).toBe("string");
  });
  fc.assert(property, { seed: SEED, numRuns: RUNS });
});

test.each(formats)("$name: replies, lists and errors of any shape are read or refused", ({ wire }) => {
  const property = fc.property(fc.object({ maxDepth: 4 }), fc.string(), (reply, text) => {
    const copy = JSON.parse(JSON.stringify(reply)) as JsonObject;
    wire.adjustReply?.(copy);
    const completion = wire.format!.completion(copy, 1, "m");
    if (completion !== undefined) expect(completion).toHaveProperty("choices");
    for (const body of [text, JSON.stringify(reply)]) {
      expect(wire.readProblem(400, {}, body).status).toBeGreaterThanOrEqual(400);
      wire.readModelIds(body);
    }
    wire.plain("/embeddings")?.decode?.(copy, "m");
  });
  fc.assert(property, { seed: SEED, numRuns: RUNS * 2 });
});

test.each(formats)("$name: damaged members of a real reply are read or refused", ({ wire, fixture, path }) => {
  const target = path.replace("streamGenerateContent", "generateContent").replace("converse-stream", "converse");
  const request = { method: "POST", path: target, query: new URLSearchParams(), target, headers: {}, text: "" };
  const reply = fixture.answer({ ...request, scenario: "tools", body: {} });
  const text = Buffer.concat(reply.pieces.map((piece) => Buffer.from(piece))).toString("utf8");
  const property = fc.property(fc.nat(), fc.constantFrom("null", "1", '""', "[]", "{}", "[null]", "true"), (n, put) => {
    // One value of the JSON replaced by one of another type.
    const values = [...text.matchAll(/:("(?:[^"\\]|\\.)*"|\d+|\[|\{)/g)];
    const { index, 1: value } = values[n % values.length]!;
    if (value === "[" || value === "{") return;
    const damaged = `${text.slice(0, index + 1)}${put}${text.slice(index + 1 + value!.length)}`;
    const object = JSON.parse(damaged) as JsonObject;
    wire.adjustReply?.(object);
    wire.format!.completion(object, 1, "m");
  });
  fc.assert(property, { seed: SEED, numRuns: RUNS });
});
