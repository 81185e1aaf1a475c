import { expect, test } from "vitest";
import { Labels } from "../../series/labels.ts";
import { LineLabels } from "./line-labels.ts";
import { parse } from "./parse.ts";
import { compilePipeline, runStages } from "./pipeline.ts";

const JSON_LINE =
  '{"msg":"hi \\"you\\"","n":{"a":1.50,"list":[1,{"b":"c"}]},"took":"1.5s","size":"2KB","ip":"10.1.2.3","level":"info","nil":null,"ok":true}';

/** Runs `stages` over a line; undefined when the line is dropped. */
function run(stages: string, line = JSON_LINE, wanted?: ReadonlySet<string>) {
  const expr = parse(`{app="a"} ${stages}`);
  if (expr.kind !== "log") throw new Error("not a log query");
  const pipeline = compilePipeline(expr.stages, wanted);
  const labels = new LineLabels();
  labels.reset(Labels.fromRecord({ app: "a", level: "INFO" }), ["trace_id", "t1"]);
  if (!pipeline.lineFilters.every((filter) => filter.test(line))) return undefined;
  const out = runStages(pipeline.stages, line, labels, Date.UTC(2026, 0, 2, 3, 4, 5, 67));
  return out === undefined ? undefined : { line: out, labels: labels.result(true).toRecord() };
}

const BASE = { app: "a", level: "INFO", trace_id: "t1" };

/** Stages, line, and the labels beyond the line's own (or undefined for a dropped line). */
const labelCases: [string, string, Record<string, string> | undefined][] = [
  [
    "| json",
    JSON_LINE,
    { msg: 'hi "you"', n_a: "1.50", took: "1.5s", size: "2KB", ip: "10.1.2.3", level_extracted: "info", ok: "true" },
  ],
  ["| json", '{"a-b":1,"1c":"x","d":{"e f":"g"}}', { a_b: "1", _1c: "x", d_e_f: "g" }],
  [
    "| json",
    '{"a":1',
    {
      a: "1",
      __error__: "JSONParserErr",
      __error_details__: "Value looks like object, but can't find closing '}' symbol",
    },
  ],
  [
    "| json",
    "plain",
    { __error__: "JSONParserErr", __error_details__: "Value looks like object, but can't find closing '}' symbol" },
  ],
  ['| json x="n.list[1].b", y="n[\\"a\\"]", z="none"', JSON_LINE, { x: "c", y: "1.5" }],
  ["| logfmt", 'a=1 b="two words" c= d e=f', { a: "1", b: "two words", e: "f" }],
  ["| logfmt --keep-empty", "a= b", {}],
  ['| logfmt x="a", y="b.c"', "a=1 b.c=2 d=3", { x: "1", y: "2" }],
  [
    "| logfmt --strict",
    "a=1 =x",
    { a: "1", __error__: "LogfmtParserErr", __error_details__: "logfmt syntax error at pos 5 : unexpected '='" },
  ],
  ['| regexp "took (?P<n>\\\\d+)(?P<unit>ms)?"', "it took 15ms", { n: "15", unit: "ms" }],
  [
    '| pattern "<ip> - <_> [<time>] <rest>"',
    "1.2.3.4 - user [now] GET /",
    { ip: "1.2.3.4", time: "now", rest: "GET /" },
  ],
  ["| unpack", '{"a":"b","_entry":"line","n":1}', { a: "b" }],
  [
    "| json | took > 1s",
    JSON_LINE,
    { msg: 'hi "you"', n_a: "1.50", took: "1.5s", size: "2KB", ip: "10.1.2.3", level_extracted: "info", ok: "true" },
  ],
  ["| json | took > 2s", JSON_LINE, undefined],
  ["| json | size >= 2kb | keep size", JSON_LINE, {}],
  ['| json | ip = ip("10.0.0.0/8") | keep ip', JSON_LINE, {}],
  ['| json | ip != ip("10.0.0.0/8")', JSON_LINE, undefined],
  ["| json | n_a == 1.5 | drop msg, took, size, ip, ok, level_extracted", JSON_LINE, { n_a: "1.50" }],
  ["| json | missing > 1", JSON_LINE, undefined],
  ['| level="INFO" | trace_id=~"t."', "x", {}],
  ['| level="ERROR" or trace_id="t1"', "x", {}],
  ['| label_format lvl=level, both="{{.app}}-{{.trace_id}}"', "x", { lvl: "INFO", both: "a-t1" }],
  ['| drop level="ERROR"', "x", {}],
  [
    "| level > 5",
    "x",
    { __error__: "LabelFilterErr", __error_details__: 'strconv.ParseFloat: parsing "INFO": invalid syntax' },
  ],
  ['| level > 5 | __error__=""', "x", undefined],
];
for (const [stages, line, extra] of labelCases) {
  test(`labels of ${stages} over ${line.slice(0, 40)}`, () => {
    const result = run(stages, line);
    if (extra === undefined) expect(result).toBeUndefined();
    else if (stages.includes("keep ")) expect(Object.keys(result!.labels)).toHaveLength(1);
    else if (stages.includes("lvl=level")) expect(result!.labels).toEqual({ app: "a", trace_id: "t1", ...extra });
    else expect(result!.labels).toEqual({ ...BASE, ...extra });
  });
}

