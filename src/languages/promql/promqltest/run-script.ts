import type { Expr } from "../ast.ts";
import { PromqlEngine } from "../engine.ts";
import { PromqlError } from "../error.ts";
import { formatExpr } from "../format.ts";
import { parsePromql } from "../parse.ts";
import type { QueryResult, QueryValue, VectorSample } from "../result.ts";
import { timeDependentFunctions } from "../syntax/function-table.ts";
import { compareValue } from "./compare.ts";
import { Fixture } from "./fixture.ts";
import { type Command, type EvalCommand, type Expectation, type ExpectationKind, parseScript } from "./parse-script.ts";

interface Failure {
  /** From 1. */
  readonly line: number;
  readonly expression: string;
  readonly reason: string;
}

export interface ScriptOutcome {
  readonly total: number;
  readonly failures: readonly Failure[];
}

/** Runs a test script from top to bottom; each `eval` counts once, whatever it is compared in. @throws ScriptError */
export async function runScript(text: string): Promise<ScriptOutcome> {
  return new ScriptRun().run(parseScript(text));
}

/** How an instant query is put to the engine: as written, or pinned to its time and evaluated at another. */
interface Variant {
  readonly expression: string;
  readonly timeMs: number;
}

class ScriptRun {
  readonly #engine = new PromqlEngine();
  #fixture = new Fixture();

  async run(commands: readonly Command[]): Promise<ScriptOutcome> {
    const failures: Failure[] = [];
    let total = 0;
    for (const command of commands) {
      if (command.kind === "clear") this.#fixture = new Fixture();
      else if (command.kind === "load") this.#fixture.load(command);
      else {
        total++;
        const reason = await this.#evaluate(command);
        if (reason !== undefined) failures.push({ line: command.line, expression: command.expression, reason });
      }
    }
    return { total, failures };
  }

