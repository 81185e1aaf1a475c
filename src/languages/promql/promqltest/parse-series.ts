import { CounterResetHint, type FloatHistogram } from "../../../series/float-histogram.ts";
import { addHistograms } from "../../../series/histogram-arithmetic.ts";
import { Labels, METRIC_NAME } from "../../../series/labels.ts";
import { parseDurationMs, parseNumberLiteral, unquote } from "../syntax/parse-literals.ts";
import { ScriptError, type SequenceValue } from "./sequence.ts";

const IDENTIFIER = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const QUOTED = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`/y;
const NUMBER = String.raw`(?:\d[\d_]*\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|[iI]nf|[nN]a[nN])`;
const FLOATS = new RegExp(`^([+-]?${NUMBER})(?:([+-]${NUMBER})?x(\\d+))?$`);
const HISTOGRAMS = /^\{\{([^}]*)\}\}(?:(?:([+-])\{\{([^}]*)\}\})?x(\d+))?$/;
/** Most values that one repetition may write. */
const REPETITIONS_MAX = 1_000_000;

/** A line such as `metric{a="b"} 1 2+3x4 _ stale {{count:1}}`. @throws ScriptError */
export function parseSeriesLine(line: string): { labels: Labels; values: SequenceValue[] } {
  const { labels, end } = parseLabels(line);
  return { labels, values: splitItems(line.slice(end)).flatMap(parseItem) };
}

/** A line such as `metric{a="b"}@st -1m -1mx3`, with milliseconds relative to each sample, or undefined. */
export function parseStartLine(line: string): { labels: Labels; offsetsMs: (number | undefined)[] } | undefined {
  const match = /^(\S*)@st\s+(.*)$/.exec(line);
  if (match === null) return undefined;
  const { labels } = parseLabels(match[1]!);
  return { labels, offsetsMs: match[2]!.split(/\s+/).filter(Boolean).flatMap(parseStartItem) };
}

function parseLabels(line: string): { labels: Labels; end: number } {
  const entries: [string, string][] = [];
  let at = 0;
  const read = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const text = pattern.exec(line)?.[0];
    if (text !== undefined) at += text.length;
    return text;
  };
  const skip = (): void => void read(/\s*/y);
  const string = (): string | undefined => {
    const literal = read(QUOTED);
    return literal === undefined ? undefined : unquote(literal);
  };
  const name = read(IDENTIFIER);
  if (name !== undefined) entries.push([METRIC_NAME, name]);
  if (line[at] === "{" && line[at + 1] !== "{") {
    at++;
    skip();
    while (line[at] !== "}") {
      const key = read(IDENTIFIER) ?? string();
      if (key === undefined) throw new ScriptError(`label expected in ${JSON.stringify(line)} at ${at}`);
      skip();
      if (line[at] === "=") {
        at++;
        skip();
        const value = string();
        if (value === undefined) throw new ScriptError(`label value expected in ${JSON.stringify(line)} at ${at}`);
        entries.push([key, value]);
      } else entries.push([METRIC_NAME, key]);
      skip();
      if (line[at] === ",") at++;
      skip();
      if (at >= line.length) throw new ScriptError(`missing } in ${JSON.stringify(line)}`);
    }
    at++;
  }
  return { labels: Labels.fromEntries(entries), end: at };
}

/** Splits at spaces, but not inside `{{…}}`. */
function splitItems(text: string): string[] {
  return text.match(/(?:\{\{[^}]*\}\}|\S)+/g) ?? [];
}

function parseItem(item: string): SequenceValue[] {
  if (item === "_") return [{ kind: "omitted" }];
  if (item === "stale") return [{ kind: "stale" }];
  const blanks = /^_x(\d+)$/.exec(item);
  if (blanks !== null) return repeat(Number(blanks[1]), () => ({ kind: "omitted" }));
  const floats = FLOATS.exec(item);
  if (floats !== null) return parseFloats(floats);
  const histograms = HISTOGRAMS.exec(item);
  if (histograms !== null) return parseHistograms(histograms);
  throw new ScriptError(`cannot read series value ${JSON.stringify(item)}`);
}

function parseFloats([, first, increment, times]: RegExpExecArray): SequenceValue[] {
  let value = numberOf(first!);
  if (times === undefined) return [{ kind: "float", value }];
  const step = increment === undefined ? 0 : numberOf(increment);
  return repeat(Number(times) + 1, (index): SequenceValue => {
    if (index > 0 && increment !== undefined) value += step;
    return { kind: "float", value };
  });
}

function parseHistograms([, first, sign, increment, times]: RegExpExecArray): SequenceValue[] {
  const base = parseHistogram(first!);
  if (times === undefined) return [base];
  if (sign === undefined) return repeat(Number(times) + 1, () => base);
  const step = parseHistogram(increment!).histogram;
  let histogram = base.histogram;
  const { hintGiven } = parseHistogram(increment!);
  return repeat(Number(times) + 1, (index): SequenceValue => {
    if (index > 0) histogram = addHistograms(histogram, step, sign === "+" ? 1 : -1).result;
    return { kind: "histogram", histogram, hintGiven };
  });
}

function repeat(count: number, make: (index: number) => SequenceValue): SequenceValue[] {
  if (count > REPETITIONS_MAX) throw new ScriptError(`${count} repetitions; the limit is ${REPETITIONS_MAX}`);
  return Array.from({ length: count }, (_, index) => make(index));
}

export function numberOf(text: string): number {
  const literal = parseNumberLiteral(text.replace(/^[+-]/, ""));
  if (literal === undefined) throw new ScriptError(`cannot read number ${JSON.stringify(text)}`);
  return text.startsWith("-") ? -literal.value : literal.value;
}

const HINTS: Readonly<Record<string, CounterResetHint>> = {
  unknown: CounterResetHint.Unknown,
  reset: CounterResetHint.Reset,
  not_reset: CounterResetHint.NotReset,
  gauge: CounterResetHint.Gauge,
};

function parseHistogram(text: string): SequenceValue & { kind: "histogram" } {
  const fields = new Map<string, string>();
  for (const match of text.matchAll(/([a-z_]+):(\[[^\]]*\]|\S+)/g)) fields.set(match[1]!, match[2]!);
  const single = (name: string): number => (fields.has(name) ? numberOf(fields.get(name)!) : 0);
  const list = (name: string): number[] => (fields.get(name) ?? "").match(/[^\s[\]]+/g)?.map(numberOf) ?? [];
  const hint = fields.get("counter_reset_hint");
  const positiveBuckets = list("buckets");
  const negativeBuckets = list("n_buckets");
  const spansOf = (buckets: number[], offset: string) =>
    buckets.length === 0 ? [] : [{ offset: single(offset), length: buckets.length }];
  const histogram: FloatHistogram = {
    counterResetHint: HINTS[hint ?? "unknown"] ?? CounterResetHint.Unknown,
    schema: single("schema"),
    zeroThreshold: single("z_bucket_w"),
    zeroCount: single("z_bucket"),
    count: single("count"),
    sum: single("sum"),
    positiveSpans: spansOf(positiveBuckets, "offset"),
    negativeSpans: spansOf(negativeBuckets, "n_offset"),
    positiveBuckets,
    negativeBuckets,
    customValues: fields.has("custom_values") ? list("custom_values") : undefined,
  };
  return { kind: "histogram", histogram, hintGiven: hint !== undefined };
}

function parseStartItem(item: string): (number | undefined)[] {
  const blanks = /^_(?:x(\d+))?$/.exec(item);
  if (blanks !== null) return new Array(Number(blanks[1] ?? 1)).fill(undefined);
  const match = /^([+-]?)(\d+[a-wyz]*)(?:(?:([+-])(\d+[a-wyz]*))?x(\d+))?$/.exec(item);
  if (match === null) throw new ScriptError(`cannot read start timestamp ${JSON.stringify(item)}`);
  const [, sign, base, stepSign, step, times] = match;
  const first = signed(sign, base!);
  const increment = step === undefined ? 0 : signed(stepSign, step);
  return Array.from({ length: Number(times ?? 0) + 1 }, (_, index) => first + index * increment);
}

function signed(sign: string | undefined, duration: string): number {
  const ms = parseDurationMs(duration);
  if (ms === undefined) throw new ScriptError(`cannot read duration ${JSON.stringify(duration)}`);
  return sign === "-" ? -ms : ms;
}