/** Filters, line, and whether it passes. */
const filterCases: [string, string, boolean][] = [
  ['|= "b"', "abc", true],
  ['|= "x"', "abc", false],
  ['!= "b"', "abc", false],
  ['|= "x" or "c"', "abc", true],
  ['!= "x" or "c"', "abc", false],
  ['|~ "(?i)(TIMEOUT|timed out)"', "Request Timed Out", true],
  ['|~ "rate.?limit|429"', "rate-limit", true],
  ['|~ "rate.?limit|429"', "rate--limit", false],
  ['|~ "a.*c$"', "xabc", true],
  ['!~ "^a"', "abc", false],
  ['|~ "(?i)k"', "\u212a", true],
  ['|= ip("192.168.0.0/16")', "from 192.168.4.5:80", true],
  ['|= ip("10.0.0.1-10.0.0.9")', "from 10.0.0.10", false],
  ['|= ip("2001:db8::/32")', "from 2001:db8::1 now", true],
  ['|> "<_> took <_>ms"', "it took 5ms", true],
  ['|> "<_> took <_>ms"', "took 5ms", false],
  ['!> "<_>error<_>"', "an error here", false],
];
for (const [filter, line, passes] of filterCases) {
  test(`${JSON.stringify(line)} ${passes ? "passes" : "is dropped by"} ${filter}`, () => {
    expect(run(filter, line) !== undefined).toBe(passes);
    // The same filter behind another stage runs on lines, not on blocks.
    expect(run(`| line_format "{{__line__}}" ${filter}`, line) !== undefined).toBe(passes);
  });
}

test("line_format, unpack and decolorize change the line", () => {
  expect(run('| json | line_format "{{.msg}}!"')!.line).toBe('hi "you"!');
  expect(run("| unpack", '{"_entry":"inner"}')!.line).toBe("inner");
  expect(run("| decolorize", "\x1b[31mred\x1b[0m")!.line).toBe("red");
});

test("a failing template leaves the line and says so", () => {
  const result = run('| line_format "{{ div 1 0 }}"', "x")!;
  expect(result.line).toBe("x");
  expect(result.labels["__error__"]).toBe("TemplateFormatErr");
});

test("parsers cut out only what is wanted", () => {
  expect(run("| json", JSON_LINE, new Set(["n_a", "level_extracted"]))!.labels).toEqual({
    ...BASE,
    n_a: "1.50",
    level_extracted: "info",
  });
});

test("stages that cannot be compiled are named", () => {
  for (const [stages, message] of [
    [
      '| line_format "{{.x"',
      /stage '\| line_format "{{.x"' : invalid line template: template: line:1: unclosed action/,
    ],
    ['| label_format a="{{ nope }}"', /invalid template for label 'a': template: label:1: function "nope" not defined/],
    ['| pattern "no captures"', /at least one capture is required/],
    ['| pattern "<a><b>"', /found consecutive capture/],
    ['| regexp "no names"', /at least one named capture must be supplied/],
    ['|~ "("', /error parsing regexp/],
    ['| json x="a["', /cannot parse expression/],
    ['|= ip("nonsense")', /ip: invalid pattern/],
  ] as const) {
    expect(() => run(stages)).toThrow(message);
  }
});

test("filters that drop nothing, and drops of errors that cannot be, cost nothing", () => {
  const expr = parse('{app="a"} |= "" |~ ".*" | level=~"I.*" | drop __error__, __error_details__');
  if (expr.kind !== "log") throw new Error("not a log query");
  const pipeline = compilePipeline(expr.stages);
  expect(pipeline.lineFilters).toHaveLength(0);
  expect(pipeline.stages).toHaveLength(1);
  expect(run('|= "" or "zz"', "abc")!.line).toBe("abc");
  expect(run('!= ""', "abc")).toBeUndefined();
});

test("label matchers in front are offered to the store", () => {
  const expr = parse('{app="a"} |= "x" | level="INFO" | b=~"c" | json | d="e"');
  if (expr.kind !== "log") throw new Error("not a log query");
  const pipeline = compilePipeline(expr.stages);
  expect(pipeline.leadingMatchers.map(({ name }) => name)).toEqual(["level", "b"]);
  expect(pipeline.lineFilters.map(({ needle }) => needle)).toEqual(["x"]);
  expect(pipeline.readsLines).toBe(true);
});
