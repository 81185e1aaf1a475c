import fc from "fast-check";
import { expect, test } from "vitest";
import { queryInterval } from "../time/interval.ts";
import { interpolate, intervalValues, type VariableScope } from "./interpolate.ts";
import { chooseValues, readVariable, shapeOptions, staticOptions } from "./model.ts";
import type { VariableState } from "./types.ts";

const RANGE = { fromMs: 1_700_000_000_000, toMs: 1_700_000_900_000, raw: { from: "now-15m", to: "now" } };

function state(json: Record<string, unknown>, values: string[], options: string[] = []): [string, VariableState] {
  const model = readVariable(json);
  return [model.name, { model, values, options: options.map((value) => ({ text: value, value })) }];
}

const scope: VariableScope = {
  range: RANGE,
  dashboard: { title: "Golden", uid: "abc" },
  variables: new Map([
    state({ name: "model", type: "query", multi: true, includeAll: true }, ["gpt-4.1", "o4"], ["gpt-4.1", "o4", "x"]),
    state({ name: "all", type: "query", multi: true, includeAll: true }, ["$__all"], ["a.b", "c"]),
    state({ name: "any", type: "query", includeAll: true, allValue: ".*" }, ["$__all"], ["a"]),
    state({ name: "one", type: "custom", query: 'he said "hi"' }, ['he said "hi"']),
    state({ name: "empty", type: "query", includeAll: true, multi: true }, ["$__all"], []),
    state({ name: "step", type: "interval", query: "1m,5m" }, ["5m"]),
  ]),
};

const cases: [string, string, string][] = [
  ["several values become an alternation, escaped for a string literal", 'x{m=~"$model"}', 'x{m=~"(gpt-4\\\\.1|o4)"}'],
  ["All becomes every option", "$all", "(a\\\\.b|c)"],
  ["All with a value of its own is used as written", "$any", ".*"],
  ["All of nothing known matches everything", "$empty", ".*"],
  ["a single choice keeps its text, quotes escaped", "$one", 'he said \\"hi\\"'],
  ["square brackets", "[[step]]", "5m"],
  ["format pipe", "${model:pipe}", "gpt-4.1|o4"],
  ["format csv", "${model:csv}", "gpt-4.1,o4"],
  ["format regex", "${model:regex}", "(gpt-4\\.1|o4)"],
  ["format json", "${model:json}", '["gpt-4.1","o4"]'],
  ["format queryparam", "${model:queryparam}", "var-model=gpt-4.1&var-model=o4"],
  ["All in a link stays All", "${any:queryparam}", "var-any=%24__all"],
  ["format singlequote", "${model:singlequote}", "'gpt-4.1','o4'"],
  ["format text", "${all:text}", "All"],
  ["times", "$__from-${__to}", "1700000000000-1700000900000"],
  ["times as dates", "${__from:date:iso}", "2023-11-14T22:13:20.000Z"],
  ["seconds", "${__to:date:seconds}", "1700000900"],
  ["range", "$__range $__range_s $__range_ms", "900s 900 900000"],
  ["dashboard", "${__dashboard.uid} $__dashboard", "abc Golden"],
  ["address of the range", "${__url_time_range}", "from=now-15m&to=now"],
  ["unknown names stay", '$1 ${nobody} label_replace(x, "$2")', '$1 ${nobody} label_replace(x, "$2")'],
];
for (const [name, text, expected] of cases) {
  test(`interpolate: ${name}`, () => expect(interpolate(text, scope, {}, "matcher")).toBe(expected));
}

test("interval variables come from the query's own interval", () => {
  const interval = queryInterval(RANGE, 900, 5_000, 5_000);
  const scoped = intervalValues(interval, RANGE);
  expect(interpolate("[$__interval] $__rate_interval ${__interval_ms} [$__auto]", scope, scoped)).toBe(
    "[5s] 20s 5000 [5s]",
  );
});

test("scoped values win, and fields of objects are read by path", () => {
  const scoped = {
    model: { value: "o4", text: "O4" },
    __field: { value: { labels: { le: "0.5" }, name: "n" } },
    __data: { value: { fields: { "Trace ID": "abc", "0": "zero" } } },
  };
  expect(interpolate("$model ${model:text} ${__field.labels.le}", scope, scoped)).toBe("o4 O4 0.5");
  expect(interpolate('${__data.fields["Trace ID"]} ${__data.fields[0]} ${__field.labels.nope}', scope, scoped)).toBe(
    "abc zero ",
  );
});

test("interpolate never throws and leaves text without references alone", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const filled = interpolate(text, scope, {}, "matcher");
      if (!text.includes("$") && !text.includes("[[")) expect(filled).toBe(text);
    }),
  );
});

test("custom options: commas, escaped commas, key and value", () => {
  const model = readVariable({ name: "c", type: "custom", query: "a, b\\,c, Paid : tier-1" });
  expect(staticOptions(model)).toEqual([
    { text: "a", value: "a" },
    { text: "b,c", value: "b,c" },
    { text: "Paid", value: "tier-1" },
  ]);
});

test("a regex cuts options, named groups give text and value, duplicates go", () => {
  const raw = ['up{job="a"}', 'up{job="b"}', 'up{job="a"}', "other"].map((value) => ({ text: value, value }));
  const model = readVariable({ name: "r", type: "query", regex: '/job="(?<value>[^"]+)"/', sort: 2 });
  expect(shapeOptions(raw, model).map((option) => option.value)).toEqual(["b", "a"]);
});

test("numeric and natural order", () => {
  const raw = ["v10", "v9", "v1"].map((value) => ({ text: value, value }));
  expect(shapeOptions(raw, readVariable({ name: "n", type: "query", sort: 3 })).map(({ value }) => value)).toEqual([
    "v1",
    "v9",
    "v10",
  ]);
  expect(shapeOptions(raw, readVariable({ name: "n", type: "query", sort: 1 })).map(({ value }) => value)).toEqual([
    "v1",
    "v10",
    "v9",
  ]);
});

const options = ["a", "b"].map((value) => ({ text: value, value }));
test("chosen values: address first, then the document, then All, then the first option", () => {
  const multi = readVariable({
    name: "v",
    type: "query",
    multi: true,
    includeAll: true,
    current: { value: ["b", "gone"] },
  });
  expect(chooseValues(multi, options, ["x"])).toEqual(["x"]);
  expect(chooseValues(multi, options, ["All"])).toEqual(["$__all"]);
  expect(chooseValues(multi, options, undefined)).toEqual(["b"]);
  expect(chooseValues(readVariable({ name: "v", type: "query", includeAll: true }), options, undefined)).toEqual([
    "$__all",
  ]);
  expect(chooseValues(readVariable({ name: "v", type: "query" }), options, undefined)).toEqual(["a"]);
  expect(chooseValues(readVariable({ name: "t", type: "textbox", current: { value: "q" } }), [], undefined)).toEqual([
    "q",
  ]);
  expect(chooseValues(readVariable({ name: "k", type: "constant", query: "c" }), [], ["hacked"])).toEqual(["c"]);
});
