import { ExpositionError } from "./parse-error.ts";

/** Digits whose value a double holds exactly, whatever they are. */
const EXACT_DIGITS_MAX = 15;
/** Powers of ten that a double holds exactly; dividing an exact integer by one rounds once, as it must. */
const EXACT_POWERS = Array.from({ length: 23 }, (_, exponent) => 10 ** exponent);
/** A longer number is no number that anybody meant. */
const NUMBER_BYTES_MAX = 512;

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const INFINITY = /^([+-]?)inf(?:inity)?$/i;

/**
 * The float in `bytes[start, end)` as Go's ParseFloat reads it (decimal forms, Inf, NaN; no hex, no underscores).
 * @throws ExpositionError with Go's text.
 */
export function parseFloatBytes(bytes: Uint8Array, start: number, end: number): number {
  // Fast path: up to 15 digits with at most one point. "Correct rounding of plain decimals", W. D. Clinger, 1990.
  let at = start;
  const negative = bytes[at] === 0x2d;
  if (negative || bytes[at] === 0x2b) at++;
  let mantissa = 0;
  let digits = 0;
  let pointAt = -1;
  for (; at < end; at++) {
    const code = bytes[at]!;
    if (code >= 0x30 && code <= 0x39) {
      mantissa = mantissa * 10 + (code - 0x30);
      digits++;
    } else if (code === 0x2e && pointAt < 0) pointAt = at;
    else break;
  }
  if (at === end && digits > 0 && digits <= EXACT_DIGITS_MAX) {
    const value = pointAt < 0 ? mantissa : mantissa / EXACT_POWERS[end - pointAt - 1]!;
    return negative ? -value : value;
  }
  return parseSlow(bytes, start, end);
}

function parseSlow(bytes: Uint8Array, start: number, end: number): number {
  const text = Buffer.from(
    bytes.buffer,
    bytes.byteOffset + start,
    Math.min(end - start, NUMBER_BYTES_MAX + 1),
  ).toString("latin1");
  if (/[pP_]/.test(text)) throw new ExpositionError("unsupported character in float");
  if (DECIMAL.test(text) && text.length <= NUMBER_BYTES_MAX) {
    const value = Number(text);
    if (Number.isFinite(value)) return value;
    throw new ExpositionError(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: value out of range`);
  }
  const infinity = INFINITY.exec(text);
  if (infinity !== null) return infinity[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^nan$/i.test(text)) return Number.NaN;
  throw new ExpositionError(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`);
}
