import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { entry, evaluateAt, openTestStore, stream, type TestStore } from "../testing.ts";
import { quantile } from "./over-time.ts";

const T0 = 1_795_000_000_000;
const GRID = { startMs: T0, stepMs: 10_000, steps: 7 };

/** Seconds after T0, stream, value. */
type Sample = readonly [seconds: number, name: string, value: number];
const SAMPLES: readonly Sample[] = [
  [-25, "x", 4],
  [-5, "x", 1],
  [0, "x", 2],
  [3, "y", 10],
  [10, "x", 8],
  [11, "y", 5],
  [29, "y", 7],
  [30, "x", 3],
  [47, "y", 1],
];

async function fill(store: TestStore["store"], samples: readonly Sample[]): Promise<void> {
  for (const [seconds, name, value] of samples) {
    const line = JSON.stringify({ v: value, took: `${value * 100}ms` });
    await store.append([stream({ app: "a", name }, entry(T0 + seconds * 1_000, line, { rid: `r${seconds}` }))]);
  }
}

let testStore: TestStore;
beforeAll(async () => {
  testStore = await openTestStore();
  await fill(testStore.store, SAMPLES);
});
afterAll(() => testStore.dispose());

const at = (query: string) => evaluateAt(testStore.store, query, GRID);
const no = undefined;

describe("vectors over the grid 0, 10, … 60 s", () => {
  // count_over_time({app="a"}[20s]) is x: 2 3 1 1 1 - -, y: - 1 2 2 1 1 1
  const x = '{app="a", name="x"}';
  const y = '{app="a", name="y"}';
  const cases: [string, Record<string, (number | undefined)[]>][] = [
    ['count_over_time({app="a"}[20s])', { [x]: [2, 3, 1, 1, 1, no, no], [y]: [no, 1, 2, 2, 1, 1, 1] }],
    ['sum(count_over_time({app="a"}[20s]))', { "{}": [2, 4, 3, 3, 2, 1, 1] }],
    ['sum(count_over_time({app="a"}[20s] offset 10s))', { "{}": [1, 2, 4, 3, 3, 2, 1] }],
    [
      'sum by (rid) (count_over_time({app="a", name="x"}[1s]))',
      {
        '{rid="r0"}': [1, no, no, no, no, no, no],
        '{rid="r10"}': [no, 1, no, no, no, no, no],
        '{rid="r30"}': [no, no, no, 1, no, no, no],
      },
    ],
    ['sum(count_over_time({app="a"} | json | v > 5 [20s]))', { "{}": [no, 2, 2, 1, 1, no, no] }],
    ['sum(count_over_time({app="a"} | name="x" |= "v" [20s]))', { "{}": [2, 3, 1, 1, 1, no, no] }],
    ['sum(bytes_over_time({app="a"} | line_format "ab" [20s]))', { "{}": [4, 8, 6, 6, 4, 2, 2] }],
    ['absent_over_time({app="a", name="x"}[10s])', { [x]: [no, no, 1, no, 1, 1, 1] }],
    ['sum(count_over_time({app="none"}[1m])) or vector(0)', { "{}": [0, 0, 0, 0, 0, 0, 0] }],
    ['count(count by (name) (count_over_time({app="a"}[20s])))', { "{}": [1, 2, 2, 2, 2, 1, 1] }],
    ['topk(1, count_over_time({app="a"}[20s]))', { [x]: [2, 3, no, no, 1, no, no], [y]: [no, no, 2, 2, no, 1, 1] }],
    ['bottomk(1, count_over_time({app="a"}[20s]))', { [x]: [2, no, 1, 1, 1, no, no], [y]: [no, 1, no, no, no, 1, 1] }],
    ['max(count_over_time({app="a"}[20s])) - min(count_over_time({app="a"}[20s]))', { "{}": [0, 2, 1, 1, 0, 0, 0] }],
    ['avg without (name) (count_over_time({app="a"}[20s]))', { '{app="a"}': [2, 2, 1.5, 1.5, 1, 1, 1] }],
    ['stdvar(count_over_time({app="a"}[20s]))', { "{}": [0, 1, 0.25, 0.25, 0, 0, 0] }],
    ['sum(count_over_time({app="a"}[20s])) > 2', { "{}": [no, 4, 3, 3, no, no, no] }],
    ['2 < sum(count_over_time({app="a"}[20s]))', { "{}": [no, 4, 3, 3, no, no, no] }],
    ['sum(count_over_time({app="a"}[20s])) > bool 2', { "{}": [0, 1, 1, 1, 0, 0, 0] }],
    ['12 / sum(count_over_time({app="a"}[20s]))', { "{}": [6, 3, 4, 4, 6, 12, 12] }],
    [
      'count_over_time({app="a"}[20s]) / on (app) group_left sum by (app) (count_over_time({app="a"}[20s])) * 12',
      { [x]: [12, 9, 4, 4, 6, no, no], [y]: [no, 3, 8, 8, 6, 12, 12] },
    ],
    [
      'sum by (app) (count_over_time({app="a"}[20s])) - on (app) group_right count_over_time({app="a"}[20s])',
      { [x]: [0, 1, 2, 2, 1, no, no], [y]: [no, 3, 1, 1, 1, 0, 0] },
    ],
    [
      'count_over_time({app="a", name="x"}[20s]) + ignoring (name) count_over_time({app="a", name="y"}[20s])',
      { '{app="a"}': [no, 4, 3, 3, 2, no, no] },
    ],
    [
      'count_over_time({app="a"}[20s]) and on (name) count_over_time({app="a", name="y"}[20s])',
      { [y]: [no, 1, 2, 2, 1, 1, 1] },
    ],
    [
      'count_over_time({app="a"}[20s]) unless on (name) count_over_time({app="a", name="y"}[20s])',
      { [x]: [2, 3, 1, 1, 1, no, no] },
    ],
    [
      'count_over_time({app="a", name="x"}[20s]) or count_over_time({app="a"}[10s])',
      { [x]: [2, 3, 1, 1, 1, no, no], [y]: [no, 1, 1, 1, no, 1, no] },
    ],
    [
      'label_replace(count_over_time({app="a", name="x"}[20s]), "to", "<$1>", "name", "(.)")',
      { '{app="a", name="x", to="<x>"}': [2, 3, 1, 1, 1, no, no] },
    ],
    [
      'max by (rid) (count_over_time({app="a", name="y"}[10s]))',
      {
        '{rid="r3"}': [no, 1, no, no, no, no, no],
        '{rid="r11"}': [no, no, 1, no, no, no, no],
        '{rid="r29"}': [no, no, no, 1, no, no, no],
        '{rid="r47"}': [no, no, no, no, no, 1, no],
      },
    ],
    [
      'count by (rid, name) (rate({app="a", name="y"} | json [10s])) * 0 > bool 5',
      {
        '{name="y", rid="r3"}': [no, 0, no, no, no, no, no],
        '{name="y", rid="r11"}': [no, no, 0, no, no, no, no],
        '{name="y", rid="r29"}': [no, no, no, 0, no, no, no],
        '{name="y", rid="r47"}': [no, no, no, no, no, 0, no],
      },
    ],
    ["1 / 0", { scalar: [Number.NaN] }],
    ["vector(3) * 2", { "{}": [6, 6, 6, 6, 6, 6, 6] }],
  ];
  for (const [query, expected] of cases) test(query, async () => expect(await at(query)).toEqual(expected));
});

