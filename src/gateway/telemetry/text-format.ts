/** Escapes a label value as the text format and OpenMetrics ask: backslash, newline, quote. */
export function escapeLabelValue(value: string): string {
  return /[\\\n"]/.test(value) ? value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"') : value;
}

/** HELP text: backslash and newline; OpenMetrics escapes the quote too. */
export function escapeHelp(text: string, openMetrics: boolean): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return openMetrics ? escaped.replaceAll('"', '\\"') : escaped;
}

/** `a="1",b="2"` without braces; empty for no labels. */
export function formatLabels(names: readonly string[], values: readonly string[]): string {
  return names.map((name, index) => `${name}="${escapeLabelValue(values[index]!)}"`).join(",");
}

/** A sample value. */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return String(value);
}

/**
 * A bucket bound the way the Python client writes it (`1.0`, `0.25`, `1e-05`), which is OpenMetrics' canonical form and
 * what existing queries compare `le` with.
 */
export function formatBound(bound: number): string {
  if (!Number.isFinite(bound)) return formatNumber(bound);
  if (Number.isInteger(bound)) return `${bound}.0`;
  if (Math.abs(bound) >= 0.0001) return String(bound);
  return bound.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
}
