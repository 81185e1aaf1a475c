import type { Duration } from "../ast.ts";
import { PromqlError } from "../error.ts";
import { power } from "../execute/float-math.ts";

/** What `step()` and `range()` stand for, in seconds. */
export interface QueryTimes {
  readonly stepSeconds: number;
  readonly rangeSeconds: number;
}

/** Longest duration that Prometheus' int64 nanoseconds hold, in seconds. */
const DURATION_SECONDS_MAX = 2 ** 63 / 1e9;

/** Milliseconds of a duration. @throws PromqlError where it is not finite, or not positive though it has to be */
export function durationMs(duration: Duration, times: QueryTimes, negativeAllowed: boolean): number {
  const seconds = secondsOf(duration, times);
  if (duration.kind === "constant") return Math.round(seconds * 1000);
  if (!Number.isFinite(seconds)) return fail(duration, "duration is NaN or infinite");
  if (seconds <= 0 && !negativeAllowed) return fail(duration, "duration must be greater than 0");
  if (Math.abs(seconds) > DURATION_SECONDS_MAX) return fail(duration, "duration is out of range");
  return Math.trunc(seconds * 1000);
}

function secondsOf(duration: Duration, times: QueryTimes): number {
  switch (duration.kind) {
    case "constant":
      return duration.seconds;
    case "step":
      return times.stepSeconds;
    case "range":
      return times.rangeSeconds;
    case "parenthesis":
      return secondsOf(duration.inner, times);
    case "unary": {
      const operand = secondsOf(duration.operand, times);
      return duration.operator === "-" ? -operand : operand;
    }
    case "binary":
      return binary(duration, secondsOf(duration.left, times), secondsOf(duration.right, times));
  }
}

function binary(duration: Duration & { kind: "binary" }, left: number, right: number): number {
  switch (duration.operator) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return right === 0 ? fail(duration, "division by zero") : left / right;
    case "%":
      return right === 0 ? fail(duration, "modulo by zero") : left % right;
    case "^":
      return power(left, right);
    case "min_of":
      return Math.min(left, right);
    case "max_of":
      return Math.max(left, right);
  }
}

function fail(duration: Duration, reason: string): never {
  throw new PromqlError("execution", `${duration.position.start}:${duration.position.end}: ${reason}`);
}
