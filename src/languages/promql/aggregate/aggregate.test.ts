import { describe, expect, test } from "vitest";
import { Labels } from "../../../series/labels.ts";
import { bench, rows } from "../execute/testing.ts";
import { hashFraction } from "./hash-fraction.ts";

const DATA = `load 1m
  m{g="x",i="1"} 1 2 _ 4
  m{g="x",i="2"} 5 NaN _ 1
  m{g="y",i="3"} 7 7 7 7`;

async function evaluate(query: string, data = DATA): Promise<{ rows: string[]; annotations: string[] }> {
  // A lookback of five minutes would bridge the gaps.
  const { evaluator, grid, plan, annotations } = bench(data, 0, 180_000, 60_000);
  const lookback = Object.assign(evaluator, { context: { ...evaluator.context, lookbackMs: 60_000 } });
  return { rows: rows(await lookback.vector(plan(query), grid)), annotations: annotations(query) };
}

describe("aggregations", () => {
  test.each<[string, string[]]>([
    ["sum by (g) (m)", ['{g="x"} 6 NaN _ 5', '{g="y"} 7 7 7 7']],
    ["count(m)", ["{} 3 3 1 3"]],
    ["max without (i) (m)", ['{g="x"} 5 2 _ 4', '{g="y"} 7 7 7 7']],
    ["min by (g) (m)", ['{g="x"} 1 2 _ 1', '{g="y"} 7 7 7 7']],
    ["group(m)", ["{} 1 1 1 1"]],
    ['avg by (g) (m{i!="2"})', ['{g="x"} 1 2 _ 4', '{g="y"} 7 7 7 7']],
    ["stdvar(m{i!='2'})", ["{} 9 6.25 0 2.25"]],
    ["quantile(0.5, m)", ["{} 5 2 7 4"]],
    ["topk(1, m)", ['m{g="y", i="3"} 7 7 7 7']],
    ["bottomk(1, m)", ['m{g="x", i="1"} 1 2 _ _', 'm{g="x", i="2"} _ _ _ 1', 'm{g="y", i="3"} _ _ 7 _']],
    ["limitk(1, m)", ['m{g="x", i="1"} 1 2 _ 4', 'm{g="y", i="3"} _ _ 7 _']],
    ['count_values("v", m{g="y"})', ['{v="7"} 1 1 1 1']],
  ])("%s", async (query, expected) => expect((await evaluate(query)).rows.sort()).toEqual(expected));

  test("an average goes on where the sum overflows", async () => {
    const { rows: result } = await evaluate(
      "avg(h)",
      'load 1m\n h{a="1"} 1.6e308\n h{a="2"} 1.6e308\n h{a="3"} 1.6e308',
    );
    expect(Number(result[0]!.split(" ")[1])).toBeCloseTo(1.6e308, -300);
  });

  test("say what is wrong with parameters", async () => {
    expect((await evaluate("quantile(2, m)")).annotations).toEqual([
      "PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)",
    ]);
    await expect(evaluate("topk(NaN, m)")).rejects.toThrow("Parameter value is NaN");
    await expect(evaluate('count_values("", m)')).rejects.toThrow('invalid label name ""');
  });
});

test("the ratio sampler's hash is xxHash64 of Prometheus' label encoding", () => {
  // The empty input's well-known hash.
  expect(hashFraction(Labels.EMPTY)).toBe(Number(0xef46db3751d8e999n) / 2 ** 64);
  const long = Labels.fromRecord({ __name__: "a".repeat(300), b: "c" });
  expect(hashFraction(long)).toBeGreaterThanOrEqual(0);
  expect(hashFraction(long)).toBeLessThan(1);
});
