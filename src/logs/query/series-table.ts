import type { RangeAggregation } from "../../languages/logql/ast.ts";
import type { LineLabels } from "../../languages/logql/line-labels.ts";
import { Labels } from "../../series/labels.ts";
import { QueryError } from "./query-error.ts";
import { makeSeries, type StepSeries } from "./result.ts";

/** Points of all series that a range aggregation may hold at once, 8 to 25 bytes each. */
const CELLS_MAX = 4_000_000;

/** Where samples of a range aggregation are collected, series by number. */
export interface AggregationColumns {
  /** Makes room for one more series. */
  addSeries(): void;
  /** Adds a sample at a time in ms (with fraction). */
  add(series: number, timeMs: number, value: number): void;
  /** Computes the steps of one series into `target`. */
  finish(series: number, target: StepSeries): void;
}

/** Numbers the series of a range aggregation by label set. */
export class SeriesTable {
  readonly #columns: AggregationColumns;
  readonly #steps: number;
  readonly #numbers = new Map<string, number>();
  readonly #byValues = new Map<string, number>();
  readonly #labels: Labels[] = [];
  #lastLabels: Labels | undefined;
  #lastNumber = 0;

  constructor(columns: AggregationColumns, steps: number) {
    this.#columns = columns;
    this.#steps = steps;
  }

  /** The number of a label set, new ones included. @throws QueryError when there are too many. */
  indexOf(labels: Labels): number {
    if (labels === this.#lastLabels) return this.#lastNumber;
    let number = this.#numbers.get(labels.key);
    if (number === undefined) {
      number = this.#labels.length;
      if ((number + 1) * this.#steps > CELLS_MAX) {
        throw new QueryError(
          400,
          `the query makes too many points (${number + 1} series of ${this.#steps} steps, limit: ${CELLS_MAX} points); aggregate with functions like sum, or use a larger step`,
          "max_query_points",
        );
      }
      this.#numbers.set(labels.key, number);
      this.#labels.push(labels);
      this.#columns.addSeries();
    }
    this.#lastLabels = labels;
    this.#lastNumber = number;
    return number;
  }

  /** The number of the label set that a line has of `names` (sorted); known combinations cost one look-up. */
  indexOfLine(names: readonly string[], line: LineLabels): number {
    let key = "";
    for (const name of names) key += `${line.get(name)}\xff`;
    const known = this.#byValues.get(key);
    if (known !== undefined) return known;
    const pairs = names.map((name) => [name, line.get(name)] as const);
    const number = this.indexOf(Labels.fromEntries(pairs));
    this.#byValues.set(key, number);
    return number;
  }

  /** The series that have a value at any step. */
  finish(expr: RangeAggregation): StepSeries[] {
    const result = this.#labels.map((labels, number) => {
      const series = makeSeries(labels, this.#steps);
      this.#columns.finish(number, series);
      return series;
    });
    return expr.op === "absent_over_time" ? [absent(expr, result, this.#steps)] : result;
  }
}

/** 1 at every step at which no series has a value; the labels are those that the selector fixes. */
function absent(expr: RangeAggregation, series: readonly StepSeries[], steps: number): StepSeries {
  const fixed = expr.log.matchers.filter(({ type }) => type === "=").map(({ name, value }) => [name, value] as const);
  const result = makeSeries(Labels.fromEntries(fixed), steps);
  for (let step = 0; step < steps; step++) {
    if (series.some(({ present }) => present[step] === 1)) continue;
    result.present[step] = 1;
    result.values[step] = 1;
  }
  return result;
}