describe("mistakes are named", () => {
  const cases: [string, RegExp][] = [
    [
      'count_over_time({app="a"}[20s]) / on (app) count_over_time({app="a"}[20s])',
      /found duplicate series on the right hand-side;many-to-many matching not allowed/,
    ],
    [
      'count_over_time({app="a"}[20s]) / on (app) sum by (app) (count_over_time({app="a"}[20s]))',
      /multiple matches for labels: many-to-one matching must be explicit/,
    ],
    ['sum(sum_over_time({app="a"} | json | unwrap took [20s]))', /pipeline error: 'SampleExtractionErr' for series/],
    ['sum(count_over_time({app="a"} | name > 5 [20s]))', /pipeline error: 'LabelFilterErr' for series/],
  ];
  for (const [query, message] of cases) test(query, () => expect(at(query)).rejects.toThrow(message));
});

/** What each operation gives for the values of one window, oldest first. */
const REFERENCE: Readonly<Record<string, (values: number[], rangeSeconds: number) => number>> = {
  sum_over_time: (values) => values.reduce((sum, value) => sum + value, 0),
  rate: (values, seconds) => values.reduce((sum, value) => sum + value, 0) / seconds,
  avg_over_time: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
  min_over_time: (values) => Math.min(...values),
  max_over_time: (values) => Math.max(...values),
  first_over_time: (values) => values[0]!,
  last_over_time: (values) => values.at(-1)!,
  stdvar_over_time: (values) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  },
  quantile_over_time: (values) => quantile(0.9, Float64Array.from(values)),
};

test("range aggregations agree with a plain count over windows, over head and segment, for any samples and grid", async () => {
  const sample = fc.tuple(
    fc.integer({ min: 0, max: 120 }),
    fc.constantFrom("x", "y"),
    fc.integer({ min: -50, max: 50 }),
  );
  const grid = fc.record({
    stepMs: fc.constantFrom(1_000, 7_000, 15_000, 40_000),
    steps: fc.integer({ min: 1, max: 12 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(sample, { maxLength: 30, selector: ([seconds, name]) => `${seconds} ${name}` }),
      grid,
      fc.constantFrom(5, 13, 60),
      fc.constantFrom(...Object.keys(REFERENCE)),
      async (samples, { stepMs, steps }, rangeSeconds, op) => {
        const own = await openTestStore();
        await fill(own.store, samples.slice(0, samples.length / 2));
        await own.store.flush();
        await fill(own.store, samples.slice(samples.length / 2));
        const parameter = op === "quantile_over_time" ? "0.9, " : "";
        const unwrapped = `sum by (name) (${op}(${parameter}{app="a"} | json | drop took | unwrap v [${rangeSeconds}s]))`;
        const counted = `sum by (name) (count_over_time({app="a"}[${rangeSeconds}s]))`;
        const found = await evaluateAt(own.store, unwrapped, { startMs: T0, stepMs, steps });
        const counts = await evaluateAt(own.store, counted, { startMs: T0, stepMs, steps });
        for (const name of ["x", "y"]) {
          for (let step = 0; step < steps; step++) {
            const endSeconds = (step * stepMs) / 1_000;
            const values = samples
              .filter(
                ([seconds, stream]) => stream === name && seconds > endSeconds - rangeSeconds && seconds <= endSeconds,
              )
              .sort(([left], [right]) => left - right)
              .map(([, , value]) => value);
            const expected = values.length === 0 ? undefined : REFERENCE[op]!(values, rangeSeconds);
            const actual = found[`{name="${name}"}`]?.[step];
            if (expected === undefined) expect(actual).toBeUndefined();
            else expect(actual).toBeCloseTo(expected, 6);
            expect(counts[`{name="${name}"}`]?.[step]).toBe(values.length === 0 ? undefined : values.length);
          }
        }
        await own.dispose();
      },
    ),
    { numRuns: 40 },
  );
});
