import fc from "fast-check";
import { expect, test } from "vitest";
import { PromqlEngine } from "./engine.ts";
import { PromqlError } from "./error.ts";
import { Fixture } from "./promqltest/fixture.ts";
import { parseScript } from "./promqltest/parse-script.ts";

/** Columns are evaluated for all steps at once; each step must be what an instant query at its time gives. */
const QUERIES = [
  "m_total",
  "m_total offset 1m",
  "m_total @ 300",
  "rate(m_total[3m])",
  "increase(m_total[90s] offset 30s)",
  "irate(m_total[5m])",
  "delta(m_total[3m])",
  "sum_over_time(m_total[2m])",
  "avg_over_time(m_total[2m])",
  "max_over_time(m_total[4m])",
  "quantile_over_time(0.4, m_total[4m])",
  "stddev_over_time(m_total[4m])",
  "deriv(m_total[4m])",
  "predict_linear(m_total[4m], 60)",
  "changes(m_total[4m])",
  "resets(m_total[4m])",
  "last_over_time(m_total[1m])",
  "absent_over_time(m_total[1m])",
  "absent(m_total)",
  "timestamp(m_total)",
  "sum by (a) (m_total)",
  "avg without (a) (m_total)",
  "count(m_total)",
  "stddev(m_total)",
  "quantile by (b) (0.7, m_total)",
  "topk(2, m_total)",
  "bottomk by (a) (1, m_total)",
  'count_values("v", m_total)',
  "limitk(2, m_total)",
  "m_total + on(a, b) m_total offset 1m",
  "m_total / on(a) group_left sum by (a) (m_total)",
  "m_total > 3",
  "3 < bool m_total",
  "m_total and on(b) (m_total > 4)",
  "m_total or vector(1)",
  "m_total unless m_total offset 2m",
  "m_total + fill(2) m_total offset 2m",
  "scalar(m_total) + time()",
  "clamp(m_total, 2, 5) ^ 2",
  "rate(m_total[2m:30s])",
  "max_over_time(sum(m_total)[3m:])",
  "sum(m_total @ end()) + sum(m_total)",
  'label_replace(m_total, "c", "$1", "a", "(.*)")',
  'histogram_quantile(0.9, sum by (le) (label_replace(m_total, "le", "$1", "b", "(.*)")))',
  "m_total smoothed",
  "rate(m_total[3m] anchored)",
  "increase(m_total[3m] smoothed)",
];

const value = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 9 }).map(String) },
  fc.constantFrom("_", "stale", "NaN", "+Inf"),
);
const scripts = fc
  .array(fc.array(value, { minLength: 8, maxLength: 24 }), { minLength: 1, maxLength: 5 })
  .map(
    (rows) =>
      `load 30s\n${rows.map((row, index) => `  m_total{a="${index % 2}",b="${index}"} ${row.join(" ")}`).join("\n")}`,
  );

const START = 120_000;
const STEP = 45_000;
const STEPS = 9;

test("a range query gives at each step what an instant query gives", async () => {
  const engine = new PromqlEngine();
  const property = fc.asyncProperty(scripts, fc.constantFrom(...QUERIES), async (script, query) => {
    const fixture = new Fixture();
    for (const command of parseScript(script)) if (command.kind === "load") fixture.load(command);
    const end = START + (STEPS - 1) * STEP;
    const wide = await outcome(() => engine.range(fixture, query, START, end, STEP));
    // `end()` is the query's own.
    const pinned = query.replaceAll("end()", String(end / 1000));
    for (let step = 0; step < STEPS; step++) {
      const time = START + step * STEP;
      const narrow = await outcome(() => engine.instant(fixture, pinned, time));
      if (wide === undefined || narrow === undefined) {
        // A step alone may be fine where another one is not, but not the other way round.
        expect(narrow === undefined && wide !== undefined, `${query}\n${script}`).toBe(false);
        continue;
      }
      expect(at(wide, time), `${query} at ${time}\n${script}`).toEqual(at(narrow, time));
    }
  });
  await fc.assert(property, { seed: 20_260_821, numRuns: 250 });
});

type Outcome = Awaited<ReturnType<PromqlEngine["instant"]>>["value"];

async function outcome(evaluate: () => Promise<{ value: Outcome }>): Promise<Outcome | undefined> {
  try {
    return (await evaluate()).value;
  } catch (error) {
    if (error instanceof PromqlError) return undefined;
    throw error;
  }
}

function at(result: Outcome, time: number): Map<string, number> {
  const values = new Map<string, number>();
  if (result.type === "vector") for (const { labels, value: sample } of result.samples) values.set(labels.key, sample);
  if (result.type === "scalar") values.set("", result.value);
  if (result.type === "matrix") {
    for (const { labels, timestamps, values: column } of result.series) {
      const index = timestamps.indexOf(time);
      if (index !== -1) values.set(labels.key, column[index]!);
    }
  }
  return new Map([...values].sort(([left], [right]) => (left < right ? -1 : 1)));
}
