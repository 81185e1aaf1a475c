import { type Labels, METRIC_NAME } from "../../../series/labels.ts";
import type { VectorMatching } from "../ast.ts";
import { PromqlError } from "../error.ts";
import type { EvalContext } from "../execute/evaluator.ts";
import type { Grid } from "../execute/grid.ts";
import {
  ABSENT,
  FLOAT,
  hasSamples,
  histogramAt,
  mergeSameLabels,
  newStepSeries,
  type StepSeries,
  setFloat,
  setHistogram,
} from "../execute/step-series.ts";
import type { BinaryPlan } from "../plan/plan.ts";
import {
  arithmetic,
  changesMeaning,
  comparisons,
  type Element,
  histogramOperation,
  type OperationContext,
} from "./operators.ts";
import { anyPresent, bySignature, matchLabels } from "./signature.ts";

/** Labels that describe what a metric is; arithmetic makes something else of it. */
export const DESCRIPTIVE_LABELS: ReadonlySet<string> = new Set([METRIC_NAME, "__type__", "__unit__"]);

/**
 * An arithmetic operation or comparison between two vectors. The sides are called "many" and "one": the one has at most
 * one sample for each signature and step; the left side is the many, but for `group_right`.
 */
export async function vectorOperation(
  context: EvalContext,
  plan: BinaryPlan,
  left: StepSeries[],
  right: StepSeries[],
  grid: Grid,
): Promise<StepSeries[]> {
  const operation = new VectorOperation(context, plan, grid);
  return operation.run(left, right);
}

class VectorOperation {
  readonly #context: EvalContext;
  readonly #plan: BinaryPlan;
  readonly #matching: VectorMatching;
  readonly #steps: number;
  readonly #swapped: boolean;
  readonly #fillMany: number | undefined;
  readonly #fillOne: number | undefined;
  readonly #result: StepSeries[] = [];
  readonly #operation: OperationContext;

  constructor(context: EvalContext, plan: BinaryPlan, grid: Grid) {
    this.#context = context;
    this.#plan = plan;
    this.#matching = plan.matching;
    this.#steps = grid.steps;
    this.#swapped = plan.matching.cardinality === "one-to-many";
    const { fillLeft, fillRight } = plan.matching;
    // With group_right, Prometheus fills the "one" side by fill_right all the same.
    this.#fillMany = fillLeft;
    this.#fillOne = fillRight;
    this.#operation = { annotations: context.annotations, position: plan.position };
  }

