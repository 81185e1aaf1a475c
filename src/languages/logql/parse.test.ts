import { describe, expect, test } from "vitest";
import { formatQuery } from "./format.ts";
import { parse, parseLogSelector, parseMatchers } from "./parse.ts";
import { ParseError } from "./parse-error.ts";

/** Query and its one canonical form; the form itself parses to the same. */
const good = [
  ['{app="a"}', '{app="a"}'],
  ['({app=~"a.*", b!=""})', '{app=~"a.*", b!=""}'],
  ["{a=`b\\d`}", '{a="b\\\\d"}'],
  ['{a="b"} # comment\n|= "x"', '{a="b"} |= "x"'],
  [
    '{a="b"}|="x" or "y"!="z"|~"q"!~"r"|>"<_>"!>"s<_>"',
    '{a="b"} |= "x" or "y" != "z" |~ "q" !~ "r" |> "<_>" !> "s<_>"',
  ],
  ['{a="b"} |= ip("10.0.0.0/8")', '{a="b"} |= ip("10.0.0.0/8")'],
  ['{a="b"}|json|logfmt --strict|unpack|decolorize', '{a="b"} | json | logfmt --strict | unpack | decolorize'],
  ['{a="b"}|json x="y[0].z",w', '{a="b"} | json x="y[0].z", w="w"'],
  ['{a="b"}|regexp "(?P<x>a)"|pattern "<x> b"', '{a="b"} | regexp "(?P<x>a)" | pattern "<x> b"'],
  ['{a="b"}|x="1" or y>2 and z<3ms', '{a="b"} | (x="1" or (y>2 and z<3ms))'],
  ['{a="b"}|x>=1.5KB,y!=-3', '{a="b"} | (x>=1.5KB and y!=-3)'],
  ['{a="b"}|x=ip("1.1.1.1")', '{a="b"} | x=ip("1.1.1.1")'],
  [
    '{a="b"}|line_format "{{.x}}"|label_format y=x,z="{{.q}}"',
    '{a="b"} | line_format "{{.x}}" | label_format y=x, z="{{.q}}"',
  ],
  ['{a="b"}|drop x,y="z"|keep w', '{a="b"} | drop x, y="z" | keep w'],
  ['rate({a="b"}[5m])', 'rate({a="b"}[5m])'],
  ['rate({a="b"}[5m]|="x")', 'rate({a="b"} |= "x"[5m])'],
  ['count_over_time(({a="b"}|="x")[90s])', 'count_over_time({a="b"} |= "x"[1m30s])'],
  ['rate({a="b"}[5m] offset 1h)', 'rate({a="b"}[5m] offset 1h)'],
  ['rate({a="b"}|unwrap x[5m] offset 1h)', 'rate({a="b"} | unwrap x[5m] offset 1h)'],
  [
    'sum_over_time({a="b"}|json|unwrap bytes(x)|__error__=""[5m])',
    'sum_over_time({a="b"} | json | unwrap bytes(x) | __error__=""[5m])',
  ],
  ['quantile_over_time(.9,{a="b"}|unwrap x[1m])by(y)', 'quantile_over_time(0.9, {a="b"} | unwrap x[1m]) by (y)'],
  ['sum(rate({a="b"}[1m]))by(x,y)', 'sum by (x, y)(rate({a="b"}[1m]))'],
  ['topk(3,rate({a="b"}[1m]))', 'topk(3, rate({a="b"}[1m]))'],
  ["1+2*3", "(1 + (2 * 3))"],
  ["1*2+3", "((1 * 2) + 3)"],
  ["2^3^2", "(2 ^ (3 ^ 2))"],
  ["1-2-3", "((1 - 2) - 3)"],
  ["(1-2)*(3-4)", "((1 - 2) * (3 - 4))"],
  ["1 + -2 / 1", "(1 + (-2 / 1))"],
  ["1 > bool 2 + 3", "(1 > bool (2 + 3))"],
  ["vector(-1) or vector(2)", "(vector(-1) or vector(2))"],
  [
    'rate({a="b"}[1m])/on(x)group_left(y)rate({a="b"}[1m])',
    '(rate({a="b"}[1m]) / on (x) group_left (y) rate({a="b"}[1m]))',
  ],
  ['label_replace(rate({a="b"}[1m]),"x","$1","y","(.*)")', 'label_replace(rate({a="b"}[1m]), "x", "$1", "y", "(.*)")'],
] as const;

