/**
 * A sample value as Prometheus' JSON writes it: shortest digits that read back to the same number, `+Inf`, `-Inf`,
 * `NaN`; an exponent of at least two digits below 1e-6 and from 1e21 on. Source: Prometheus util/jsonutil.
 */
export function formatSampleValue(value: number): string {
  const special = formatSpecial(value);
  if (special !== undefined) return special;
  // JavaScript switches to exponents at the same two thresholds, but writes one-digit exponents.
  return String(value).replace(/e([+-])(\d)$/, "e$10$2");
}

/** A number as Go's `strconv.FormatFloat(value, 'f', -1, 64)`: shortest digits, never an exponent. */
export function formatFloat(value: number): string {
  const special = formatSpecial(value);
  if (special !== undefined) return special;
  const text = String(value);
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (match === null) return text;
  const [, sign, first, rest = "", exponentText] = match;
  const digits = first! + rest;
  const exponent = Number(exponentText);
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  return sign + digits + "0".repeat(exponent + 1 - digits.length);
}

function formatSpecial(value: number): string | undefined {
  if (Number.isNaN(value)) return "NaN";
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return Object.is(value, -0) ? "-0" : undefined;
}

/** A number as Go's `%g`: shortest digits, with an exponent of two digits or more below 1e-4 and from 1e6 on. */
export function formatG(value: number): string {
  const special = formatSpecial(value);
  if (special !== undefined) return special;
  const [mantissa, exponentText] = value.toExponential().split("e");
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 6) return formatFloat(value);
  const digits = String(Math.abs(exponent)).padStart(2, "0");
  return `${mantissa}e${exponent < 0 ? "-" : "+"}${digits}`;
}
