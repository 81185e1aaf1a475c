import { describe, expect, test } from "vitest";
import { CounterResetHint } from "../../../series/float-histogram.ts";
import { parseSeriesLine, parseStartLine } from "./parse-series.ts";

const floats = (text: string) =>
  parseSeriesLine(`m ${text}`).values.map((value) => (value.kind === "float" ? value.value : value.kind));

describe("series notation", () => {
  test.each<[string, (number | string)[]]>([
    ["1 2.5 -3", [1, 2.5, -3]],
    ["0+10x3", [0, 10, 20, 30]],
    ["5-2x2", [5, 3, 1]],
    ["7x2", [7, 7, 7]],
    ["_ _x2 stale", ["omitted", "omitted", "omitted", "stale"]],
    ["1e3 .5 +Inf NaN", [1000, 0.5, Number.POSITIVE_INFINITY, Number.NaN]],
  ])("%s", (text, values) => expect(floats(text)).toEqual(values));

  test("labels, quoted names and quoted metric names", () => {
    expect(String(parseSeriesLine('up{job="a b", "x.y"=\'z\'} 1').labels)).toBe('up{job="a b", x.y="z"}');
    expect(String(parseSeriesLine('{"a metric", b="c"} 1').labels)).toBe('a metric{b="c"}');
  });

  test("histograms, and histograms that grow", () => {
    const [first, second] = parseSeriesLine(
      "m {{schema:1 count:3 sum:5 buckets:[1 2] offset:1}}+{{schema:1 count:1 buckets:[1] offset:1}}x1",
    ).values;
    expect(first).toMatchObject({
      histogram: { schema: 1, positiveSpans: [{ offset: 1, length: 2 }] },
      hintGiven: false,
    });
    expect(second).toMatchObject({ histogram: { count: 4, positiveBuckets: [2, 2] } });
    const gauge = parseSeriesLine("m {{counter_reset_hint:gauge}}").values[0];
    expect(gauge).toMatchObject({ histogram: { counterResetHint: CounterResetHint.Gauge }, hintGiven: true });
  });

  test("start timestamps relative to their samples", () => {
    expect(parseStartLine('m{a="b"}@st _ -1m -30sx1 0-1mx2')?.offsetsMs).toEqual([
      undefined,
      -60_000,
      -30_000,
      -30_000,
      0,
      -60_000,
      -120_000,
    ]);
    expect(parseStartLine("m 1 2")).toBeUndefined();
  });
});
