import { isUtf8 } from "node:buffer";
import { formatG } from "../../series/format-value.ts";
import { type LabelSpans, metricNameEnd, quotedEnd, scanLabels, show, unescapeSpan } from "./label-scanner.ts";
import { ExpositionError } from "./parse-error.ts";
import { parseFloatBytes } from "./parse-float.ts";

export type ExpositionFormat = "text" | "openmetrics";

/** What `next` found. */
export const Entry = { End: 0, Series: 1, Type: 2, Help: 3, Unit: 4, Comment: 5 } as const;
export type Entry = (typeof Entry)[keyof typeof Entry];

const TYPES: Readonly<Record<ExpositionFormat, Readonly<Record<string, string>>>> = {
  text: {
    counter: "counter",
    gauge: "gauge",
    histogram: "histogram",
    summary: "summary",
    untyped: "unknown",
  },
  openmetrics: {
    counter: "counter",
    gauge: "gauge",
    histogram: "histogram",
    gaugehistogram: "gaugehistogram",
    summary: "summary",
    info: "info",
    stateset: "stateset",
    unknown: "unknown",
  },
};

const NEWLINE = 0x0a;
const SPACE = 0x20;
const TAB = 0x09;
const HASH = 0x23;
const BRACE_OPEN = 0x7b;

/**
 * Walks a scraped body line by line without copying it. Sources: Prometheus "Exposition formats" (text 0.0.4 and
 * 1.0.0), OpenMetrics 1.0. Public fields describe the entry found last and are overwritten by the next call.
 */
export class ExpositionParser {
  readonly #bytes: Uint8Array;
  readonly #strict: boolean;
  readonly #format: ExpositionFormat;
  #at = 0;
  #lineStart = 0;
  readonly #spans: LabelSpans = { spans: [], quotedNameStart: -1, quotedNameEnd: -1 };
  readonly #exemplarSpans: LabelSpans = { spans: [], quotedNameStart: -1, quotedNameEnd: -1 };
  #nameStart = -1;
  #nameEnd = -1;

  /** Raw bytes of the series: metric name and braces as written. */
  seriesStart = 0;
  seriesEnd = 0;
  /** True when the series equals the `expected` bytes, whose labels the caller knows: `labels()` is not available. */
  isExpected = false;
  value = 0;
  /** Unix ms, NaN where the sample has no time of its own. */
  timestampMs = Number.NaN;
  /** Where the exemplar's labels and values stand; -1 where the sample has none. */
  exemplarStart = -1;
  exemplarEnd = -1;
  exemplarValue = 0;
  /** Unix ms, NaN where the exemplar has no time of its own. */
  exemplarMs = Number.NaN;
  /** Of a `# TYPE`, `# HELP` or `# UNIT` line. */
  metricName = "";
  text = "";
  /** Type of the metric family announced last; decides how `le` and `quantile` are written. */
  metricType = "unknown";

  constructor(bytes: Uint8Array, format: ExpositionFormat) {
    this.#bytes = bytes;
    this.#format = format;
    this.#strict = format === "openmetrics";
  }

