import fc from "fast-check";
import { expect, test } from "vitest";
import { Labels } from "../../series/labels.ts";
import { RegexError } from "../../series/regex.ts";
import { formatQuery } from "./format.ts";
import { JsonFlattener, JsonLineError } from "./json-flatten.ts";
import { LineLabels } from "./line-labels.ts";
import { readLogfmt } from "./logfmt.ts";
import { parse } from "./parse.ts";
import { ParseError } from "./parse-error.ts";
import { compilePipeline, runStages } from "./pipeline.ts";
import { compileTemplate } from "./template.ts";

const WORDS = [
  "{",
  "}",
  "(",
  ")",
  "[",
  "]",
  "5m",
  "|",
  "|=",
  "!=",
  "|~",
  "=",
  "=~",
  ",",
  '"x"',
  "`y`",
  "a",
  "app",
  "json",
  "logfmt",
  "unwrap",
  "line_format",
  "label_format",
  "drop",
  "sum",
  "by",
  "rate",
  "count_over_time",
  "topk",
  "3",
  "1.5",
  "10ms",
  "2KB",
  "and",
  "or",
  "+",
  "-",
  "^",
  "bool",
  "on",
  "offset",
  "vector",
  "ip",
  '{app="a"}',
  'rate({app="a"}[5m])',
  '"{{.a}}"',
];

test("fuzz: any words parse or are refused with a ParseError, and what parses prints and parses again", () => {
  const query = fc.oneof(
    fc.array(fc.constantFrom(...WORDS), { maxLength: 14 }).map((words) => words.join(" ")),
    fc.string({ maxLength: 60 }),
    fc
      .tuple(fc.constantFrom('{a="b"}', 'rate({a="b"}[1m])'), fc.array(fc.constantFrom(...WORDS), { maxLength: 6 }))
      .map(([head, words]) => [head, ...words].join(" ")),
  );
  fc.assert(
    fc.property(query, (text) => {
      let printed: string;
      try {
        printed = formatQuery(parse(text));
      } catch (error) {
        expect(error).toBeInstanceOf(ParseError);
        return;
      }
      expect(formatQuery(parse(printed))).toBe(printed);
    }),
    { numRuns: 1_500, seed: 11 },
  );
});

test("fuzz: parsers take any line", () => {
  const pipelines = [
    "| json",
    "| logfmt",
    "| logfmt --strict --keep-empty",
    '| pattern "<a> <b>"',
    '| regexp "(?P<x>.+)"',
    "| unpack",
    '| json x="a.b[0]"',
    "| json | a > 5 | drop b | keep a",
  ].map((stages) => {
    const expr = parse(`{app="a"} ${stages}`);
    if (expr.kind !== "log") throw new Error("not a log query");
    return compilePipeline(expr.stages);
  });
  const line = fc.oneof(
    fc.string({ maxLength: 60 }),
    fc.json(),
    fc.json().map((text) => text.slice(0, -1)),
    fc.string({ unit: fc.constantFrom(...'a="\\ {}:,[]1'.split("")), maxLength: 30 }),
  );
  const labels = new LineLabels();
  fc.assert(
    fc.property(line, (text) => {
      for (const { stages } of pipelines) {
        labels.reset(Labels.fromRecord({ app: "a" }), []);
        runStages(stages, text, labels, 0);
        expect(labels.result(true).size).toBeGreaterThan(0);
      }
    }),
    { numRuns: 1_000, seed: 12 },
  );
});

test("flattening gives what JSON.parse gives, for objects of scalars", () => {
  const scalar = fc.oneof(fc.string(), fc.integer(), fc.boolean());
  const object = fc.dictionary(
    fc.stringMatching(/^[a-z]{1,5}$/),
    fc.oneof(scalar, fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), scalar)),
  );
  fc.assert(
    fc.property(object, (value) => {
      const found = new Map<string, string>();
      new JsonFlattener(
        () => true,
        (name, text) => found.set(name, text),
      ).walk(JSON.stringify(value));
      const expected = new Map<string, string>();
      for (const [key, item] of Object.entries(value)) {
        if (typeof item === "object")
          for (const [inner, leaf] of Object.entries(item)) expected.set(`${key}_${inner}`, String(leaf));
        else expected.set(key, String(item));
      }
      expect([...found].sort()).toEqual([...expected].sort());
    }),
    { numRuns: 500 },
  );
});

test("logfmt reads back what it would be written as", () => {
  const value = fc.string({ maxLength: 15 }).filter((text) => text !== "");
  fc.assert(
    fc.property(fc.dictionary(fc.stringMatching(/^[a-z_]{1,6}$/), value), (pairs) => {
      const line = Object.entries(pairs)
        .map(([key, text]) => `${key}=${JSON.stringify(text)}`)
        .join(" ");
      const found: Record<string, string | undefined> = {};
      expect(readLogfmt(line, (key, text) => (found[key] = text))).toBeUndefined();
      expect(found).toEqual({ ...pairs });
    }),
    { numRuns: 500 },
  );
});

test("fuzz: templates compile or are refused, and rendering ends", () => {
  const piece = fc.constantFrom(
    "{{",
    "}}",
    "{{.a}}",
    "{{ if .a }}",
    "{{ else }}",
    "{{ end }}",
    "{{ range fromJson .j }}",
    "lower",
    "|",
    "(",
    ")",
    '"x"',
    "$v :=",
    ".",
    "-",
    "3",
    " text ",
    "printf",
    "{{- ",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      try {
        compileTemplate(pieces.join(" ")).render({ line: "l", timestampMs: 0, get: () => "v", names: () => ["a"] });
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
        expect(error).not.toBeInstanceOf(TypeError);
      }
    }),
    { numRuns: 2_000, seed: 13 },
  );
});

test("errors are of the classes that callers expect", () => {
  expect(() =>
    new JsonFlattener(
      () => true,
      () => undefined,
    ).walk("[1]"),
  ).toThrow(JsonLineError);
  expect(() => compilePipeline([{ kind: "regexp", text: "(" }])).toThrow(ParseError);
  expect(RegexError.name).toBe("RegexError");
});
