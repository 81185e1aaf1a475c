import fc from "fast-check";
import { expect, test } from "vitest";
import { hexId, nanosToMs, readAttributes, readTraceSpans } from "./read-otlp.ts";
import { serviceColor } from "./service-colors.ts";
import { buildTrace, visibleRows } from "./tree.ts";
import type { Span } from "./types.ts";

const span = (spanId: string, parentId: string, startMs: number, more: Partial<Span> = {}): Span => ({
  traceId: "t",
  spanId,
  parentId,
  name: spanId,
  service: "s",
  kind: "server",
  startMs,
  durationMs: 10,
  isError: false,
  statusMessage: "",
  attributes: {},
  resource: {},
  scope: "",
  events: [],
  links: [],
  ...more,
});
const outline = (spans: Span[]) => buildTrace(spans)?.rows.map((row) => `${row.span.spanId}@${row.depth}`);

test("parents come before children, children by start", () => {
  expect(outline([span("c", "a", 3), span("b", "a", 2), span("a", "", 1), span("d", "b", 9)])).toEqual([
    "a@0",
    "b@1",
    "d@2",
    "c@1",
  ]);
});

test("spans whose parent is missing are roots, and a circle loses nobody else", () => {
  expect(outline([span("b", "gone", 2), span("a", "", 1)])).toEqual(["a@0", "b@0"]);
  expect(outline([span("x", "y", 1), span("y", "x", 1), span("a", "", 1)])).toEqual(["a@0"]);
  expect(buildTrace([])).toBeUndefined();
});

test("a trace knows its length, services and errors", () => {
  const trace = buildTrace([span("a", "", 100), span("b", "a", 105, { durationMs: 30, service: "db", isError: true })]);
  expect(trace).toMatchObject({ startMs: 100, durationMs: 35, rootName: "a", services: ["s", "db"], errorCount: 1 });
});

test("any parents: every span appears at most once, below its parent", () => {
  const ids = fc.constantFrom("a", "b", "c", "d", "e", "");
  fc.assert(
    fc.property(fc.array(fc.tuple(ids, ids, fc.nat(20)), { maxLength: 12 }), (list) => {
      const spans = list.filter(([id]) => id !== "").map(([id, parent, start]) => span(id, parent, start));
      const rows = buildTrace(spans)?.rows ?? [];
      expect(new Set(rows.map((row) => row.span.spanId)).size).toBe(rows.length);
      rows.forEach((row, index) => {
        expect(row.parentIndex).toBeLessThan(index);
        if (row.parentIndex >= 0) expect(rows[row.parentIndex]!.depth).toBe(row.depth - 1);
      });
    }),
  );
});

test("ten thousand nested spans do not exhaust the stack", () => {
  const deep = Array.from({ length: 10_000 }, (_, index) =>
    span(`s${index}`, index === 0 ? "" : `s${index - 1}`, index),
  );
  expect(buildTrace(deep)?.rows.at(-1)?.depth).toBe(9_999);
});

test("folding hides what is below", () => {
  const { rows } = buildTrace([span("a", "", 1), span("b", "a", 2), span("c", "b", 3), span("d", "a", 4)])!;
  expect(visibleRows(rows, new Set(["b"])).map((row) => row.span.spanId)).toEqual(["a", "b", "d"]);
  expect(visibleRows(rows, new Set())).toHaveLength(4);
});

const ids: [string, number, string][] = [
  ["CvdlGRbNQ92ESOshHIAxnA==", 16, "0af7651916cd43dd8448eb211c80319c"],
  ["0AF7651916CD43DD8448EB211C80319C", 16, "0af7651916cd43dd8448eb211c80319c"],
  ["APBnqgupArc=", 8, "00f067aa0ba902b7"],
  ["f067aa0ba902b7", 8, "00f067aa0ba902b7"],
  ["0000000000000000", 8, ""],
  ["", 8, ""],
];
for (const [text, bytes, hex] of ids) {
  test(`id "${text}"`, () => expect(hexId(text, bytes)).toBe(hex));
}

test("OTLP JSON in both spellings, with values of every kind", () => {
  const attributes = [
    { key: "text", value: { stringValue: "x" } },
    { key: "int", value: { intValue: "42" } },
    { key: "big", value: { intValue: "9007199254740993" } },
    { key: "double", value: { doubleValue: 0.5 } },
    { key: "bool", value: { boolValue: true } },
    { key: "list", value: { arrayValue: { values: [{ stringValue: "a" }, { intValue: "1" }] } } },
    { key: "map", value: { kvlistValue: { values: [{ key: "k", value: { stringValue: "v" } }] } } },
    { key: "none" },
  ];
  expect(readAttributes(attributes)).toEqual({
    text: "x",
    int: 42,
    big: "9007199254740993",
    double: 0.5,
    bool: true,
    list: ["a", 1],
    map: '{"k":"v"}',
    none: "",
  });
  const body = {
    trace: {
      resourceSpans: [
        {
          resource: { attributes: [{ key: "service.name", value: { stringValue: "gateway" } }] },
          scopeSpans: [
            {
              scope: { name: "lib" },
              spans: [
                {
                  traceId: "CvdlGRbNQ92ESOshHIAxnA==",
                  spanId: "APBnqgupArc=",
                  name: "GET",
                  kind: "SPAN_KIND_CLIENT",
                  startTimeUnixNano: "1700000000000000001",
                  endTimeUnixNano: "1700000000001500001",
                  status: { code: 2, message: "boom" },
                  events: [{ name: "exception", timeUnixNano: "1700000000000500000", attributes }],
                },
              ],
            },
          ],
        },
      ],
    },
  };
  expect(readTraceSpans(body)[0]).toMatchObject({
    service: "gateway",
    kind: "client",
    durationMs: 1.5,
    isError: true,
    statusMessage: "boom",
    scope: "lib",
  });
  expect(readTraceSpans({})).toEqual([]);
  expect(readTraceSpans(null)).toEqual([]);
});

test("nanoseconds keep their fraction, services their colour", () => {
  expect(nanosToMs("1500000")).toBe(1.5);
  expect(nanosToMs("999")).toBeCloseTo(0.000999);
  expect(serviceColor("a")).toBe(serviceColor("a"));
});
