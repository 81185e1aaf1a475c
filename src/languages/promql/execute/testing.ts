import { parsePromql } from "../parse.ts";
import { type PlanNode, planQuery } from "../plan/plan.ts";
import { Fixture } from "../promqltest/fixture.ts";
import { parseScript } from "../promqltest/parse-script.ts";
import { Annotations } from "./annotations.ts";
import { PlanEvaluator } from "./evaluate.ts";
import { type Grid, makeGrid } from "./grid.ts";
import { Pacer } from "./pacer.ts";
import { SampleBudget } from "./sample-budget.ts";
import { FLOAT, type StepSeries } from "./step-series.ts";

/** An evaluator over a test script's data, and what its queries give; for tests of single operators. */
export interface Bench {
  readonly evaluator: PlanEvaluator;
  readonly grid: Grid;
  plan(query: string): PlanNode;
  annotations(query: string): string[];
}

export function bench(script: string, startMs: number, endMs: number, stepMs: number): Bench {
  const fixture = new Fixture();
  for (const command of parseScript(script)) if (command.kind === "load") fixture.load(command);
  const annotations = new Annotations();
  const evaluator = new PlanEvaluator({
    queryable: fixture,
    lookbackMs: 300_000,
    subqueryStepMs: 60_000,
    annotations,
    pacer: new Pacer(10_000, undefined),
    budget: new SampleBudget(1_000_000),
  });
  return {
    evaluator,
    grid: makeGrid(startMs, endMs, stepMs),
    plan: (query) => planQuery(parsePromql(query), { startMs, endMs, stepMs }),
    annotations: (query) => Object.values(annotations.render(query)).flat(),
  };
}

/** Series as `labels value value`, `_` where there is no float. */
export function rows(list: readonly StepSeries[]): string[] {
  return list.map(({ labels, kinds, values }) => {
    const cells = [...values].map((value, step) => (kinds[step] === FLOAT ? String(value) : "_"));
    return `${labels} ${cells.join(" ")}`;
  });
}