  async run(left: StepSeries[], right: StepSeries[]): Promise<StepSeries[]> {
    const [many, one] = this.#swapped ? [right, left] : [left, right];
    const filled = this.#fillMany !== undefined || this.#fillOne !== undefined;
    // Where one side is empty nothing can match, and nothing is wrong with duplicates on the other.
    const manyPresent = filled ? undefined : anyPresent(many, this.#steps);
    const manyBySignature = bySignature(many, this.#matching);
    const oneBySignature = bySignature(one, this.#matching);
    for (const [signature, ones] of oneBySignature) {
      if (this.#context.pacer.due()) await this.#context.pacer.breathe();
      this.#requireUnique(ones, manyPresent);
      this.#matchGroup(manyBySignature.get(signature) ?? [], ones);
    }
    if (this.#fillOne !== undefined) {
      for (const [signature, group] of manyBySignature) if (!oneBySignature.has(signature)) this.#matchGroup(group, []);
    }
    const result = this.#result.filter(hasSamples);
    return this.#steps === 1 ? result : mergeSameLabels(result);
  }

  #requireUnique(ones: readonly StepSeries[], manyPresent: Uint8Array | undefined): void {
    if (ones.length < 2) return;
    for (let step = 0; step < this.#steps; step++) {
      if (manyPresent !== undefined && manyPresent[step] === 0) continue;
      const present = ones.filter((series) => series.kinds[step] !== ABSENT);
      if (present.length < 2) continue;
      const matched = matchLabels(this.#matching)(present[0]!.labels);
      const [first, second] = [labelsText(present[0]!.labels), labelsText(present[1]!.labels)].sort();
      throw new PromqlError(
        "execution",
        `found duplicate series for the match group ${labelsText(matched)} on the ${this.#swapped ? "left" : "right"} hand-side of the operation: [${first}, ${second}];many-to-many matching not allowed: matching labels must be unique on one side`,
      );
    }
  }

  /** All series of one signature; `ones` never overlap. */
  #matchGroup(many: readonly StepSeries[], ones: readonly StepSeries[]): void {
    const oneToOne = this.#matching.cardinality === "one-to-one";
    /** For one-to-one, the steps that have their match; else the same for each result's labels. */
    const taken = new Map<string, Uint8Array>();
    const matchedSteps = new Uint8Array(this.#steps);
    const claim = (labels: Labels, step: number): void => {
      const key = oneToOne ? "" : labels.key;
      let claimed = taken.get(key);
      if (claimed === undefined) {
        claimed = new Uint8Array(this.#steps);
        taken.set(key, claimed);
      }
      if (claimed[step] === 1) throw new PromqlError("execution", oneToOne ? MANY_TO_ONE : NOT_UNIQUE);
      claimed[step] = 1;
      matchedSteps[step] = 1;
    };
    const unclaimable = many.length === 1 && ones.length <= 1 && this.#fillMany === undefined;
    for (const series of many) {
      for (const partner of ones) this.#combine(series, partner, unclaimable ? undefined : claim);
      if (this.#fillOne !== undefined) this.#fillInOne(series, ones, this.#fillOne, claim);
    }
    if (this.#fillMany === undefined) return;
    for (const partner of ones) this.#fillInMany(partner, this.#fillMany, matchedSteps, claim);
  }

  #combine(many: StepSeries, one: StepSeries, claim: ((labels: Labels, step: number) => void) | undefined): void {
    const labels = this.#resultLabels(many.labels, one.labels);
    const out = newStepSeries(labels, this.#plan.returnBool, this.#steps);
    this.#result.push(out);
    const onlyFloats = many.histograms === undefined && one.histograms === undefined;
    if (onlyFloats && claim === undefined && this.#combineFloats(many, one, out)) return;
    for (let step = 0; step < this.#steps; step++) {
      const manyKind = many.kinds[step]!;
      const oneKind = one.kinds[step]!;
      if (manyKind === ABSENT || oneKind === ABSENT) continue;
      const manyElement = manyKind === FLOAT ? many.values[step]! : histogramAt(many, step);
      const oneElement = oneKind === FLOAT ? one.values[step]! : histogramAt(one, step);
      this.#operate(manyElement, oneElement, out, step, claim);
    }
  }

  /** The common case in a tight loop; false where the operation is none between floats. */
  #combineFloats(many: StepSeries, one: StepSeries, out: StepSeries): boolean {
    const { operator, returnBool } = this.#plan;
    const [left, right] = this.#swapped ? [one, many] : [many, one];
    const compute = arithmetic[operator];
    const compare = comparisons[operator];
    if (compute === undefined && compare === undefined) return false;
    for (let step = 0; step < this.#steps; step++) {
      if (left.kinds[step] === ABSENT || right.kinds[step] === ABSENT) continue;
      const leftValue = left.values[step]!;
      const rightValue = right.values[step]!;
      if (compute !== undefined) setFloat(out, step, compute(leftValue, rightValue));
      else if (returnBool) setFloat(out, step, compare!(leftValue, rightValue) ? 1 : 0);
      else if (compare!(leftValue, rightValue)) setFloat(out, step, leftValue);
    }
    return true;
  }

  #fillInOne(
    many: StepSeries,
    ones: readonly StepSeries[],
    fill: number,
    claim: (labels: Labels, step: number) => void,
  ): void {
    const labels = this.#resultLabels(many.labels, matchLabels(this.#matching)(many.labels));
    const out = newStepSeries(labels, this.#plan.returnBool, this.#steps);
    for (let step = 0; step < this.#steps; step++) {
      const kind = many.kinds[step]!;
      if (kind === ABSENT || ones.some((one) => one.kinds[step] !== ABSENT)) continue;
      this.#operate(kind === FLOAT ? many.values[step]! : histogramAt(many, step), fill, out, step, claim);
    }
    this.#result.push(out);
  }

  #fillInMany(
    one: StepSeries,
    fill: number,
    matchedSteps: Uint8Array,
    claim: (labels: Labels, step: number) => void,
  ): void {
    const labels = this.#resultLabels(matchLabels(this.#matching)(one.labels), one.labels);
    const out = newStepSeries(labels, this.#plan.returnBool, this.#steps);
    for (let step = 0; step < this.#steps; step++) {
      const kind = one.kinds[step]!;
      if (kind === ABSENT || matchedSteps[step] === 1) continue;
      this.#operate(fill, kind === FLOAT ? one.values[step]! : histogramAt(one, step), out, step, claim);
    }
    this.#result.push(out);
  }

  #operate(
    many: Element,
    one: Element,
    out: StepSeries,
    step: number,
    claim: ((labels: Labels, step: number) => void) | undefined,
  ): void {
    const left = this.#swapped ? one : many;
    const right = this.#swapped ? many : one;
    const { returnBool } = this.#plan;
    const result = this.#compute(left, right);
    if (result === undefined) return;
    claim?.(out.labels, step);
    if (returnBool) setFloat(out, step, result === false ? 0 : 1);
    else if (result === false) return;
    else if (typeof result === "number") setFloat(out, step, result);
    else setHistogram(out, step, result);
  }

  /** The result, false for a comparison that does not hold, undefined where the types do not go together. */
  #compute(left: Element, right: Element): Element | false | undefined {
    const { operator } = this.#plan;
    if (typeof left === "number" && typeof right === "number") {
      const compute = arithmetic[operator];
      if (compute !== undefined) return compute(left, right);
      const compare = comparisons[operator];
      if (compare !== undefined) return compare(left, right) && left;
    }
    return histogramOperation(operator, left, right, this.#operation);
  }

  #resultLabels(many: Labels, one: Labels): Labels {
    const { cardinality, on, labels, include } = this.#matching;
    let result = many;
    if (changesMeaning(this.#plan.operator)) result = result.without(DESCRIPTIVE_LABELS);
    if (cardinality === "one-to-one") result = on ? result.keep(new Set(labels)) : result.without(new Set(labels));
    for (const name of include) result = result.with(name, one.get(name));
    return result;
  }
}

const MANY_TO_ONE = "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)";
const NOT_UNIQUE = "multiple matches for labels: grouping labels must ensure unique matches";

/** A label set as Prometheus' errors print it, with the metric's name among the labels. */
function labelsText(labels: Labels): string {
  return `{${[...labels.entries()].map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(", ")}}`;
}
