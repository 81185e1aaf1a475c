import { isUtf8 } from "node:buffer";
import { ExpositionError } from "./parse-error.ts";

const LETTER = 1;
const DIGIT = 2;
const COLON = 4;
/** What a byte may be in a name. */
const CLASS = new Uint8Array(256);
for (const char of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") CLASS[char.charCodeAt(0)] = LETTER;
for (const char of "0123456789") CLASS[char.charCodeAt(0)] = DIGIT;
CLASS[0x3a] = COLON;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** End of the metric name that starts at `at`, or `at` when none does. */
export function metricNameEnd(bytes: Uint8Array, at: number): number {
  if ((CLASS[bytes[at] ?? 0]! & (LETTER | COLON)) === 0) return at;
  let end = at + 1;
  while (end < bytes.length && CLASS[bytes[end]!] !== 0) end++;
  return end;
}

function labelNameEnd(bytes: Uint8Array, at: number): number {
  if (CLASS[bytes[at] ?? 0] !== LETTER) return at;
  let end = at + 1;
  while (end < bytes.length && (CLASS[bytes[end]!]! & (LETTER | DIGIT)) !== 0) end++;
  return end;
}

/** Offset behind the closing quote of the string that opens at `at`, or -1 when it never closes. */
export function quotedEnd(bytes: Uint8Array, at: number): number {
  let end = at + 1;
  while (end < bytes.length) {
    const code = bytes[end]!;
    if (code === QUOTE) return end + 1;
    end += code === BACKSLASH ? 2 : 1;
  }
  return -1;
}

/** The spans of a label set in the body: `[nameStart, nameEnd, valueStart, valueEnd, …]`, quotes excluded. */
export interface LabelSpans {
  spans: number[];
  /** The metric name written inside the braces as a quoted string (`{"my.metric", …}`), -1 where it is not. */
  quotedNameStart: number;
  quotedNameEnd: number;
}

/**
 * Scans a label set whose `{` stands at `open`; returns the offset behind its `}` and fills `out`.
 * @param strict OpenMetrics: no blanks, a comma between labels; the text format is laxer in both, as Prometheus is.
 * @param fail makes the error for what stands at an offset.
 */
export function scanLabels(
  bytes: Uint8Array,
  open: number,
  strict: boolean,
  out: LabelSpans,
  fail: (expected: string, at: number) => ExpositionError,
): number {
  out.spans.length = 0;
  let at = skipBlanks(bytes, open + 1, strict);
  while (bytes[at] !== 0x7d) {
    const quoted = bytes[at] === QUOTE;
    const nameStart = at;
    const nameEnd = quoted ? quotedEnd(bytes, at) : labelNameEnd(bytes, at);
    if (nameEnd < 0 || nameEnd === at) throw fail("expected label name", at);
    at = skipBlanks(bytes, nameEnd, strict);
    if (quoted && (bytes[at] === 0x2c || bytes[at] === 0x7d)) {
      if (out.quotedNameStart >= 0)
        throw new ExpositionError(`metric name already set while parsing: ${show(bytes, open, at)}`);
      out.quotedNameStart = nameStart + 1;
      out.quotedNameEnd = nameEnd - 1;
    } else {
      if (bytes[at] !== 0x3d) throw fail("expected equal", at);
      at = skipBlanks(bytes, at + 1, strict);
      const valueEnd = bytes[at] === QUOTE ? quotedEnd(bytes, at) : -1;
      if (valueEnd < 0) throw fail("expected label value", at);
      if (!isUtf8(bytes.subarray(at + 1, valueEnd - 1))) {
        throw new ExpositionError(`invalid UTF-8 label value: ${show(bytes, at, valueEnd)}`);
      }
      out.spans.push(quoted ? nameStart + 1 : nameStart, quoted ? nameEnd - 1 : nameEnd, at + 1, valueEnd - 1);
      at = skipBlanks(bytes, valueEnd, strict);
    }
    if (bytes[at] === 0x2c) at = skipBlanks(bytes, at + 1, strict);
    else if (strict && bytes[at] !== 0x7d) throw fail("expected comma or brace close", at);
  }
  return at + 1;
}

function skipBlanks(bytes: Uint8Array, at: number, strict: boolean): number {
  if (strict) return at;
  let next = at;
  while (bytes[next] === 0x20 || bytes[next] === 0x09) next++;
  return next;
}

/** The text of a span with `\\`, `\"` and `\n` undone; other escapes stay as they are, as in Prometheus. */
export function unescapeSpan(bytes: Uint8Array, start: number, end: number): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("utf8");
  if (!text.includes("\\")) return text;
  return text.replace(/\\([\\"n])/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped));
}

/** Part of a body for an error text: quoted, escaped, cut. */
export function show(bytes: Uint8Array, start: number, end: number): string {
  const limit = 128;
  const cut = bytes.subarray(start, Math.min(end, start + limit));
  return JSON.stringify(Buffer.from(cut).toString("utf8") + (end - start > limit ? "…" : ""));
}
