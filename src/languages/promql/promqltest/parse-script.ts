import type { Labels } from "../../../series/labels.ts";
import { parseDurationMs, parseNumberLiteral, unquote } from "../syntax/parse-literals.ts";
import { numberOf, parseSeriesLine, parseStartLine } from "./parse-series.ts";
import { ScriptError, type SequenceValue } from "./sequence.ts";

export interface LoadedSeries {
  readonly labels: Labels;
  readonly values: readonly SequenceValue[];
  /** Start of each value relative to its own time, ms; absent where the script gives none. */
  readonly startOffsetsMs?: readonly (number | undefined)[];
}

export interface LoadCommand {
  readonly kind: "load";
  readonly stepMs: number;
  /** Classic histograms are also stored as native ones with custom buckets. */
  readonly withNhcb: boolean;
  readonly series: readonly LoadedSeries[];
}

export type ExpectationKind = "ordered" | "fail" | "warn" | "no_warn" | "info" | "no_info";

export interface Expectation {
  readonly kind: ExpectationKind;
  /** The exact message, or a pattern that any part of it matches; neither for any message. */
  readonly message?: string;
  readonly pattern?: RegExp;
}

interface ExpectedSeries {
  readonly labels: Labels;
  readonly values: readonly SequenceValue[];
  /** Place in an ordered result, from 0. */
  readonly place: number;
}

export interface EvalCommand {
  readonly kind: "eval";
  /** Line of the command, from 1. */
  readonly line: number;
  readonly expression: string;
  readonly range: boolean;
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  readonly expectations: readonly Expectation[];
  readonly series: readonly ExpectedSeries[];
  readonly scalar?: number;
  readonly string?: string;
  /** An instant query whose result is a range: expected at the times above. */
  readonly rangeVector?: { readonly startMs: number; readonly endMs: number; readonly stepMs: number };
}

export type Command = LoadCommand | EvalCommand | { readonly kind: "clear" };

const LOAD = /^load(_with_nhcb)?\s+(.+?)$/;
const EVAL_INSTANT = /^eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(.+?))?\s+(.+)$/;
const EVAL_RANGE = /^eval(?:_(fail|warn|info))?\s+range\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+?)\s+(.+)$/;
const EXPECT = /^expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):(.+))?$/;
const EXPECT_RANGE = /^expect range vector\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+)$/;

/** Reads a test script of Prometheus' promqltest language. @throws ScriptError with the line */
export function parseScript(text: string): Command[] {
  const lines = text.split("\n").map((line) => (line.trim().startsWith("#") ? "" : line.trim()));
  const commands: Command[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at]!;
    const start = at++;
    if (line === "") continue;
    const body: string[] = [];
    const word = line.split(/[\t ]+/)[0]!.toLowerCase();
    if (word !== "clear") while (at < lines.length && lines[at] !== "") body.push(lines[at++]!);
    try {
      if (word === "clear") commands.push({ kind: "clear" });
      else if (word.startsWith("load")) commands.push(parseLoad(line, body));
      else if (word.startsWith("eval")) {
        const { command, used } = parseEval(line, start + 1, body);
        commands.push(command);
        // Whatever follows a scalar or an expected failure is a command of its own.
        at = start + 1 + used;
      } else throw new ScriptError(`unknown command ${JSON.stringify(word)}`);
    } catch (error) {
      throw new ScriptError(`line ${start + 1}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return commands;
}

function parseLoad(line: string, body: readonly string[]): LoadCommand {
  const match = LOAD.exec(line);
  if (match === null) throw new ScriptError("invalid load command");
  const series: LoadedSeries[] = [];
  let starts: ReturnType<typeof parseStartLine>;
  for (const text of body) {
    const startLine = parseStartLine(text);
    if (startLine !== undefined) {
      starts = startLine;
      continue;
    }
    const { labels, values } = parseSeriesLine(text);
    if (starts !== undefined && (starts.labels.key !== labels.key || starts.offsetsMs.length !== values.length))
      throw new ScriptError(`@st line does not fit ${JSON.stringify(text)}`);
    series.push({ labels, values, startOffsetsMs: starts?.offsetsMs });
    starts = undefined;
  }
  return { kind: "load", stepMs: durationOf(match[2]!), withNhcb: match[1] !== undefined, series };
}

function parseEval(line: string, lineNumber: number, body: readonly string[]): { command: EvalCommand; used: number } {
  const instant = EVAL_INSTANT.exec(line);
  const range = instant === null ? EVAL_RANGE.exec(line) : null;
  if (instant === null && range === null) throw new ScriptError("invalid eval command");
  const suffix = (instant ?? range)![1] as ExpectationKind | undefined;
  const expectations: Expectation[] = suffix === undefined ? [] : [{ kind: suffix }];
  const series: ExpectedSeries[] = [];
  let scalar: number | undefined;
  let string: string | undefined;
  let rangeVector: EvalCommand["rangeVector"];
  let used = 0;
  for (const text of body) {
    used++;
    const failure = /^expected_fail_(message|regexp)\s+(.*)$/.exec(text);
    if (suffix === "fail" && failure !== null) {
      expectations[0] =
        failure[1] === "message"
          ? { kind: "fail", message: failure[2]!.trim() }
          : { kind: "fail", pattern: new RegExp(failure[2]!.trim()) };
      break;
    }
    const expectRange = EXPECT_RANGE.exec(text);
    if (expectRange !== null) {
      const [startMs, endMs, stepMs] = expectRange.slice(1).map(durationOf) as [number, number, number];
      rangeVector = { startMs, endMs, stepMs };
    } else if (text.startsWith("expect string")) string = unquote(text.slice("expect string".length).trim());
    else if (/^expect\s/.test(text)) expectations.push(parseExpectation(text));
    else if (/^[+-]?(?:[\d.]|inf$|nan$)/i.test(text) && isNumber(text)) {
      scalar = numberOf(text);
      break;
    } else {
      const { labels, values } = parseSeriesLine(text);
      series.push({ labels, values, place: series.length });
    }
  }
  const times =
    instant !== null
      ? { startMs: durationOf(instant[2] ?? "0"), endMs: durationOf(instant[2] ?? "0"), stepMs: 0 }
      : { startMs: durationOf(range![2]!), endMs: durationOf(range![3]!), stepMs: durationOf(range![4]!) };
  const expression = instant === null ? range![5]! : instant[3]!;
  const command: EvalCommand = {
    kind: "eval",
    line: lineNumber,
    expression,
    range: range !== null,
    ...times,
    expectations,
    series,
    scalar,
    string,
    rangeVector,
  };
  return { command, used };
}

function parseExpectation(text: string): Expectation {
  const match = EXPECT.exec(text);
  if (match === null) throw new ScriptError(`invalid expect statement ${JSON.stringify(text)}`);
  const kind = match[1] as ExpectationKind;
  if (match[2] === "msg") return { kind, message: match[3]!.trim() };
  if (match[2] === "regex") return { kind, pattern: new RegExp(match[3]!.trim()) };
  return { kind };
}

function isNumber(text: string): boolean {
  return parseNumberLiteral(text.replace(/^[+-]/, "")) !== undefined;
}

function durationOf(text: string): number {
  const ms = parseDurationMs(text.trim());
  if (ms === undefined) throw new ScriptError(`invalid duration ${JSON.stringify(text)}`);
  return ms;
}
