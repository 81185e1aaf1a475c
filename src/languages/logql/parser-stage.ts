import { compileRegex } from "../../series/regex.ts";
import type { Stage } from "./ast.ts";
import { JsonFlattener, JsonLineError } from "./json-flatten.ts";
import { followJsonPath, parseJsonPath } from "./json-path.ts";
import { sanitizeLabelName } from "./label-name.ts";
import { LineLabels } from "./line-labels.ts";
import { readLogfmt } from "./logfmt.ts";
import { matchPattern, parsePattern } from "./pattern.ts";
import type { StageFunction } from "./pipeline.ts";

type ParserStage = Extract<Stage, { kind: "json" | "logfmt" | "regexp" | "pattern" | "unpack" }>;

/** Compiles a parser stage. @throws Error for a bad pattern, path or expression. */
export function compileParser(stage: ParserStage, wanted: ReadonlySet<string> | undefined): StageFunction {
  switch (stage.kind) {
    case "json":
      return stage.extractions.length === 0 ? jsonAll(wanted) : jsonPaths(stage);
    case "logfmt":
      return logfmt(stage, wanted);
    case "regexp":
      return regexp(stage.text);
    case "pattern": {
      const parts = parsePattern(stage.text);
      return (line, labels) => {
        matchPattern(line, parts, (name, value) => labels.setExtracted(name, value));
        return line;
      };
    }
    case "unpack":
      return unpack;
  }
}

/** Whether a parser's label is of use: it may end up as `name` or as `name_extracted`. */
function wants(wanted: ReadonlySet<string> | undefined): (name: string) => boolean {
  if (wanted === undefined) return () => true;
  const names = new Set([...wanted].flatMap((name) => [name, name.replace(/_extracted$/, "")]));
  return (name) => names.has(name);
}

function jsonAll(wanted: ReadonlySet<string> | undefined): StageFunction {
  let target = new LineLabels();
  const flattener = new JsonFlattener(wants(wanted), (name, value) => target.setExtracted(name, value));
  return (line, labels) => {
    target = labels;
    try {
      flattener.walk(line);
    } catch (error) {
      if (!(error instanceof JsonLineError)) throw error;
      labels.setError("JSONParserErr", error.message);
    }
    return line;
  };
}

function jsonPaths(stage: Stage & { kind: "json" }): StageFunction {
  const paths = stage.extractions.map(({ name, expression }) => ({ name, steps: parseJsonPath(expression) }));
  return (line, labels) => {
    const root = parseObject(line);
    if (root === undefined) labels.setError("JSONParserErr", "");
    else for (const { name, steps } of paths) labels.setExtracted(name, followJsonPath(root, steps));
    return line;
  };
}

function parseObject(line: string): object | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined; // the caller marks the line with `__error__`
  }
}

function logfmt(stage: Stage & { kind: "logfmt" }, wanted: ReadonlySet<string> | undefined): StageFunction {
  const isWanted = wants(wanted);
  const targets = new Map(stage.extractions.map(({ name, expression }) => [expression, name]));
  return (line, labels) => {
    const error = readLogfmt(line, (key, value) => {
      const name = targets.size > 0 ? targets.get(key) : sanitizeLabelName(key);
      if (name === undefined || name === "" || (targets.size === 0 && !isWanted(name))) return;
      if (value === undefined || value === "") {
        if (stage.keepEmpty) labels.setExtracted(name, "");
      } else labels.setExtracted(name, value);
    });
    if (error !== undefined && stage.strict) labels.setError("LogfmtParserErr", error);
    return line;
  };
}

function regexp(pattern: string): StageFunction {
  // The part of the line before and after the match is matched lazily and greedily, so this finds the leftmost match.
  const regex = compileRegex(`(?s:.*?)(?:${pattern})(?s:.*)`);
  const names = Object.entries(regex.groupNames);
  if (names.length === 0) throw new Error("at least one named capture must be supplied");
  return (line, labels) => {
    const groups = regex.groupsOfWhole(line);
    if (groups === undefined) return line;
    for (const [name, index] of names) {
      const value = groups[index];
      if (value !== undefined) labels.setExtracted(sanitizeLabelName(name), value);
    }
    return line;
  };
}

/** Undoes Promtail's `pack`: string members become labels, `_entry` the line. */
function unpack(line: string, labels: LineLabels): string {
  const root = parseObject(line);
  if (root === undefined) {
    labels.setError("JSONParserErr", "expecting json object, but it is not");
    return line;
  }
  let entry = line;
  for (const [key, value] of Object.entries(root)) {
    if (typeof value !== "string") continue;
    if (key === "_entry") entry = value;
    else labels.setExtracted(sanitizeLabelName(key), value);
  }
  return entry;
}
