import fc from "fast-check";
import protobuf from "protobufjs";
import { describe, expect, test } from "vitest";
import { sanitizeLabelName } from "../../languages/logql/label-name.ts";
import { HttpError } from "../../runtime/http-error.ts";
import type { Labels } from "../../series/labels.ts";
import { entry, stream } from "../testing.ts";
import { readPushJson, splitNanoseconds } from "./push-json.ts";
import { readPushProto } from "./push-proto.ts";
import { LabelsSyntaxError, StreamLabelsParser } from "./stream-labels.ts";
import { validatePush } from "./validate.ts";

const schema = protobuf
  .parse(`
  syntax = "proto3";
  message PushRequest { repeated Stream streams = 1; }
  message Stream { string labels = 1; repeated Entry entries = 2; uint64 hash = 3; }
  message Entry { Timestamp timestamp = 1; string line = 2; repeated LabelPair structuredMetadata = 3; repeated LabelPair parsed = 4; }
  message Timestamp { int64 seconds = 1; int32 nanos = 2; }
  message LabelPair { string name = 1; string value = 2; }
`)
  .root.lookupType("PushRequest");

const NOW_MS = 1_795_000_000_000;

describe("JSON push", () => {
  test("reads timestamps to the nanosecond, lines and structured metadata", () => {
    const body = {
      streams: [
        {
          stream: { app: "a" },
          values: [
            ["1795000000000000001", "hi"],
            ["5", "", { trace_id: "t", "http.route": "/v1", "1 st": "x", " ": "y" }],
          ],
        },
      ],
    };
    expect(readPushJson(Buffer.from(JSON.stringify(body)))).toEqual([
      stream(
        { app: "a" },
        entry(1_795_000_000_000, "hi", {}, 1),
        entry(0, "", { trace_id: "t", http_route: "/v1", _1_st: "x", _: "y" }, 5),
      ),
    ]);
  });

  const bad = [
    { name: "no JSON", text: "{", message: /^invalid JSON/ },
    { name: "no streams", text: "{}", message: /no "streams" array/ },
    { name: "an array", text: "[]", message: /no "streams" array/ },
    {
      name: "a number as timestamp",
      text: '{"streams":[{"stream":{},"values":[[1,"x"]]}]}',
      message: /string of Unix nanoseconds/,
    },
    {
      name: "a number as line",
      text: '{"streams":[{"stream":{},"values":[["1",2]]}]}',
      message: /line must be a string/,
    },
    {
      name: "a number as label",
      text: '{"streams":[{"stream":{"a":1},"values":[]}]}',
      message: /map names to strings/,
    },
    {
      name: "four parts",
      text: '{"streams":[{"stream":{},"values":[["1","a",{},1]]}]}',
      message: /must be \[timestamp, line\]/,
    },
    { name: "deep nesting", text: "[".repeat(1_000), message: /nests deeper/ },
  ];
  for (const { name, text, message } of bad) {
    test(`refuses ${name}`, () => {
      expect(() => readPushJson(Buffer.from(text))).toThrow(
        expect.objectContaining({ status: 400, message: expect.stringMatching(message) as string }),
      );
    });
  }

  test("a label named __proto__ is a label", () => {
    const [only] = readPushJson(Buffer.from('{"streams":[{"stream":{"__proto__":"x"},"values":[]}]}'));
    expect(only!.labels.get("__proto__")).toBe("x");
  });

  test("nanoseconds before 1970 keep their order", () => {
    expect(splitNanoseconds(-1n)).toEqual({ timestampMs: -1, subMsNs: 999_999 });
    expect(splitNanoseconds(-1_000_000n)).toEqual({ timestampMs: -1, subMsNs: 0 });
  });
});

