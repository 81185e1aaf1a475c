import { type Labels, METRIC_NAME } from "../../../series/labels.ts";
import { makeMatcher } from "../../../series/matcher.ts";
import type { Matcher } from "../../../series/queryable.ts";
import { PromqlError } from "../error.ts";
import type { CallPlan, PlanNode, SelectorPlan, TimeShift } from "../plan/plan.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Grid } from "./grid.ts";
import { selectInstant } from "./select.ts";
import {
  ABSENT,
  copySeries,
  FLOAT,
  histogramAt,
  mergeSameLabels,
  newStepSeries,
  type StepSeries,
  setFloat,
  setHistogram,
} from "./step-series.ts";

/** Labels that say which target a series and an info series belong to. */
const IDENTIFYING = ["instance", "job"];
const IDENTIFYING_SET = new Set(IDENTIFYING);

/**
 * `info(v, {selector})`: adds the labels of info metrics (by default `target_info`) with the same instance and job.
 * Source: Prometheus promql/info.go.
 */
export async function addInfo(evaluator: Evaluator, call: CallPlan, grid: Grid): Promise<StepSeries[]> {
  const [vector, selector] = call.args as [PlanNode, SelectorPlan | undefined];
  const base = await evaluator.vector(vector, grid);
  const matchers = selector?.matchers ?? [makeMatcher("=", METRIC_NAME, "target_info")];
  const nameMatchers = effectiveNameMatchers(matchers.filter(({ name }) => name === METRIC_NAME));
  const dataMatchers = (selector?.matchers ?? []).filter(({ name }) => name !== METRIC_NAME);
  const isInfo = (labels: Labels) => nameMatchers.every((matcher) => matcher.matches(labels.get(METRIC_NAME)));
  const shift = shiftOf(vector) ?? { offsetMs: 0 };
  const enriched = base.filter((series) => !isInfo(series.labels));
  const infos = await selectInfos(evaluator, enriched, [...nameMatchers, ...dataMatchers], shift, grid);
  const result: StepSeries[] = [];
  for (const series of base) {
    if (isInfo(series.labels)) result.push(series);
    else result.push(...enrich(series, infos, dataMatchers, grid));
  }
  return grid.steps === 1 ? result : mergeSameLabels(result);
}

/** Only negative matchers would select all metrics; then it is those that are called info. */
function effectiveNameMatchers(matchers: readonly Matcher[]): readonly Matcher[] {
  if (matchers.some(({ type }) => type === "=" || type === "=~")) return matchers;
  if (matchers.length > 0) return [makeMatcher("=~", METRIC_NAME, ".+_info"), ...matchers];
  return [makeMatcher("=", METRIC_NAME, "target_info")];
}

/** The times of the first selector in an expression, which also say when the info series are looked at. */
function shiftOf(node: PlanNode): TimeShift | undefined {
  switch (node.kind) {
    case "selector":
      return node;
    case "matrix":
      return node.selector;
    case "subquery": {
      const inner = shiftOf(node.inner);
      if (inner === undefined || inner.atMs !== undefined) return inner;
      return { offsetMs: inner.offsetMs + node.offsetMs, atMs: node.atMs };
    }
    case "negate":
      return shiftOf(node.operand);
    case "binary":
      return shiftOf(node.left) ?? shiftOf(node.right);
    case "aggregate":
      return shiftOf(node.inner) ?? (node.parameter && shiftOf(node.parameter));
    case "call":
      for (const arg of node.args) {
        const shift = shiftOf(arg);
        if (shift !== undefined) return shift;
      }
      return undefined;
    default:
      return undefined;
  }
}

/** An info series with the time of its sample at each step: of several, the newest counts. */
interface InfoSeries {
  readonly labels: Labels;
  /** Seconds, shape [steps]. */
  readonly sampled: StepSeries;
}

/** Info series by identifying labels, then by metric name. */
type Infos = Map<string, Map<string, InfoSeries[]>>;

