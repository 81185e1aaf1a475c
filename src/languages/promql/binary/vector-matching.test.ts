import { describe, expect, test } from "vitest";
import { bench, rows } from "../execute/testing.ts";

const DATA = `load 1m
  a{job="x",i="1"} 1 2 3
  a{job="x",i="2"} 10 20 _
  b{job="x"} 2 2 2
  b{job="y"} 5 5 5
  c{job="x",i="1",k="v"} 4 4 4`;

async function evaluate(query: string): Promise<string[]> {
  const { evaluator, grid, plan } = bench(DATA, 0, 120_000, 60_000);
  Object.assign(evaluator, { context: { ...evaluator.context, lookbackMs: 60_000 } });
  return rows(await evaluator.vector(plan(query), grid)).sort();
}

describe("matching", () => {
  test.each<[string, string[]]>([
    ["a * on(job) group_left b", ['{i="1", job="x"} 2 4 6', '{i="2", job="x"} 20 40 _']],
    ["b - on(job) group_right a", ['{i="1", job="x"} 1 0 -1', '{i="2", job="x"} -8 -18 _']],
    ["a + ignoring(k) c", ['{i="1", job="x"} 5 6 7']],
    ["a + on(job, i) group_left(k) c", ['{i="1", job="x", k="v"} 5 6 7']],
    ["a > on(job) group_left b", ['a{i="1", job="x"} _ _ 3', 'a{i="2", job="x"} 10 20 _']],
    ["b + on(job) fill(1) sum by (job) (a)", ['{job="x"} 13 24 5', '{job="y"} 6 6 6']],
    ["a and on(i) c", ['a{i="1", job="x"} 1 2 3']],
    ["a unless on(i) c", ['a{i="2", job="x"} 10 20 _']],
    ["2 ^ b", ['b{job="x"} 4 4 4', 'b{job="y"} 32 32 32']],
    ["3 > a", ['a{i="1", job="x"} 1 2 _']],
    ["b == bool 2", ['b{job="x"} 1 1 1', 'b{job="y"} 0 0 0']],
  ])("%s", async (query, expected) => expect(await evaluate(query)).toEqual(expected));

  test("what is ambiguous is refused", async () => {
    await expect(evaluate("b * on(job) a")).rejects.toThrow(
      'found duplicate series for the match group {job="x"} on the right hand-side of the operation: [{__name__="a", i="1", job="x"}, {__name__="a", i="2", job="x"}];many-to-many matching not allowed: matching labels must be unique on one side',
    );
    await expect(evaluate("a * on(job) b")).rejects.toThrow("many-to-one matching must be explicit");
    await expect(evaluate("a * on(job) group_left(i) b")).rejects.toThrow("grouping labels must ensure unique matches");
  });
});