describe("protobuf push", () => {
  test("reads what protobufjs writes", () => {
    const text = fc.string({ maxLength: 20 });
    const pair = fc.record({
      name: fc.string({ minLength: 1, maxLength: 5 }),
      value: fc.string({ minLength: 1, maxLength: 5 }),
    });
    const entryOf = fc.record({
      timestamp: fc.record({
        seconds: fc.integer({ min: 0, max: 2 ** 31 }),
        nanos: fc.integer({ min: 0, max: 999_999_999 }),
      }),
      line: text,
      structuredMetadata: fc.array(pair, { maxLength: 2 }),
      parsed: fc.array(pair, { maxLength: 1 }),
    });
    fc.assert(
      fc.property(fc.array(entryOf, { maxLength: 4 }), (entries) => {
        const bytes = schema
          .encode(schema.fromObject({ streams: [{ labels: '{app="a", b="c\\"d"}', entries, hash: 7 }] }))
          .finish();
        const [read] = readPushProto(Buffer.from(bytes), new StreamLabelsParser());
        expect(read!.labels.toRecord()).toEqual({ app: "a", b: 'c"d' });
        expect(
          read!.entries.map(({ timestampMs, subMsNs, line, metadata }) => [
            timestampMs,
            subMsNs,
            Buffer.from(line).toString(),
            metadata,
          ]),
        ).toEqual(
          entries.map(({ timestamp, line, structuredMetadata }) => [
            timestamp.seconds * 1_000 + Math.floor(timestamp.nanos / 1e6),
            timestamp.nanos % 1e6,
            Buffer.from(line).toString(),
            structuredMetadata.flatMap(({ name, value }) => [sanitizeLabelName(name) || "_", value]),
          ]),
        );
      }),
    );
  });

  const badLabels = ["", "{", "{a}", '{a="b"', '{a="b" c="d"}', '{a="b"} x', '{1a="b"}', "{a='b'}"];
  for (const text of badLabels) {
    test(`refuses the labels ${JSON.stringify(text)}`, () => {
      expect(() => new StreamLabelsParser().parse(text)).toThrow(LabelsSyntaxError);
    });
  }
});

describe("validation", () => {
  const discarded: string[] = [];
  const context = {
    nowMs: NOW_MS,
    activeStreams: 0,
    hasStream: () => false,
    discard: (reason: string) => void discarded.push(reason),
  };
  const day = 86_400_000;
  const cases = [
    {
      reason: "greater_than_max_sample_age",
      entry: entry(NOW_MS - 8 * day, "x"),
      text: /has timestamp too old: .*, oldest acceptable timestamp is: /,
    },
    { reason: "too_far_in_future", entry: entry(NOW_MS + 3_600_000, "x"), text: /has timestamp too new: / },
    {
      reason: "line_too_long",
      entry: entry(NOW_MS, "x".repeat(256 * 1024 + 1)),
      text: /Max entry size '262144' bytes exceeded for stream '{app="a"}'/,
    },
    {
      reason: "structured_metadata_too_many",
      entry: entry(NOW_MS, "x", Object.fromEntries(Array.from({ length: 129 }, (_, index) => [`n${index}`, "v"]))),
      text: /too many structured metadata labels: '129', limit: '128'/,
    },
    {
      reason: "structured_metadata_too_large",
      entry: entry(NOW_MS, "x", { a: "b".repeat(70_000) }),
      text: /structured metadata too large/,
    },
  ];
  for (const { reason, entry: refused, text } of cases) {
    test(`${reason}: the entry is refused, the rest kept`, () => {
      discarded.length = 0;
      const push = validatePush([stream({ app: "a" }, entry(NOW_MS, "kept"), refused)], context);
      expect(push.refusal).toMatchObject({ status: 400, message: expect.stringMatching(text) as string });
      expect(push.lines).toBe(1);
      expect(push.streams[0]!.entries).toHaveLength(1);
      expect(discarded).toEqual([reason]);
    });
  }

  const badStreams = [
    { reason: "missing_labels", labels: {} },
    {
      reason: "max_label_names_per_series",
      labels: Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`l${index}`, "v"])),
    },
    { reason: "invalid_labels", labels: { "a-b": "c" } },
    { reason: "label_name_too_long", labels: { ["n".repeat(1_025)]: "v" } },
    { reason: "label_value_too_long", labels: { n: "v".repeat(2_049) } },
  ];
  for (const { reason, labels } of badStreams) {
    test(`${reason}: the stream is refused, the others kept`, () => {
      discarded.length = 0;
      const push = validatePush(
        [stream(labels, entry(NOW_MS, "x")), stream({ app: "a" }, entry(NOW_MS, "y"))],
        context,
      );
      expect(push.streams).toHaveLength(1);
      expect(push.refusal!.status).toBe(400);
      expect(discarded).toEqual([reason]);
    });
  }

  test("a new stream past the limit is refused with 429, a known one goes on", () => {
    const full = { ...context, activeStreams: 10_000, hasStream: (labels: Labels) => labels.get("app") === "known" };
    const push = validatePush(
      [stream({ app: "new" }, entry(NOW_MS, "x")), stream({ app: "known" }, entry(NOW_MS, "y"))],
      full,
    );
    expect(push.refusal).toMatchObject({
      status: 429,
      message: expect.stringContaining("Maximum active stream limit exceeded") as string,
    });
    expect(push.streams.map(({ labels }) => labels.get("app"))).toEqual(["known"]);
  });
});

test("errors are HTTP errors, so that a client sees its own mistake", () => {
  expect(() => readPushProto(Buffer.from([0x0a, 0x05, 0x01]), new StreamLabelsParser())).toThrow(HttpError);
});
