import { formatG, formatSampleValue } from "../../series/format-value.ts";
import { formatGeneral, twoDigitExponent } from "../go-float.ts";

/** Width or precision that a format may ask for; more is a way to fill memory. */
const FORMAT_WIDTH_MAX = 1_000;

/** A value as Go's `%v` prints it. */
export function formatAny(value: unknown): string {
  if (typeof value === "number") return formatG(value);
  if (value === undefined || value === null) return "<no value>";
  if (value instanceof Map) {
    const entries = [...value].sort(([left], [right]) => (left < right ? -1 : 1));
    return `map[${entries.map(([name, text]) => `${name}:${formatAny(text)}`).join(" ")}]`;
  }
  if (Array.isArray(value)) return `[${value.map(formatAny).join(" ")}]`;
  return String(value);
}

/**
 * Go's `fmt.Sprintf` for the verbs that templates use: v s d f F g G e E q t x X c and %%, with flags, width, precision.
 * A verb that does not fit its argument prints Go's `%!d(string=…)` marker.
 */
export function sprintf(format: string, args: readonly unknown[]): string {
  let next = 0;
  const text = format.replace(/%([-+# 0]*)(\d+)?(?:\.(\d+)?)?([a-zA-Z%])/g, (whole, ...parts: unknown[]) => {
    const [flags, width, precision, verb] = parts as [string, string | undefined, string | undefined, string];
    if (verb === "%") return "%";
    if (next >= args.length) return `%!${verb}(MISSING)`;
    const hasPoint = whole.includes(".");
    const digits = hasPoint ? Math.min(Number(precision ?? 0), FORMAT_WIDTH_MAX) : undefined;
    const body = formatVerb(verb, args[next++], digits, flags);
    return pad(body, Math.min(Number(width ?? 0), FORMAT_WIDTH_MAX), flags);
  });
  if (next >= args.length) return text;
  return `${text}%!(EXTRA ${args
    .slice(next)
    .map((arg) => `${typeName(arg)}=${formatAny(arg)}`)
    .join(", ")})`;
}

function formatVerb(verb: string, arg: unknown, digits: number | undefined, flags: string): string {
  const bad = `%!${verb}(${typeName(arg)}=${formatAny(arg)})`;
  const sign = typeof arg === "number" && flags.includes("+") && arg >= 0 ? "+" : "";
  switch (verb) {
    case "v":
      return formatAny(arg);
    case "s":
      return typeof arg === "string" ? arg.slice(0, digits) : typeof arg === "number" ? bad : formatAny(arg);
    case "q":
      return typeof arg === "string" ? JSON.stringify(arg) : bad;
    case "t":
      return typeof arg === "boolean" ? String(arg) : bad;
    case "d":
      return typeof arg === "number" && Number.isInteger(arg) ? sign + String(arg) : bad;
    case "c":
      return typeof arg === "number" && arg >= 0 && arg <= 0x10ffff ? String.fromCodePoint(Math.trunc(arg)) : bad;
    case "x":
    case "X": {
      if (typeof arg === "string") return Buffer.from(arg).toString("hex");
      if (typeof arg !== "number" || !Number.isInteger(arg)) return bad;
      return verb === "x" ? arg.toString(16) : arg.toString(16).toUpperCase();
    }
    case "f":
    case "F":
      return typeof arg === "number" ? sign + fixed(arg, digits ?? 6) : bad;
    case "g":
    case "G":
      return typeof arg === "number" ? sign + (digits === undefined ? formatG(arg) : formatGeneral(arg, digits)) : bad;
    case "e":
    case "E":
      return typeof arg === "number" ? sign + exponential(arg, digits ?? 6) : bad;
    default:
      return bad;
  }
}

function fixed(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(Math.min(digits, 100)) : formatSampleValue(value);
}

function exponential(value: number, digits: number): string {
  if (!Number.isFinite(value)) return formatSampleValue(value);
  return twoDigitExponent(value.toExponential(Math.min(digits, 100)));
}

function pad(text: string, width: number, flags: string): string {
  if (flags.includes("-")) return text.padEnd(width);
  if (!flags.includes("0")) return text.padStart(width);
  const sign = /^[+-]/.exec(text)?.[0] ?? "";
  return sign + text.slice(sign.length).padStart(width - sign.length, "0");
}

function typeName(value: unknown): string {
  if (typeof value === "number") return "float64";
  if (typeof value === "boolean") return "bool";
  return value === undefined || value === null ? "<nil>" : typeof value === "string" ? "string" : "map[string]string";
}
