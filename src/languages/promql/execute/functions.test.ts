import { describe, expect, test } from "vitest";
import { bench, rows } from "./testing.ts";

const DATA = `load 1m
  m{instance="i",job="j",a="x-1"} 1 -2.5 NaN
  target_info{instance="i",job="j",version="2"} 1 1 1
  d_bucket{le="1"} 10 10 10
  d_bucket{le="2"} 20 20 20
  d_bucket{le="+Inf"} 40 40 40
  odd_bucket{le="x"} 1 1 1`;

async function evaluate(query: string): Promise<{ rows: string[]; annotations: string[] }> {
  const { evaluator, grid, plan, annotations } = bench(DATA, 0, 120_000, 60_000);
  return { rows: rows(await evaluator.vector(plan(query), grid)), annotations: annotations(query) };
}

describe("functions", () => {
  test.each<[string, string[]]>([
    ["abs(m)", ['m{a="x-1", instance="i", job="j"} 1 2.5 NaN']],
    ["clamp(m, 0, 0.5)", ['m{a="x-1", instance="i", job="j"} 0.5 0 NaN']],
    ["clamp(m, 1, 0)", []],
    ["round(m, 2)", ['m{a="x-1", instance="i", job="j"} 2 -2 NaN']],
    ["sgn(m)", ['m{a="x-1", instance="i", job="j"} 1 -1 NaN']],
    ["vector(1)", ["{} 1 1 1"]],
    ["minute()", ["{} 0 1 2"]],
    ["day_of_year(vector(5270400))", ["{} 62 62 62"]],
    ["days_in_month(vector(5270400))", ["{} 31 31 31"]],
    ["timestamp(m)", ['m{a="x-1", instance="i", job="j"} 0 60 120']],
    ["absent(nothing{a='b',c=~'d'})", ['{a="b"} 1 1 1']],
    ["absent(m)", []],
    ['label_replace(m, "b", "$2$$", "a", "(.)-(?P<n>.)")', ['m{a="x-1", b="1$", instance="i", job="j"} 1 -2.5 NaN']],
    ['label_join(m, "b", "/", "job", "a")', ['m{a="x-1", b="j/x-1", instance="i", job="j"} 1 -2.5 NaN']],
    ["info(m)", ['m{a="x-1", instance="i", job="j", version="2"} 1 -2.5 NaN']],
    ['info(m, {version="3"})', []],
    ["histogram_quantile(0.5, d_bucket)", ["d_bucket 2 2 2"]],
    ["histogram_fraction(0, 1, d_bucket)", ["d_bucket 0.25 0.25 0.25"]],
    ['histogram_quantiles(d_bucket, "q", 0.25, 0.5)', ['d_bucket{q="0.25"} 1 1 1', 'd_bucket{q="0.5"} 2 2 2']],
  ])("%s", async (query, expected) => expect((await evaluate(query)).rows).toEqual(expected));

  test("say what they could not use", async () => {
    expect((await evaluate("histogram_quantile(0.5, odd_bucket)")).annotations).toEqual([
      'PromQL warning: bucket label "le" is missing or has a malformed value of "x" for metric name "odd_bucket" (1:25)',
    ]);
    expect((await evaluate("sort(m)")).annotations[0]).toMatch(/sort is ineffective for range queries/);
    await expect(evaluate('label_replace(m, "", "", "a", "")')).rejects.toThrow("invalid destination label name");
  });
});
