import { RE2JS } from "re2js";
import { formatGoTime, parseGoTime } from "./go-time.ts";
import { parseBytes, parseDurationNs } from "./units.ts";

/** What a template computes with: label values are strings, `fromJson` gives the rest. */
export type TemplateValue =
  | string
  | number
  | boolean
  | undefined
  | null
  | Date
  | readonly TemplateValue[]
  | { readonly [key: string]: TemplateValue };

/** Longest text that `repeat`, `indent` and the aligning functions make. */
const TEXT_LENGTH_MAX = 256 * 1024;

/** A value as Go's `{{ }}` prints it. */
export function printValue(value: TemplateValue): string {
  if (value === undefined || value === null) return "<no value>";
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  if (typeof value === "boolean") return String(value);
  if (value instanceof Date) return formatGoTime(value, "2006-01-02 15:04:05.999999999 -0700 MST");
  if (Array.isArray(value)) return `[${value.map(printValue).join(" ")}]`;
  const pairs = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return `map[${pairs.map(([key, item]) => `${key}:${printValue(item as TemplateValue)}`).join(" ")}]`;
}

/** Go's truth: empty, zero and absent are false. */
export function isTruthy(value: TemplateValue): boolean {
  if (value === undefined || value === null || value === "" || value === 0 || value === false) return false;
  if (value instanceof Date) return true;
  return typeof value === "object" ? Object.keys(value).length > 0 : true;
}

const text = (value: TemplateValue): string => (value === undefined || value === null ? "" : printValue(value));
const number = (value: TemplateValue): number => {
  const result = Number(text(value));
  return Number.isNaN(result) ? 0 : result;
};
const integer = (value: TemplateValue): number => Math.trunc(number(value));
const bounded = (value: string): string => {
  if (value.length > TEXT_LENGTH_MAX)
    throw new Error(`text of ${value.length} characters; the limit is ${TEXT_LENGTH_MAX}`);
  return value;
};

function compare(left: TemplateValue, right: TemplateValue): number {
  if (typeof left === "number" || typeof right === "number") return number(left) - number(right);
  const [a, b] = [text(left), text(right)];
  return a < b ? -1 : a > b ? 1 : 0;
}

const equal = (left: TemplateValue, right: TemplateValue): boolean =>
  typeof left === "number" || typeof right === "number" ? number(left) === number(right) : text(left) === text(right);

