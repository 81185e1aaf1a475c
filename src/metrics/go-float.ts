import { formatSampleValue } from "../series/format-value.ts";

/** Go's `%e` with the shortest exact digits: `1e+00`, as the API shows the value of an alert. */
export function formatExponent(value: number): string {
  return Number.isFinite(value) ? twoDigitExponent(value.toExponential()) : formatSampleValue(value);
}

/** Go's `%.<precision>g`: significant digits without trailing zeros, an exponent below 1e-4 and from 10^precision on. */
export function formatGeneral(value: number, precision: number): string {
  if (!Number.isFinite(value) || value === 0) return formatSampleValue(value);
  const digits = Math.min(Math.max(precision, 1), 100);
  const [mantissa, power] = value.toExponential(digits - 1).split("e") as [string, string];
  const exponent = Number(power);
  if (exponent < -4 || exponent >= digits) return twoDigitExponent(`${trimZeros(mantissa)}e${power}`);
  return trimZeros(value.toFixed(Math.max(0, digits - 1 - exponent)));
}

/** Go prints at least two digits of an exponent: `1e-7` → `1e-07`. */
export function twoDigitExponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}

function trimZeros(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}