  /**
   * Finds the next entry.
   * @param expected raw bytes of the series that probably comes next (the one after it in the previous scrape).
   * @throws ExpositionError when the body is not in its format; the parser is of no use afterwards.
   */
  next(expected?: Uint8Array): Entry {
    for (;;) {
      const at = this.#at;
      this.#lineStart = at;
      if (at >= this.#bytes.length) {
        if (this.#strict) throw new ExpositionError("data does not end with # EOF");
        return Entry.End;
      }
      const code = this.#bytes[at]!;
      if (code === NEWLINE && !this.#strict) this.#at++;
      else if (code === HASH) return this.#hashLine();
      else if ((code === SPACE || code === TAB) && !this.#strict) this.#at++;
      else return this.#seriesLine(expected);
    }
  }

  /** Name and labels of the series found last, in the order written, escapes undone; not for an expected one. */
  labels(): [string, string][] {
    const { spans } = this.#spans;
    const bytes = this.#bytes;
    const pairs: [string, string][] = [["__name__", unescapeSpan(bytes, this.#nameStart, this.#nameEnd)]];
    for (let index = 0; index < spans.length; index += 4) {
      const name = unescapeSpan(bytes, spans[index]!, spans[index + 1]!);
      const value = unescapeSpan(bytes, spans[index + 2]!, spans[index + 3]!);
      pairs.push([name, this.#normalised(name, value)]);
    }
    return pairs;
  }

  /** Labels of the exemplar of the series found last. */
  exemplarLabels(): [string, string][] {
    const { spans } = this.#exemplarSpans;
    const labels: [string, string][] = [];
    for (let index = 0; index < spans.length; index += 4) {
      const name = unescapeSpan(this.#bytes, spans[index]!, spans[index + 1]!);
      labels.push([name, unescapeSpan(this.#bytes, spans[index + 2]!, spans[index + 3]!)]);
    }
    return labels;
  }

  /** Prometheus 3 writes bucket bounds and quantiles as floats (`1` → `1.0`), so that both formats name one series. */
  #normalised(name: string, value: string): string {
    const isNumber =
      (name === "le" && (this.metricType === "histogram" || this.metricType === "gaugehistogram")) ||
      (name === "quantile" && this.metricType === "summary");
    if (!isNumber || value === "") return value;
    const number = Number(value.replace(/^\+?inf(inity)?$/i, "Infinity"));
    return Number.isNaN(number) ? value : formatOpenMetricsFloat(number);
  }

  #seriesLine(expected: Uint8Array | undefined): Entry {
    this.exemplarStart = -1;
    this.seriesStart = this.#at;
    this.isExpected = expected !== undefined && this.#startsWith(expected);
    if (this.isExpected) this.seriesEnd = this.#at + expected!.length;
    else this.#scanSeries();
    this.#at = this.seriesEnd;
    this.#readSample();
    return Entry.Series;
  }

  /** Fast path: the series is the one expected when its bytes are equal and the name does not go on behind them. */
  #startsWith(expected: Uint8Array): boolean {
    const bytes = this.#bytes;
    const start = this.#at;
    const end = start + expected.length;
    if (end >= bytes.length) return false;
    // Series of one family differ near their end: compare backwards.
    for (let index = expected.length - 1; index >= 0; index--) {
      if (bytes[start + index] !== expected[index]) return false;
    }
    if (bytes[end] !== SPACE && bytes[end] !== TAB) return false;
    let behind = end;
    while (bytes[behind] === SPACE || bytes[behind] === TAB) behind++;
    return bytes[behind] !== BRACE_OPEN;
  }

  #scanSeries(): void {
    const bytes = this.#bytes;
    const start = this.#at;
    const spans = this.#spans;
    spans.spans.length = 0;
    spans.quotedNameStart = -1;
    let at = metricNameEnd(bytes, start);
    this.#nameStart = start;
    this.#nameEnd = at;
    if (at === start && bytes[at] !== BRACE_OPEN) throw this.#unexpected("expected a valid start token", at);
    let open = at;
    if (!this.#strict) while (bytes[open] === SPACE || bytes[open] === TAB) open++;
    if (bytes[open] === BRACE_OPEN) at = scanLabels(bytes, open, this.#strict, spans, this.#unexpected);
    if (spans.quotedNameStart >= 0) {
      if (this.#nameEnd > start)
        throw new ExpositionError(`metric name already set while parsing: ${show(bytes, start, at)}`);
      this.#nameStart = spans.quotedNameStart;
      this.#nameEnd = spans.quotedNameEnd;
    }
    if (this.#nameEnd === this.#nameStart) {
      throw new ExpositionError(`metric name not set while parsing: ${show(bytes, start, at)}`);
    }
    this.seriesEnd = at;
  }

  #readSample(): void {
    this.value = this.#float("expected value after metric");
    this.timestampMs = Number.NaN;
    let at = this.#skipBlanks(this.#at);
    if (this.#endsLine(at)) return;
    if (this.#strict && this.#bytes[at] === HASH) {
      this.#readExemplar(at);
      return;
    }
    this.#at = at;
    if (!this.#strict) {
      this.timestampMs = this.#integer(at);
      at = this.#skipBlanks(this.#at);
      if (!this.#endsLine(at)) throw this.#unexpected("expected next entry after timestamp", at);
      return;
    }
    const seconds = this.#float("expected timestamp or new record");
    if (!Number.isFinite(seconds)) throw new ExpositionError(`invalid timestamp ${seconds}`);
    this.timestampMs = Math.trunc(seconds * 1_000);
    at = this.#skipBlanks(this.#at);
    if (this.#endsLine(at)) return;
    if (this.#bytes[at] !== HASH) throw this.#unexpected("expected next entry after timestamp", at);
    this.#readExemplar(at);
  }

  /** ` # {trace_id="…"} 0.67 1520879607.789`, at the `#`. */
  #readExemplar(hash: number): void {
    const bytes = this.#bytes;
    if (bytes[hash + 1] !== SPACE || bytes[hash + 2] !== BRACE_OPEN) {
      throw this.#unexpected("expected timestamp or comment", hash);
    }
    const spans = this.#exemplarSpans;
    spans.quotedNameStart = -1;
    this.#at = scanLabels(bytes, hash + 2, true, spans, this.#unexpected);
    if (spans.quotedNameStart >= 0) throw this.#unexpected("expected equal", spans.quotedNameEnd);
    this.exemplarStart = hash + 2;
    this.exemplarValue = this.#float("expected value after exemplar labels");
    this.exemplarMs = Number.NaN;
    this.exemplarEnd = this.#at;
    let at = this.#skipBlanks(this.#at);
    if (!this.#endsLine(at)) {
      this.#at = at;
      const seconds = this.#float("expected timestamp or comment");
      if (!Number.isFinite(seconds)) throw new ExpositionError(`invalid exemplar timestamp ${seconds}`);
      this.exemplarMs = Math.trunc(seconds * 1_000);
      this.exemplarEnd = this.#at;
      at = this.#skipBlanks(this.#at);
      if (!this.#endsLine(at)) throw this.#unexpected("expected next entry after exemplar timestamp", at);
    }
  }

  /** The float behind the blanks at the cursor; leaves the cursor behind it. */
  #float(expected: string): number {
    const bytes = this.#bytes;
    const start = this.#skipBlanks(this.#at);
    let end = start;
    while (end < bytes.length && bytes[end]! > SPACE) end++;
    if (end === start || (start === this.#at && this.#at === this.seriesEnd)) throw this.#unexpected(expected, start);
    this.#at = end;
    try {
      return parseFloatBytes(bytes, start, end);
    } catch (error) {
      if (!(error instanceof ExpositionError)) throw error;
      throw new ExpositionError(`${error.message} while parsing: ${show(bytes, this.#lineStart, end)}`);
    }
  }

  /** Digits only, as the text format's lexer has it: a timestamp with a sign or a point is an error. */
  #integer(start: number): number {
    const bytes = this.#bytes;
    let end = start;
    let value = 0;
    while (end < bytes.length && bytes[end]! >= 0x30 && bytes[end]! <= 0x39)
      value = value * 10 + (bytes[end++]! - 0x30);
    // A minus is legal in the format's prose and refused by Prometheus' lexer before 1970; follow the lexer.
    if (end === start) throw this.#unexpected("expected timestamp or new record", start);
    if (!Number.isSafeInteger(value)) {
      throw new ExpositionError(
        `strconv.ParseInt: parsing ${show(bytes, start, end)}: value out of range while parsing: ${show(bytes, this.#lineStart, end)}`,
      );
    }
    this.#at = end;
    return value;
  }

  /** `# HELP`, `# TYPE`, `# UNIT`, `# EOF`, or a comment. */
  #hashLine(): Entry {
    const bytes = this.#bytes;
    const start = this.#at;
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline < 0 ? bytes.length : newline;
    let at = start + 1;
    const blankEnd = this.#skipBlanks(at);
    const keyword = blankEnd > at ? this.#keywordAt(blankEnd) : undefined;
    if (this.#strict && keyword === "EOF") {
      if (blankEnd + 3 !== end || end + 1 < bytes.length) throw new ExpositionError("unexpected data after # EOF");
      this.#at = bytes.length;
      return Entry.End;
    }
    if (keyword === undefined || keyword === "EOF") {
      if (this.#strict) throw this.#unexpected("expected a valid start token", start);
      this.#at = Math.min(end + 1, bytes.length);
      return Entry.Comment;
    }
    if (this.#strict && newline < 0) throw new ExpositionError("data does not end with # EOF");
    at = this.#skipBlanks(blankEnd + 4);
    const quoted = bytes[at] === 0x22;
    const nameEnd = quoted ? quotedEnd(bytes, at) : metricNameEnd(bytes, at);
    if (nameEnd <= at || nameEnd > end) throw this.#unexpected(`expected metric name after ${keyword}`, at);
    this.metricName = quoted ? unescapeSpan(bytes, at + 1, nameEnd - 1) : unescapeSpan(bytes, at, nameEnd);
    const textStart = Math.min(nameEnd + 1, end);
    this.#at = Math.min(end + 1, bytes.length);
    return this.#metadata(keyword, textStart, end);
  }

  #metadata(keyword: "HELP" | "TYPE" | "UNIT", start: number, end: number): Entry {
    const bytes = this.#bytes;
    if (keyword === "HELP") {
      if (!isUtf8(bytes.subarray(start, end))) {
        throw new ExpositionError(`help text ${show(bytes, start, end)} is not a valid utf8 string`);
      }
      this.text = unescapeSpan(bytes, start, end);
      return Entry.Help;
    }
    const text = Buffer.from(bytes.subarray(start, end)).toString("utf8");
    if (keyword === "TYPE") {
      const type = Object.hasOwn(TYPES[this.#format], text) ? TYPES[this.#format][text] : undefined;
      if (type === undefined) throw new ExpositionError(`invalid metric type ${JSON.stringify(text.slice(0, 128))}`);
      this.text = type;
      this.metricType = type;
      return Entry.Type;
    }
    if (text !== "" && !this.metricName.endsWith(`_${text}`)) {
      throw new ExpositionError(
        `unit ${JSON.stringify(text)} not a suffix of metric ${JSON.stringify(this.metricName)}`,
      );
    }
    this.text = text;
    return Entry.Unit;
  }

  #keywordAt(at: number): "HELP" | "TYPE" | "UNIT" | "EOF" | undefined {
    const word = String.fromCharCode(...this.#bytes.subarray(at, at + 4));
    const behind = this.#bytes[at + 4];
    const blankBehind = behind === SPACE || behind === TAB;
    if (blankBehind && (word === "HELP" || word === "TYPE" || (word === "UNIT" && this.#strict))) return word;
    return word.trimEnd() === "EOF" ? "EOF" : undefined;
  }

  #skipBlanks(at: number): number {
    const bytes = this.#bytes;
    let next = at;
    while (bytes[next] === SPACE || bytes[next] === TAB) next++;
    return next;
  }

  /** True at the end of the line, where the cursor is then moved to the next one. */
  #endsLine(at: number): boolean {
    if (at >= this.#bytes.length) {
      if (this.#strict) throw new ExpositionError("data does not end with # EOF");
      this.#at = at;
      return true;
    }
    if (this.#bytes[at] !== NEWLINE) return false;
    this.#at = at + 1;
    return true;
  }

  readonly #unexpected = (expected: string, at: number): ExpositionError => {
    const got =
      at >= this.#bytes.length ? '"" ("EOF")' : `${show(this.#bytes, at, at + 1)} (${tokenName(this.#bytes[at]!)})`;
    return new ExpositionError(`${expected}, got ${got} while parsing: ${show(this.#bytes, this.#lineStart, at + 1)}`);
  };
}

/** Names of the lexer's tokens, as Prometheus prints them in errors. */
function tokenName(code: number): string {
  if (code === NEWLINE) return '"LINEBREAK"';
  if (code === BRACE_OPEN) return '"BOPEN"';
  if (code === 0x7d) return '"BCLOSE"';
  return code === 0x2c ? '"COMMA"' : '"INVALID"';
}

/** A float as OpenMetrics wants it in `le` and `quantile`: always with a point or an exponent. */
function formatOpenMetricsFloat(value: number): string {
  const text = formatG(value);
  return /[.eI]/.test(text) ? text : `${text}.0`;
}
