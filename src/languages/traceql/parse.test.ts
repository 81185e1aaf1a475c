import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatDurationNs, parseDurationNs } from "./duration.ts";
import { parseTraceql } from "./parse.ts";
import { TraceqlError } from "./traceql-error.ts";

const VALID = [
  "{ }",
  "{ true || false && 1 < 2 }",
  '{ span."a key" = "x" && resource.b.c-d != `raw` }',
  '{ !("test" != .c || ((true && .b) || 3 < .a)) }',
  "{ -.a * 2 ^ 3 % 4 >= 1.5e3 }",
  "{ duration > 1h30m && traceDuration <= 250ms && span:duration > 2us }",
  "{ status = error && kind != internal && statusMessage =~ `.*` }",
  "{ event:name = `x` && event.y = 1 && link:traceID = `a` && instrumentation:version = `1` }",
  "{ nestedSetLeft > 3 && nestedSetParent < 0 && nestedSetRight != 5 }",
  "{ trace:rootName = `a` && trace:rootService = `b` && trace:id = `c` && span:parentID = `d` }",
  "{ .foo = nil || nil != span.bar || parent.duration > 1s || parent.span.x = 1 }",
  "{ true } >> { true } << { true } ~ { true }",
  "{ true } !> { true } !< { true } !~ { true } !>> { true } !<< { true }",
  "{ true } &> { true } &< { true } &~ { true } &>> { true } &<< { true }",
  "({ true } | count() > 1 | { false }) >> ({ true } | count() > 1 | { false })",
  "{ true } | max((1 + .a) * 2) = 1 | by(3 * .field - 2) | coalesce() | select(.a, name)",
  "max(duration) > 3s | { status = error || .http.status = 500 }",
  "by(.a) | { true }",
  "{ } | rate() by (name, resource.service.name) | topk(5) with (sample=true)",
  "{ } | quantile_over_time(duration, 0, .9, 1) | bottomk(2) | > 1.5",
  "{ } | compare({ status = error }, 5, 1, 2)",
  "{ /* why */ } // because",
];

const INVALID: [string, string][] = [
  ["", "parse error at line 1, col 1: syntax error: unexpected $end"],
  ["by", "parse error at line 1, col 3: syntax error: unexpected $end, expecting ("],
  ["{ . }", "parse error at line 1, col 3: syntax error: unexpected ."],
  ["{ span. }", "parse error at line 1, col 3: syntax error: unexpected span."],
  ["{ .a < }", "parse error at line 1, col 8: syntax error: unexpected }"],
  ["{ .a < 3", "parse error at line 1, col 9: syntax error: unexpected $end, expecting }"],
  ["{ attribute = 4 }", "parse error at line 1, col 3: syntax error: unexpected IDENTIFIER"],
  ["{ .a == 4 }", "parse error at line 1, col 7: syntax error: unexpected ="],
  ["{ trace:status = error }", "parse error at line 1, col 3: syntax error: unexpected IDENTIFIER"],
  ["{ true }\n| count()", "parse error at line 2, col 10: syntax error: unexpected $end"],
  ["{ true } | sum(.a) by (.b)", "parse error at line 1, col 20: syntax error: unexpected by"],
  ["{ true } | select()", "parse error at line 1, col 19: syntax error: unexpected )"],
  ["{ true } + { true }", "parse error at line 1, col 10: syntax error: unexpected +"],
  ["coalesce() | { true }", "parse error at line 1, col 1: syntax error: unexpected coalesce"],
  ['{ .a = "x }', "parse error at line 1, col 8: syntax error: literal not terminated"],
  ["{ status }", "span filter field expressions must resolve to a boolean: { status }"],
  ['{ 1 = "foo" }', "binary operations must operate on the same type: 1 = `foo`"],
  ["{ status > ok }", "illegal operation for the given types: status > ok"],
  ["{ -true }", "illegal operation for the given type: -true"],
  ["{ true } | by(1)", "grouping field expressions must reference the span: by(1)"],
  ["sum(3) = 2", "aggregate field expressions must reference the span: sum(3)"],
  ["max(name) = `a`", "aggregate field expressions must resolve to a number type: max(name)"],
  ["{ .a =~ `[` }", "invalid regex: error parsing regexp: missing closing ]: `[`"],
  [
    "{ } | max_over_time(name)",
    "metrics aggregate field expressions must resolve to a number type: max_over_time(name)",
  ],
];

