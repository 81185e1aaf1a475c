import { readFileSync } from "node:fs";
import { type Document, isMap, isNode, LineCounter, parseDocument } from "yaml";
import type * as z from "zod";
import { ConfigError } from "./config-error.ts";
import { nearestName } from "./nearest.ts";

/** The values of one YAML file together with what is needed to say where in the file a value stands. */
export interface YamlFile {
  readonly path: string;
  readonly values: Record<string, unknown>;
  readonly document: Document;
  readonly lines: LineCounter;
}

/** @throws ConfigError when the file cannot be read, is no YAML, or is no mapping. */
export function readYamlFile(path: string): YamlFile {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigError(`${path}: cannot read the configuration: ${(error as Error).message}`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const broken = document.errors[0];
  if (broken !== undefined) {
    throw new ConfigError(`${path}:${lines.linePos(broken.pos[0]).line}: not valid YAML: ${broken.message}`);
  }
  const values: unknown = document.toJS() ?? {};
  if (typeof values !== "object" || values === null || Array.isArray(values)) {
    throw new ConfigError(`${path}:1: expected a mapping of settings at the top level`);
  }
  return { path, values: values as Record<string, unknown>, document, lines };
}

/** One sentence for a zod issue: file, line, dotted field, what is wrong, and the nearest valid name for a wrong one. */
export function describeIssue(issue: z.core.$ZodIssue, file: YamlFile | undefined, schema: z.ZodType): string {
  const path = issue.path.map(String);
  if (issue.code === "unrecognized_keys") {
    const key = issue.keys[0]!;
    const near = nearestName(key, fieldNames(schema, path));
    const hint = near === undefined ? "" : `; did you mean ${JSON.stringify(near)}?`;
    return `${place(file, [...path, key])}unknown field ${JSON.stringify([...path, key].join("."))}${hint}`;
  }
  return `${place(file, path)}${path.join(".") || "configuration"}: ${issue.message}`;
}

function place(file: YamlFile | undefined, path: readonly string[]): string {
  if (file === undefined) return "";
  return `${file.path}:${lineOf(file, path)}: `;
}

/** Line of the key at `path`, or of the nearest ancestor that is written in the file. */
function lineOf(file: YamlFile, path: readonly string[]): number {
  let node: unknown = file.document.contents;
  let line = 1;
  for (const step of path) {
    if (!isMap(node)) break;
    const pair = node.items.find((item) => String(isNode(item.key) ? item.key.toJSON() : item.key) === step);
    if (pair === undefined) break;
    if (isNode(pair.key) && pair.key.range) line = file.lines.linePos(pair.key.range[0]).line;
    node = pair.value;
  }
  return line;
}

/** Names that the schema knows at `path`; wrappers such as defaults and optionals are looked through. */
function fieldNames(schema: z.ZodType, path: readonly string[]): string[] {
  let current: unknown = schema;
  for (const step of path) {
    current = shapeOf(current)?.[step] ?? (unwrap(current) as { valueType?: unknown } | undefined)?.valueType;
  }
  return Object.keys(shapeOf(current) ?? {});
}

function unwrap(schema: unknown): unknown {
  let current = schema as { def?: { innerType?: unknown } } | undefined;
  while (current?.def?.innerType !== undefined) current = current.def.innerType as typeof current;
  return current;
}

function shapeOf(schema: unknown): Record<string, unknown> | undefined {
  return (unwrap(schema) as { shape?: Record<string, unknown> } | undefined)?.shape;
}
