import { isIP } from "node:net";
import { parseDurationMs } from "../../config/duration.ts";
import { compileRegex } from "../../series/regex.ts";
import { formatGeneral } from "../go-float.ts";
import { formatAny, sprintf } from "./go-format.ts";
import { TemplateError } from "./template-parse.ts";

/** One sample of a `query` inside a template. */
export interface TemplateSample {
  readonly Labels: ReadonlyMap<string, string>;
  readonly Value: number;
}

type TemplateFunction = (...args: unknown[]) => unknown;

const LARGE = ["", "k", "M", "G", "T", "P", "E", "Z", "Y"];
const LARGE_1024 = ["", "ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];
const SMALL = ["m", "u", "n", "p", "f", "a", "z", "y"];

/** Functions of templates; the value of a pipeline comes as the last argument. Source: Prometheus "Template reference". */
export const TEMPLATE_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  humanize: (value) => humanize(toNumber(value)),
  humanize1024: (value) => humanize1024(toNumber(value)),
  humanizeDuration: (value) => humanizeDuration(toNumber(value)),
  humanizePercentage: (value) => `${formatGeneral(toNumber(value) * 100, 4)}%`,
  humanizeTimestamp: (value) => humanizeTimestamp(toNumber(value)),
  title: (text) =>
    toText(text).replace(/(^|[^\p{L}\p{N}_'])(\p{L})/gu, (_, before, letter) => before + letter.toUpperCase()),
  toUpper: (text) => toText(text).toUpperCase(),
  toLower: (text) => toText(text).toLowerCase(),
  match: (pattern, text) => compileRegex(toText(pattern)).matchesPart(toText(text)),
  reReplaceAll: (pattern, replacement, text) => {
    return compileRegex(toText(pattern)).replaceAll(toText(text), toText(replacement));
  },
  stripPort: (text) => stripPort(toText(text)),
  stripDomain: (text) => stripDomain(toText(text)),
  parseDuration: (text) => parseSeconds(toText(text)),
  safeHtml: toText,
  urlquery: (text) => encodeURIComponent(toText(text)),
  html: (text) => escapeHtml(toText(text)),
  value: (sample) => toSample(sample).Value,
  label: (name, sample) => toSample(sample).Labels.get(toText(name)) ?? "",
  strvalue: (sample) => toSample(sample).Labels.get("__value__") ?? "",
  first: (samples) => {
    const [sample] = toList(samples);
    if (sample === undefined) throw new TemplateError("first() called on vector with no elements");
    return sample;
  },
  sortByLabel: (name, samples) => {
    const label = toText(name);
    const textOf = (sample: unknown): string => toSample(sample).Labels.get(label) ?? "";
    return [...toList(samples)].sort((left, right) => (textOf(left) < textOf(right) ? -1 : 1));
  },
  printf: (format, ...args) => sprintf(toText(format), args),
  print: (...args) => args.map(formatAny).join(""),
  println: (...args) => `${args.map(formatAny).join(" ")}\n`,
  len: (value) => lengthOf(value),
  index: (value, ...keys) => keys.reduce(indexInto, value),
  eq: (left, ...others) => others.some((other) => left === other),
  ne: (left, right) => left !== right,
  lt: (left, right) => compare(left, right) < 0,
  le: (left, right) => compare(left, right) <= 0,
  gt: (left, right) => compare(left, right) > 0,
  ge: (left, right) => compare(left, right) >= 0,
  not: (value) => !isTrue(value),
  and: (...args) => args.find((value) => !isTrue(value)) ?? args.at(-1),
  or: (...args) => args.find(isTrue) ?? args.at(-1),
};

/** Go's truth of a value: not zero, not empty. */
export function isTrue(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === "") return false;
  if (Array.isArray(value)) return value.length > 0;
  return !(value instanceof Map) || value.size > 0;
}

function humanize(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return formatGeneral(value, 4);
  if (Math.abs(value) >= 1) return scaled(value, LARGE, 1_000);
  let small = value;
  let prefix = "";
  for (const next of SMALL) {
    if (Math.abs(small) >= 1) break;
    prefix = next;
    small *= 1_000;
  }
  return formatGeneral(small, 4) + prefix;
}

function humanize1024(value: number): string {
  if (Math.abs(value) <= 1 || !Number.isFinite(value)) return formatGeneral(value, 4);
  return scaled(value, LARGE_1024, 1_024);
}

function scaled(value: number, prefixes: readonly string[], base: number): string {
  let rest = value;
  let index = 0;
  while (Math.abs(rest) >= base && index < prefixes.length - 1) {
    rest /= base;
    index++;
  }
  return formatGeneral(rest, 4) + prefixes[index]!;
}

function humanizeDuration(value: number): string {
  if (!Number.isFinite(value)) return formatGeneral(value, 4);
  if (value === 0) return "0s";
  if (Math.abs(value) < 1) return `${humanize(value)}s`;
  const sign = value < 0 ? "-" : "";
  const total = Math.trunc(Math.abs(value));
  const seconds = total % 60;
  const minutes = Math.trunc(total / 60) % 60;
  const hours = Math.trunc(total / 3_600) % 24;
  const days = Math.trunc(total / 86_400);
  if (days > 0) return `${sign}${days}d ${hours}h ${minutes}m ${seconds}s`;
  if (hours > 0) return `${sign}${hours}h ${minutes}m ${seconds}s`;
  if (minutes > 0) return `${sign}${minutes}m ${seconds}s`;
  return `${sign}${formatGeneral(Math.abs(value), 4)}s`;
}

function humanizeTimestamp(value: number): string {
  const ms = value * 1_000;
  if (!Number.isFinite(value) || Math.abs(ms) > 8.64e15) return formatGeneral(value, 4);
  const text = new Date(ms)
    .toISOString()
    .replace("T", " ")
    .replace(/\.?0*Z$/, "");
  return `${text} +0000 UTC`;
}

function stripPort(text: string): string {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):\d+$/.exec(text);
  return match?.[1] ?? match?.[2] ?? text;
}

function stripDomain(text: string): string {
  const [host, port] = [stripPort(text), /:\d+$/.exec(text)?.[0] ?? ""];
  return isIP(host) ? text : host.split(".", 1)[0]! + (host === text ? "" : port);
}

function parseSeconds(text: string): number {
  const ms = parseDurationMs(text);
  if (ms === undefined) throw new TemplateError(`not a valid duration string: ${JSON.stringify(text)}`);
  return ms / 1_000;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

function toNumber(value: unknown): number {
  if (typeof value === "number") return value;
  const text = typeof value === "string" ? value.trim() : "";
  if (/^[-+]?inf$/i.test(text)) return text.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^nan$/i.test(text)) return Number.NaN;
  if (text === "" || Number.isNaN(Number(text)))
    throw new TemplateError(`can't convert ${JSON.stringify(value)} to float`);
  return Number(text);
}

function toText(value: unknown): string {
  return typeof value === "string" ? value : formatAny(value);
}

function toList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new TemplateError(`${formatAny(value)} is no query result`);
}

function toSample(value: unknown): TemplateSample {
  if (typeof value === "object" && value !== null && "Labels" in value && "Value" in value) {
    return value as TemplateSample;
  }
  throw new TemplateError(`${formatAny(value)} is no sample`);
}

function lengthOf(value: unknown): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (value instanceof Map) return value.size;
  throw new TemplateError(`len of ${formatAny(value)}`);
}

function indexInto(value: unknown, key: unknown): unknown {
  if (value instanceof Map) return value.get(toText(key)) ?? "";
  if (Array.isArray(value) && typeof key === "number" && key in value) return value[key];
  throw new TemplateError(`index out of range: ${formatAny(key)}`);
}

function compare(left: unknown, right: unknown): number {
  if (typeof left === "number" && typeof right === "number") return left - right;
  if (typeof left === "string" && typeof right === "string") return left < right ? -1 : left > right ? 1 : 0;
  throw new TemplateError("incompatible types for comparison");
}