for (const [query, canonical] of good) {
  test(`parses ${query}`, () => {
    expect(formatQuery(parse(query))).toBe(canonical);
    expect(formatQuery(parse(canonical))).toBe(canonical);
  });
}

/** Query and Loki's message. */
const bad = [
  ["", "parse error at line 1, col 1: syntax error: unexpected $end"],
  ['{a="b"', "parse error at line 1, col 7: syntax error: unexpected $end, expecting } or ,"],
  ['{foo="bar"} |~', "parse error at line 1, col 15: syntax error: unexpected $end, expecting STRING or ip"],
  ['{foo="bar"} "foo"', "parse error at line 1, col 13: syntax error: unexpected STRING"],
  ['{foo="bar"} foo', "parse error at line 1, col 13: syntax error: unexpected IDENTIFIER"],
  ['{foo="bar}', "parse error at line 1, col 6: literal not terminated"],
  ['{a="b"}\n | json |', "parse error at line 2, col 10: syntax error: unexpected $end"],
  ['unk({foo="bar"}[5m])', "parse error at line 1, col 1: syntax error: unexpected IDENTIFIER"],
  [
    'sum(rate({a="b"}[5m])) / clamp_min(vector(1), 1)',
    "parse error at line 1, col 26: syntax error: unexpected IDENTIFIER",
  ],
  [
    '{a=~".*"}',
    'parse error : queries require at least one regexp or equality matcher that does not have an empty-compatible value. For instance, app=~".*" does not meet this requirement, but app=~".+" will',
  ],
  ['sum_over_time({a="b"}[5m])', "parse error : invalid aggregation sum_over_time without unwrap"],
  ['count_over_time({a="b"} | unwrap x [5m])', "parse error : invalid aggregation count_over_time with unwrap"],
  ['rate({a="b"}[5m]) by (x)', "parse error : grouping not allowed for rate aggregation"],
  ['quantile_over_time({a="b"} | unwrap x [5m])', "parse error : parameter required for operation quantile_over_time"],
  ['rate(1, {a="b"}[5m])', "parse error : parameter 1 not supported for operation rate"],
  ['topk(rate({a="b"}[5m]))', "parse error : parameter required for operation topk"],
  ['sum(3, rate({a="b"}[5m]))', "parse error : unsupported parameter for operation sum(3,"],
  ["vector(1) or 2", "parse error : unexpected literal for right side of logical/set binary operation (or): 2.000000"],
  ['{a="b"} | label_format x=y,x=z', "parse error : multiple label name 'x' not allowed in a single format operation"],
] as const;

describe("refuses, in Loki's words", () => {
  for (const [query, message] of bad) {
    test(query, () => {
      expect(() => parse(query)).toThrow(expect.objectContaining({ name: "ParseError", message }));
    });
  }

  test("a pattern that RE2 refuses", () => {
    expect(() => parse('{a=~"("}')).toThrow(/^parse error : error parsing regexp: missing closing \)/);
  });

  test("a query that is too long, or nests too deeply for the stack", () => {
    expect(() => parse(`{a="${"b".repeat(140_000)}"}`)).toThrow(/input size too long/);
    expect(() => parse(`${"(".repeat(20_000)}1${")".repeat(20_000)}`)).toThrow(ParseError);
  });

  test("what is no selector, where only a selector will do", () => {
    expect(() => parseLogSelector("1")).toThrow(ParseError);
    expect(() => parseMatchers('{a="b"} |= "c"')).toThrow(ParseError);
  });
});

test("a long chain of operators parses", () => {
  expect(() => parse(Array.from({ length: 500 }, () => "1").join("+"))).not.toThrow();
});

test.each(["constructor", "__proto__"])("%s is a name like any other", (name) => {
  const expr = parse(`sum by (${name}) (count_over_time({${name}="x"} | json | ${name}="1" [1m]))`);
  expect(expr).toMatchObject({ kind: "vectorAggregation", grouping: { names: [name] } });
});