/** `printf` with the verbs that make sense for text and numbers. */
function printf(format: TemplateValue, ...args: readonly TemplateValue[]): string {
  let next = 0;
  return text(format).replace(
    /%([-+0 #]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])/g,
    (_, flags: string, width?: string, precision?: string, verb?: string) => {
      if (verb === "%") return "%";
      const value = args[next++];
      const out = formatVerb(
        verb!,
        value,
        precision === undefined ? undefined : Math.min(Number(precision), 100),
        flags,
      );
      const size = Math.min(Number(width ?? 0), 1_000);
      if (flags.includes("-")) return out.padEnd(size);
      return flags.includes("0") && verb !== "s" ? out.padStart(size, "0") : out.padStart(size);
    },
  );
}

function formatVerb(verb: string, value: TemplateValue, precision: number | undefined, flags: string): string {
  const sign = flags.includes("+") && number(value) >= 0 ? "+" : "";
  switch (verb) {
    case "d":
      return sign + String(integer(value));
    case "f":
      return sign + number(value).toFixed(precision ?? 6);
    case "e":
      return sign + number(value).toExponential(precision ?? 6);
    case "g":
      return sign + String(precision === undefined ? number(value) : Number(number(value).toPrecision(precision || 1)));
    case "x":
      return typeof value === "number" ? integer(value).toString(16) : Buffer.from(text(value)).toString("hex");
    case "X":
      return integer(value).toString(16).toUpperCase();
    case "q":
      return JSON.stringify(text(value));
    case "t":
      return String(isTruthy(value));
    default:
      return precision === undefined ? text(value) : text(value).slice(0, precision);
  }
}

type TemplateFunction = (...args: TemplateValue[]) => TemplateValue;

/** Functions of Loki's templates by name, null-prototype. Arguments come in the order of Loki's documentation. */
export const templateFunctions: Readonly<Record<string, TemplateFunction>> = Object.assign(
  Object.create(null) as Record<string, TemplateFunction>,
  {
    // Go's own
    eq: (left, ...rest) => rest.some((right) => equal(left, right)),
    ne: (left, right) => !equal(left, right),
    lt: (left, right) => compare(left, right) < 0,
    le: (left, right) => compare(left, right) <= 0,
    gt: (left, right) => compare(left, right) > 0,
    ge: (left, right) => compare(left, right) >= 0,
    not: (value) => !isTruthy(value),
    len: (value) =>
      typeof value === "object" && value !== null ? Object.keys(value).length : Buffer.byteLength(text(value)),
    print: (...values) => values.map(text).join(""),
    println: (...values) => `${values.map(text).join(" ")}\n`,
    printf,
    index: (value, ...keys) =>
      keys.reduce<TemplateValue>((current, key) => {
        if (typeof current !== "object" || current === null || !Object.hasOwn(current, text(key))) return undefined;
        return (current as Record<string, TemplateValue>)[text(key)];
      }, value),
    urlquery: (value) => encodeURIComponent(text(value)),
    // text
    ToLower: (value) => text(value).toLowerCase(),
    ToUpper: (value) => text(value).toUpperCase(),
    lower: (value) => text(value).toLowerCase(),
    upper: (value) => text(value).toUpperCase(),
    title: (value) =>
      text(value).replace(/(^|\s)(\S)/g, (_, space: string, letter: string) => space + letter.toUpperCase()),
    Replace: (value, from, to, count) => replaceCounted(text(value), text(from), text(to), integer(count)),
    replace: (from, to, value) => text(value).replaceAll(text(from), () => text(to)),
    Trim: (value, set) => trimSet(text(value), text(set), true, true),
    TrimLeft: (value, set) => trimSet(text(value), text(set), true, false),
    TrimRight: (value, set) => trimSet(text(value), text(set), false, true),
    TrimPrefix: (value, prefix) => cutPrefix(text(value), text(prefix)),
    TrimSuffix: (value, suffix) => cutSuffix(text(value), text(suffix)),
    TrimSpace: (value) => text(value).trim(),
    trim: (value) => text(value).trim(),
    trimAll: (set, value) => trimSet(text(value), text(set), true, true),
    trimPrefix: (prefix, value) => cutPrefix(text(value), text(prefix)),
    trimSuffix: (suffix, value) => cutSuffix(text(value), text(suffix)),
    trunc: (length, value) => {
      const size = integer(length);
      return size < 0 ? text(value).slice(size) : text(value).slice(0, size);
    },
    substr: (start, end, value) => {
      const [from, to] = [integer(start), integer(end)];
      return from < 0 ? text(value).slice(0, to) : to < 0 ? text(value).slice(from) : text(value).slice(from, to);
    },
    contains: (part, value) => text(value).includes(text(part)),
    hasPrefix: (prefix, value) => text(value).startsWith(text(prefix)),
    hasSuffix: (suffix, value) => text(value).endsWith(text(suffix)),
    indent: (spaces, value) => bounded(indent(integer(spaces), text(value))),
    nindent: (spaces, value) => bounded(`\n${indent(integer(spaces), text(value))}`),
    repeat: (count, value) => {
      if (integer(count) * text(value).length > TEXT_LENGTH_MAX)
        throw new Error(`repeat makes more than ${TEXT_LENGTH_MAX} characters`);
      return text(value).repeat(Math.max(0, integer(count)));
    },
    alignLeft: (count, value) =>
      bounded(
        [...text(value)]
          .slice(0, integer(count))
          .join("")
          .padEnd(Math.min(integer(count), TEXT_LENGTH_MAX)),
      ),
    alignRight: (count, value) =>
      bounded(
        [...text(value)]
          .slice(-integer(count) || undefined)
          .join("")
          .padStart(Math.min(integer(count), TEXT_LENGTH_MAX)),
      ),
    default: (fallback, value) => (isTruthy(value) ? value : fallback),
    regexReplaceAll: (pattern, value, to) => replaceMatches(text(pattern), text(value), text(to), true),
    regexReplaceAllLiteral: (pattern, value, to) => replaceMatches(text(pattern), text(value), text(to), false),
    count: (pattern, value) => {
      const matcher = RE2JS.compile(text(pattern)).matcher(text(value));
      let found = 0;
      while (matcher.find()) found++;
      return found;
    },
    urlencode: (value) => encodeURIComponent(text(value)).replaceAll("%20", "+"),
    urldecode: (value) => decodeURIComponent(text(value).replaceAll("+", " ")),
    b64enc: (value) => Buffer.from(text(value)).toString("base64"),
    b64dec: (value) => Buffer.from(text(value), "base64").toString("utf8"),
    fromJson: (value) => JSON.parse(text(value)) as TemplateValue,
    // numbers
    int: integer,
    float64: number,
    add: (...values) => values.reduce<number>((sum, value) => sum + integer(value), 0),
    sub: (left, right) => integer(left) - integer(right),
    mul: (...values) => values.reduce<number>((product, value) => product * integer(value), 1),
    div: (left, right) => divide(integer(left), integer(right)),
    mod: (left, right) => modulo(integer(left), integer(right)),
    addf: (...values) => values.reduce<number>((sum, value) => sum + number(value), 0),
    subf: (first, ...values) => values.reduce<number>((rest, value) => rest - number(value), number(first)),
    mulf: (...values) => values.reduce<number>((product, value) => product * number(value), 1),
    divf: (first, ...values) => values.reduce<number>((rest, value) => rest / number(value), number(first)),
    max: (...values) => Math.max(...values.map(integer)),
    min: (...values) => Math.min(...values.map(integer)),
    maxf: (...values) => Math.max(...values.map(number)),
    minf: (...values) => Math.min(...values.map(number)),
    ceil: (value) => Math.ceil(number(value)),
    floor: (value) => Math.floor(number(value)),
    round: (value, digits) => Number(number(value).toFixed(Math.min(100, Math.max(0, integer(digits))))),
    bytes: (value) => parseBytes(text(value)) ?? 0,
    duration: (value) => (parseDurationNs(text(value)) ?? 0) / 1e9,
    duration_seconds: (value) => (parseDurationNs(text(value)) ?? 0) / 1e9,
    // time
    now: () => new Date(),
    date: (layout, value) =>
      formatGoTime(value instanceof Date ? value : new Date(number(value) * 1_000), text(layout)),
    toDate: (layout, value) => parseGoTime(text(value), text(layout)),
    toDateInZone: (layout, _zone, value) => parseGoTime(text(value), text(layout)),
    unixEpoch: (value) => String(Math.floor(dateMs(value) / 1_000)),
    unixEpochMillis: (value) => String(dateMs(value)),
    unixEpochNanos: (value) => `${dateMs(value)}000000`,
    unixToTime: (value) => {
      const digits = text(value).length;
      return new Date(digits <= 10 ? number(value) * 1_000 : number(value) / 10 ** (digits - 13));
    },
  } satisfies Record<string, TemplateFunction>,
);

/** Replaces every match; with `expand`, `$1` and `${name}` stand for groups as in Go's `Regexp.Expand`. */
function replaceMatches(pattern: string, value: string, to: string, expand: boolean): string {
  const regex = RE2JS.compile(pattern);
  const matcher = regex.matcher(value);
  const groupNames = regex.namedGroups();
  let out = "";
  let at = 0;
  while (matcher.find()) {
    out += value.slice(at, matcher.start());
    out += expand
      ? to.replace(/\$(?:\$|(\w+)|\{(\w+)\})/g, (whole, bare?: string, braced?: string) => {
          if (whole === "$$") return "$";
          const name = (bare ?? braced)!;
          const index = /^\d+$/.test(name) ? Number(name) : groupNames[name];
          return index === undefined || index > matcher.groupCount() ? "" : (matcher.group(index) ?? "");
        })
      : to;
    at = matcher.end();
  }
  return bounded(out + value.slice(at));
}

function dateMs(value: TemplateValue): number {
  return value instanceof Date ? value.getTime() : number(value) * 1_000;
}

function divide(left: number, right: number): number {
  if (right === 0) throw new Error("runtime error: integer divide by zero");
  return Math.trunc(left / right);
}

function modulo(left: number, right: number): number {
  if (right === 0) throw new Error("runtime error: integer divide by zero");
  return left % right;
}

function replaceCounted(value: string, from: string, to: string, count: number): string {
  if (count < 0) return value.replaceAll(from, () => to);
  const parts = value.split(from);
  const kept = parts.slice(0, count + 1);
  return (
    kept.join(to) +
    parts
      .slice(count + 1)
      .map((part) => from + part)
      .join("")
  );
}

function trimSet(value: string, set: string, left: boolean, right: boolean): string {
  let start = 0;
  let end = value.length;
  while (left && start < end && set.includes(value[start]!)) start++;
  while (right && end > start && set.includes(value[end - 1]!)) end--;
  return value.slice(start, end);
}

function cutPrefix(value: string, prefix: string): string {
  return value.startsWith(prefix) ? value.slice(prefix.length) : value;
}

function cutSuffix(value: string, suffix: string): string {
  return suffix !== "" && value.endsWith(suffix) ? value.slice(0, -suffix.length) : value;
}

function indent(spaces: number, value: string): string {
  const pad = " ".repeat(Math.min(Math.max(0, spaces), 1_000));
  return pad + value.replaceAll("\n", `\n${pad}`);
}
