import fc from "fast-check";
import { expect, test } from "vitest";
import { FieldType } from "../grafana/data.ts";
import { field, frame } from "../query/frames.ts";
import { lineFields, logLevel, logTraceId, readableLine, readLogRows } from "./log-model.ts";

const levels: [string, Record<string, string>, string][] = [
  ["x", { level: "ERROR" }, "error"],
  ["x", { detected_level: "warn" }, "warning"],
  ['{"level":"CRITICAL","message":"m"}', {}, "critical"],
  ["level=debug msg=x", {}, "debug"],
  ["2026 WARNING something", {}, "warning"],
  ["an error in lower case is no level", {}, "unknown"],
  ["x", { level: "odd" }, "unknown"],
];
for (const [line, labels, level] of levels) {
  test(`level of ${line} ${JSON.stringify(labels)}`, () => expect(logLevel(line, labels)).toBe(level));
}

const ID = "0af7651916cd43dd8448eb211c80319c";
test("trace ids come from metadata, JSON, logfmt or text; zeros are none", () => {
  expect(logTraceId({ line: "", labels: { trace_id: ID } })).toBe(ID);
  expect(logTraceId({ line: `{"trace_id": "${ID}"}`, labels: { trace_id: "" } })).toBe(ID);
  expect(logTraceId({ line: `traceId=${ID} x=1`, labels: {} })).toBe(ID);
  expect(logTraceId({ line: `trace_id=${"0".repeat(32)}`, labels: {} })).toBeUndefined();
  expect(logTraceId({ line: "no id here", labels: {} })).toBeUndefined();
});

test("fields of JSON and logfmt lines", () => {
  expect(lineFields('{"a":"x","n":1,"o":{"k":[1]}}')).toEqual([
    ["a", "x"],
    ["n", "1"],
    ["o", '{"k":[1]}'],
  ]);
  expect(lineFields('level=info msg="hello \\"you\\"" took=5ms')).toEqual([
    ["level", "info"],
    ["msg", 'hello "you"'],
    ["took", "5ms"],
  ]);
  expect(lineFields("plain text with one=pair")).toEqual([]);
  expect(lineFields("{broken")).toEqual([]);
});

test("a readable line says its message and what the message leaves out", () => {
  expect(readableLine('{"level":"INFO","message":"POST /v1 200","path":"/v1","status":200,"tokens":12}')).toEqual({
    message: "POST /v1 200",
    fields: [
      ["tokens", "12"],
      ["path", "/v1"],
    ].filter(([name]) => name !== "path"),
  });
  expect(readableLine('{"no":"message"}')).toBeUndefined();
  expect(readableLine("text")).toBeUndefined();
});

test("rows are sorted by the nanosecond, both ways", () => {
  const logs = frame("A", [
    field("Time", FieldType.time, [1, 1]),
    field("Line", FieldType.string, ["early", "late"]),
    field("labels", FieldType.other, [{}, { level: "ERROR" }]),
    field("tsNs", FieldType.string, ["1000001", "1000002"]),
  ]);
  expect(readLogRows([logs], false).map((row) => row.line)).toEqual(["late", "early"]);
  expect(readLogRows([logs], true).map((row) => row.level)).toEqual(["unknown", "error"]);
  expect(readLogRows([frame("A", [field("Value", FieldType.number, [1])])], true)).toEqual([]);
});

test("no line breaks the readers", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
      lineFields(line);
      readableLine(line);
      logLevel(line, {});
      logTraceId({ line, labels: {} });
    }),
  );
});
