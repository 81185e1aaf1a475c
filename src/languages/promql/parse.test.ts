import { describe, expect, test } from "vitest";
import { ParseError } from "./error.ts";
import { formatExpr } from "./format.ts";
import { matchersOf, parsePromql } from "./parse.ts";

/** Query, place and sentence; checked against promtool but where Prometheus 3 words it differently than 2.42. */
const refused: [string, string][] = [
  ["", "1:1: parse error: no expression found in input"],
  ["# only", "1:1: parse error: no expression found in input"],
  ["sum(x y)", '1:7: parse error: unexpected identifier "y" in aggregation'],
  ["sum(rate(x[5m]) by (foo))", "1:17: parse error: unexpected <by> in aggregation"],
  ["rate(x[5m]) by (foo)", "1:13: parse error: unexpected <by>"],
  ["sum by (x)", "1:11: parse error: unexpected end of input in aggregation"],
  ["sum()", "1:1: parse error: no arguments for aggregate expression provided"],
  ["topk(x)", "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1"],
  ["sum(x", "1:6: parse error: unclosed left parenthesis"],
  ["x)", "1:3: parse error: unexpected right parenthesis ')'"],
  ["x{a=}", '1:5: parse error: unexpected "}" in label matching, expected string'],
  ["x{a", "1:4: parse error: unexpected end of input inside braces"],
  ["x{a!b}", "1:4: parse error: unexpected character after '!' inside braces: 'b'"],
  ['x{=~"a"}', '1:3: parse error: unexpected <op:=~> in label matching, expected identifier or "}"'],
  ['x =~ "a"', "1:3: parse error: unexpected character after '=': '~'"],
  ["$a", "1:1: parse error: unexpected character: '$'"],
  ['"abc', "1:1: parse error: unterminated quoted string"],
  ['x{a="\\z"}', "1:5: parse error: unknown escape sequence U+007A 'z'"],
  ['x{a=~"("}', "1:3: parse error: error parsing regexp: missing closing ): `(`"],
  ["rate(x[5m)", '1:10: parse error: unexpected ")" in subquery or range, expected ":" or "]"'],
  ["x[5m", "1:5: parse error: unclosed left bracket"],
  ["x[$__interval]", "1:3: parse error: unexpected character in duration expression: '$'"],
  ["x offset", "1:9: parse error: unexpected end of input in offset, expected number, duration, step(), or range()"],
  ["5x", '1:1: parse error: bad number or duration syntax: "5"'],
  ["abs(x,)", "1:6: parse error: trailing commas not allowed in function call args"],
  ["foo(x)", '1:1: parse error: unknown function with name "foo"'],
  ["rate(x)", '1:6: parse error: expected type range vector in call to function "rate", got instant vector'],
  ["rate(5)", '1:6: parse error: expected type range vector in call to function "rate", got scalar'],
  ["time(x)", '1:1: parse error: expected 0 argument(s) in call to "time", got 1'],
  ["round(x, 1, 2)", '1:1: parse error: expected at most 2 argument(s) in call to "round", got 3'],
  ["sum(x[5m])", "1:5: parse error: expected type instant vector in aggregation expression, got range vector"],
  ["x and 1", '1:1: parse error: set operator "and" not allowed in binary scalar expression'],
  ["1 == 1", "1:3: parse error: comparisons between scalars must use BOOL modifier"],
  ["x + bool y", "1:3: parse error: bool modifier can only be used on comparison operators"],
  ["x + on(a) group_left(a) y", '1:3: parse error: label "a" must not occur in ON and GROUP clause at once'],
  ["x or ignoring(a) group_right(b) y", '1:1: parse error: no grouping allowed for "or" operation'],
  ["{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"],
  ['x{__name__="y"}', '1:1: parse error: metric name must not be set twice: "x" or "y"'],
  ["x offset 5m[5m]", "1:12: parse error: no offset modifiers allowed before range"],
  ["sum(x)[5m]", "1:7: parse error: ranges only allowed for vector selectors"],
  ["x @ 5 @ 6", "1:1: parse error: @ <timestamp> may not be set multiple times"],
  [
    "sum(x) offset 5m",
    "1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector selector or a subquery",
  ],
  ["x[0s]", "1:3: parse error: duration must be greater than 0"],
  ["sum(\n  rate(x)\n)", '2:8: parse error: expected type range vector in call to function "rate", got instant vector'],
];

test.each(refused)("refuses %j", (query, message) => {
  expect(() => parsePromql(query)).toThrow(ParseError);
  expect(() => parsePromql(query)).toThrow(expect.objectContaining({ message, type: "bad_data" }));
});

describe("reads with PromQL's own precedence", () => {
  test.each([
    ["-1 ^ 2", "-1 ^ 2"],
    ["a + b offset 5m * 2", "a + b offset 5m * 2"],
    ["-x @ 5", "-x @ 5.000"],
    ["2 ^ 3 ^ 2", "2 ^ 3 ^ 2"],
    ["a or b and c", "a or b and c"],
  ])("%s", (query, printed) => expect(formatExpr(parsePromql(query))).toBe(printed));

  test("a modifier belongs to the operand beside it, and ends no operation", () => {
    const sum = parsePromql("a + b offset 5m * 2");
    expect(sum).toMatchObject({ kind: "binary", operator: "+", right: { kind: "binary", operator: "*" } });
  });

  test("the power binds tighter than a sign, and from the right", () => {
    expect(parsePromql("-1 ^ 2")).toMatchObject({ kind: "unary", operand: { kind: "binary", operator: "^" } });
    expect(parsePromql("2 ^ 3 ^ 2")).toMatchObject({ right: { kind: "binary", operator: "^" } });
  });
});

test("reads what the official grammar does not: capitals in durations, a bare decimal point, newer functions", () => {
  expect(() => parsePromql("x[STEP()]")).not.toThrow();
  expect(parsePromql("1. / 2")).toMatchObject({ kind: "binary", left: { value: 1 } });
  expect(parsePromql("max_of(1, 2)")).toMatchObject({ kind: "call", name: "max_of" });
});

test("formats as Prometheus does", () => {
  const text = 'sum(rate(a{z="1",b=~"x|y"}[1h30m] offset 5m)) by (job) / on(job) group_left topk(3, b) > bool 2';
  expect(formatExpr(parsePromql(text))).toBe(
    'sum by (job) (rate(a{b=~"x|y",z="1"}[1h30m] offset 5m)) / on (job) group_left () topk(3, b) > bool 2',
  );
});

test("matchers of a selector, the name among them", () => {
  const matchers = matchersOf('up{job=~"a|b",x!=""}');
  expect(matchers.map(({ type, name, value }) => `${name}${type}${value}`)).toEqual(["job=~a|b", "x!=", "__name__=up"]);
  expect(() => matchersOf("rate(up[5m])")).toThrow(ParseError);
});

test("bounds length and depth", () => {
  expect(() => parsePromql("x".repeat(300_000))).toThrow(/the limit is 262144/);
  for (const endless of [
    `${"1+".repeat(50_000)}1`,
    `${"-".repeat(50_000)}1`,
    `x${"[5m:]".repeat(20_000)}`,
    `${"1^".repeat(50_000)}1`,
  ])
    expect(() => parsePromql(endless)).toThrow(ParseError);
  expect(() => parsePromql(`${"(".repeat(600)}x${")".repeat(600)}`)).toThrow(/nested deeper than 500/);
});

test.each(["constructor", "__proto__"])("%s is a name like any other", (name) => {
  const query = `sum by (${name}) (${name}{${name}="x"})`;
  expect(formatExpr(parsePromql(query))).toBe(query);
});