function errorOf(query: string): string | undefined {
  try {
    parseTraceql(query);
    return undefined;
  } catch (error) {
    if (error instanceof TraceqlError) return error.message;
    throw error;
  }
}

describe("TraceQL parser", () => {
  for (const query of VALID) test(`accepts ${query}`, () => expect(errorOf(query)).toBeUndefined());
  for (const [query, message] of INVALID) test(`refuses ${query}`, () => expect(errorOf(query)).toBe(message));

  test("groups && and || alike and to the left, as Tempo's grammar does", () => {
    const [filter] = parseTraceql("{ .a || .b && .c }").elements;
    expect(filter).toMatchObject({ expression: { op: "&&", left: { op: "||" } } });
  });

  test("bounds nesting", () => {
    expect(errorOf(`{ ${"(".repeat(500)}.a${")".repeat(500)} }`)).toContain("nests deeper than");
    expect(errorOf(`${"(".repeat(500)}{}${")".repeat(500)}`)).toContain("nests deeper than");
    expect(errorOf(`{ ${"!".repeat(10_000)}.a }`)).toContain("nests deeper than");
    expect(errorOf(`{ .a ${"&& .a ".repeat(900)} }`)).toBeUndefined();
    expect(errorOf(`{ .a ${"&& .a ".repeat(10_000)} }`)).toContain("operators");
    expect(errorOf(`{} ${"|| {} ".repeat(10_000)}`)).toContain("operators");
  });

  test("any text is a query or a TraceqlError", () => {
    const word = fc.constantFrom(
      ..."{ } ( ) | || && = != =~ > >> ~ . .a span.x name status error 1 2.5 3s `s` count() by nil ! -".split(" "),
    );
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(word, { maxLength: 30 }).map((words) => words.join(" ")),
    );
    fc.assert(
      fc.property(text, (query) => void errorOf(query)),
      { numRuns: 500 },
    );
  });

  test("durations survive printing", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 13 }), (ns) => {
        expect(parseDurationNs(formatDurationNs(ns))).toBe(ns);
      }),
    );
  });
});

const CONFORMANCE =
  process.env["GATEWAYZ_CONFORMANCE_DIR"] ?? resolve(import.meta.dirname, "../../../../shared/conformance");

/** Every TraceQL text of a dashboard, wherever it stands. */
function queriesOf(node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap(queriesOf);
  if (typeof node !== "object" || node === null) return [];
  const { queryType, query } = node as Record<string, unknown>;
  const own = queryType === "traceql" && typeof query === "string" ? [query] : [];
  return [...own, ...Object.values(node).flatMap(queriesOf)];
}

describe("TraceQL of real dashboards", () => {
  const dashboards = join(CONFORMANCE, "dashboards");
  const names = (() => {
    try {
      return readdirSync(dashboards).filter((name) => name.endsWith(".json"));
    } catch {
      return [];
    }
  })();

  test.skipIf(names.length === 0)("exactly the three that their authors left broken are refused", () => {
    const queries = names.flatMap((name) => queriesOf(JSON.parse(readFileSync(join(dashboards, name), "utf8"))));
    expect(queries.length).toBeGreaterThan(15);
    const refused = queries
      .map((query) => ({ query, error: errorOf(query) }))
      .filter(({ error }) => error !== undefined);
    expect(refused.map(({ error }) => error)).toEqual([
      "parse error at line 1, col 62: syntax error: unexpected IDENTIFIER",
      "parse error at line 1, col 80: syntax error: unexpected by",
      "parse error at line 1, col 88: syntax error: unexpected by",
    ]);
  });
});