  async #evaluate(command: EvalCommand): Promise<string | undefined> {
    if (command.range) return this.#expect(command, command.expression, () => this.#range(command, command));
    const asWritten: Variant = { expression: command.expression, timeMs: command.startMs };
    const variants = [asWritten];
    try {
      variants.push(...pinnedVariants(command.expression, command.startMs));
    } catch (error) {
      return messageOf(error);
    }
    for (const variant of variants) {
      const reason = await this.#instant(command, variant);
      if (reason === undefined) continue;
      return variant === asWritten ? reason : `as ${variant.expression} at ${variant.timeMs} ms: ${reason}`;
    }
    return undefined;
  }

  async #instant(command: EvalCommand, { expression, timeMs }: Variant): Promise<string | undefined> {
    let scalar = false;
    const reason = await this.#expect(command, expression, async () => {
      const result = await this.#engine.instant(this.#fixture, expression, timeMs);
      scalar = result.value.type === "scalar";
      return result;
    });
    const skipped = expectationsOf(command, "fail").length > 0 || expectationsOf(command, "ordered").length > 0;
    const onlyInstant = command.rangeVector !== undefined || command.string !== undefined;
    if (reason !== undefined || skipped || onlyInstant || /(start|end|range|step)\(\)/.test(expression)) return reason;
    // The same in the middle of a range query.
    try {
      const times = { startMs: timeMs - 60_000, endMs: timeMs + 60_000, stepMs: 60_000 };
      const { value } = await this.#range({ ...command, expression }, times);
      const found = compareValue(command, sliceAt(value, timeMs, scalar));
      return found && `in range mode: ${found}`;
    } catch (error) {
      return `in range mode: ${messageOf(error)}`;
    }
  }

  #range(
    { expression }: EvalCommand,
    { startMs, endMs, stepMs }: { startMs: number; endMs: number; stepMs: number },
  ): Promise<QueryResult> {
    return this.#engine.range(this.#fixture, expression, startMs, endMs, stepMs);
  }

  async #expect(
    command: EvalCommand,
    _expression: string,
    evaluate: () => Promise<QueryResult>,
  ): Promise<string | undefined> {
    const failure = expectationsOf(command, "fail")[0];
    let result: QueryResult;
    try {
      result = await evaluate();
    } catch (error) {
      if (!(error instanceof PromqlError)) throw error;
      if (failure === undefined) return `error: ${error.message}`;
      return fits(failure, error.message) ? undefined : `want failure ${describe(failure)}, got ${error.message}`;
    }
    if (failure !== undefined) return "want a failure, got a result";
    return checkAnnotations(command, result) ?? compareValue(command, result.value);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function expectationsOf(command: EvalCommand, kind: ExpectationKind): Expectation[] {
  return command.expectations.filter((expectation) => expectation.kind === kind);
}

function fits({ message, pattern }: Expectation, text: string): boolean {
  if (message !== undefined) return message === text;
  return pattern === undefined || pattern.test(text);
}

function describe({ message, pattern }: Expectation): string {
  return message ?? (pattern === undefined ? "of any kind" : String(pattern));
}

function checkAnnotations(command: EvalCommand, { warnings, infos }: QueryResult): string | undefined {
  return (
    checkLevel(expectationsOf(command, "warn"), expectationsOf(command, "no_warn"), warnings, "warning") ??
    checkLevel(expectationsOf(command, "info"), expectationsOf(command, "no_info"), infos, "info")
  );
}

function checkLevel(
  wanted: readonly Expectation[],
  unwanted: readonly Expectation[],
  got: readonly string[],
  level: string,
): string | undefined {
  if (unwanted.length > 0 && got.length > 0) return `want no ${level}, got ${got.join("; ")}`;
  if (wanted.length === 0) return undefined;
  const absent = wanted.find((expectation) => !got.some((text) => fits(expectation, text)));
  if (absent !== undefined) return `want ${level} ${describe(absent)}, got ${got.join("; ") || "none"}`;
  const surplus = got.find((text) => !wanted.some((expectation) => fits(expectation, text)));
  return surplus && `unexpected ${level} ${surplus}`;
}

/** What a range query's result holds at one time. */
function sliceAt(value: QueryValue, timeMs: number, scalar: boolean): QueryValue {
  if (value.type !== "matrix") return value;
  const samples: VectorSample[] = [];
  for (const series of value.series) {
    const float = series.timestamps.indexOf(timeMs);
    if (float !== -1) samples.push({ labels: series.labels, timeMs, value: series.values[float]! });
    const histogram = series.histogramTimestamps.indexOf(timeMs);
    if (histogram !== -1)
      samples.push({ labels: series.labels, timeMs, value: Number.NaN, histogram: series.histograms[histogram]! });
  }
  return scalar ? { type: "scalar", timeMs, value: samples[0]?.value ?? Number.NaN } : { type: "vector", samples };
}

/**
 * The query with every selector pinned to its time by `@`, at other times, where it must give the same; none where a
 * function in it depends on the time itself.
 */
function pinnedVariants(text: string, timeMs: number): Variant[] {
  const expr = parsePromql(text);
  if (dependsOnTime(expr)) return [];
  const expression = formatExpr(pin(expr, timeMs));
  const times = timeMs === 0 ? [-1000, 0, 1000] : [-10 * timeMs, 0, Math.trunc(timeMs / 5), timeMs, 10 * timeMs];
  return times.map((time) => ({ expression, timeMs: time }));
}

function dependsOnTime(expr: Expr): boolean {
  switch (expr.kind) {
    case "paren":
      return dependsOnTime(expr.inner);
    case "unary":
      return dependsOnTime(expr.operand);
    case "binary":
      return dependsOnTime(expr.left) || dependsOnTime(expr.right);
    case "aggregate":
      return dependsOnTime(expr.inner) || (expr.parameter !== undefined && dependsOnTime(expr.parameter));
    case "call":
      return timeDependentFunctions.has(expr.name) || expr.args.some(dependsOnTime);
    case "subquery":
      // Once it is pinned, what is inside looks at its own times.
      return expr.at === undefined && false;
    default:
      return false;
  }
}

function pin(expr: Expr, timeMs: number): Expr {
  switch (expr.kind) {
    case "paren":
      return { ...expr, inner: pin(expr.inner, timeMs) };
    case "unary":
      return { ...expr, operand: pin(expr.operand, timeMs) };
    case "binary":
      return { ...expr, left: pin(expr.left, timeMs), right: pin(expr.right, timeMs) };
    case "aggregate":
      return { ...expr, inner: pin(expr.inner, timeMs), parameter: expr.parameter && pin(expr.parameter, timeMs) };
    case "call":
      return { ...expr, args: expr.args.map((arg) => pin(arg, timeMs)) };
    case "selector":
    case "subquery":
      return expr.at === undefined ? { ...expr, at: timeMs } : expr;
    case "matrix":
      return expr.selector.at === undefined ? { ...expr, selector: { ...expr.selector, at: timeMs } } : expr;
    default:
      return expr;
  }
}