async function selectInfos(
  evaluator: Evaluator,
  base: readonly StepSeries[],
  matchers: readonly Matcher[],
  shift: TimeShift,
  grid: Grid,
): Promise<Infos> {
  const infos: Infos = new Map();
  const identifying: Matcher[] = [];
  for (const label of IDENTIFYING) {
    const values = new Set(base.map((series) => series.labels.get(label)).filter((value) => value !== ""));
    if (values.size > 0) identifying.push(makeMatcher("=~", label, [...values].map(quoteRegex).join("|")));
  }
  if (identifying.length === 0) return infos;
  const selector: SelectorPlan = {
    kind: "selector",
    matchers: [...matchers, ...identifying],
    offsetMs: shift.offsetMs,
    atMs: shift.atMs,
    bucketsUnused: false,
    position: { start: 0, end: 0 },
    type: "vector",
    invariant: shift.atMs !== undefined,
  };
  await selectInstant(evaluator.context, selector, grid, "infoTimestamp", (series) => {
    const target = targetOf(series.labels);
    const name = series.labels.get(METRIC_NAME);
    const byName = infos.get(target) ?? new Map<string, InfoSeries[]>();
    infos.set(target, byName);
    const list = byName.get(name) ?? [];
    byName.set(name, list);
    list.push({ labels: series.labels, sampled: copySeries(series) });
  });
  return infos;
}

function targetOf(labels: Labels): string {
  return labels.keep(IDENTIFYING_SET).key;
}

function quoteRegex(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, "\\$&");
}

/** One series for each set of labels that its info series give it over time. */
function enrich(series: StepSeries, infos: Infos, dataMatchers: readonly Matcher[], grid: Grid): StepSeries[] {
  const byName = infos.get(targetOf(series.labels));
  const required = dataMatchers.some((matcher) => !matcher.matches(""));
  const wanted = new Set(dataMatchers.map(({ name }) => name));
  const results = new Map<string, StepSeries>();
  for (let step = 0; step < grid.steps; step++) {
    if (series.kinds[step] === ABSENT) continue;
    const found: Labels[] = [];
    for (const candidates of byName?.values() ?? []) {
      const newest = newestAt(candidates, step);
      if (newest !== undefined) found.push(newest);
    }
    if (found.length === 0 && required) continue;
    const labels = withInfo(series.labels, found, wanted);
    let out = results.get(labels.key);
    if (out === undefined) {
      out = newStepSeries(labels, series.dropName, grid.steps);
      results.set(labels.key, out);
    }
    if (series.kinds[step] === FLOAT) setFloat(out, step, series.values[step]!);
    else setHistogram(out, step, histogramAt(series, step));
  }
  return [...results.values()];
}

function newestAt(candidates: readonly InfoSeries[], step: number): Labels | undefined {
  let newest: InfoSeries | undefined;
  for (const candidate of candidates) {
    if (candidate.sampled.kinds[step] === ABSENT) continue;
    const time = candidate.sampled.values[step]!;
    const best = newest?.sampled.values[step];
    if (newest === undefined || best === undefined || time > best) newest = candidate;
    else if (time === best)
      throw new PromqlError(
        "execution",
        `found duplicate series for info metric: existing ${newest.labels} @ ${best * 1000}, new ${candidate.labels} @ ${time * 1000}`,
      );
  }
  return newest?.labels;
}

function withInfo(base: Labels, infos: readonly Labels[], wanted: ReadonlySet<string>): Labels {
  let result = base;
  for (const info of infos) {
    for (const [name, value] of info.entries()) {
      if (name === METRIC_NAME || (wanted.size > 0 && !wanted.has(name))) continue;
      if (base.has(name)) continue;
      const earlier = result.get(name);
      if (earlier !== "" && earlier !== value) throw new PromqlError("execution", `conflicting label: ${name}`);
      result = result.with(name, value);
    }
  }
  return result;
}
