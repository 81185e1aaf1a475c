import { readFile, stat } from "node:fs/promises";
import { ConfigError } from "../../config/config-error.ts";
import { ParseError } from "../../languages/promql/error.ts";
import { parsePromql } from "../../languages/promql/parse.ts";
import { readYaml, type YamlReader } from "../config/yaml-reader.ts";
import { RULE_FILE_BYTES_MAX, RULES_PER_GROUP_MAX } from "../limits.ts";
import { Template } from "./template.ts";
import { TemplateError } from "./template-parse.ts";

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

export interface RecordingSpec {
  readonly kind: "recording";
  readonly name: string;
  readonly expression: string;
  readonly labels: readonly (readonly [string, string])[];
}

export interface AlertingSpec {
  readonly kind: "alerting";
  readonly name: string;
  readonly expression: string;
  /** How long a result must last before the alert fires. */
  readonly holdMs: number;
  /** How long the alert goes on firing after its result is gone. */
  readonly keepFiringMs: number;
  /** Texts as written and as templates. */
  readonly labels: readonly TemplatedText[];
  readonly annotations: readonly TemplatedText[];
}

interface TemplatedText {
  readonly name: string;
  readonly text: string;
  readonly template: Template;
}

export interface RuleGroupSpec {
  readonly file: string;
  readonly name: string;
  /** Undefined: the configuration's `evaluation_interval`. */
  readonly intervalMs: number | undefined;
  readonly queryOffsetMs: number | undefined;
  /** Most alerts or series of one rule; 0 for no limit. */
  readonly limit: number;
  readonly rules: readonly (RecordingSpec | AlertingSpec)[];
}

/** @throws ConfigError naming the file and every wrong line. */
export async function loadRuleFile(path: string): Promise<RuleGroupSpec[]> {
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > RULE_FILE_BYTES_MAX) throw new Error(`${size} bytes; the limit is ${RULE_FILE_BYTES_MAX}`);
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new ConfigError(`${path}: ${(error as Error).message}`);
  }
  return parseRuleFile(text, path);
}

/** Reads the text of a rule file. @throws ConfigError naming the file and every wrong line. */
export function parseRuleFile(text: string, file: string): RuleGroupSpec[] {
  const reader = readYaml(text, file);
  const names = new Set<string>();
  const groups = (reader.list("groups") ?? []).map((group) => {
    const spec = readGroup(group, file);
    if (spec.name === "") group.problems.add(group.node, "Groupname must not be empty");
    if (names.has(spec.name)) {
      group.problems.add(group.node, `groupname: "${spec.name}" is repeated in the same file`);
    }
    names.add(spec.name);
    return spec;
  });
  reader.finish("rulefmt.RuleGroups");
  reader.problems.throwIfAny();
  return groups;
}

function readGroup(reader: YamlReader, file: string): RuleGroupSpec {
  const name = reader.string("name") ?? "";
  const intervalMs = reader.durationMs("interval") || undefined;
  const queryOffsetMs = reader.durationMs("query_offset");
  const limit = reader.count("limit") ?? 0;
  const shared = reader.stringMap("labels") ?? [];
  const entries = reader.list("rules") ?? [];
  if (entries.length > RULES_PER_GROUP_MAX) {
    reader.problems.add(reader.at("rules"), `${entries.length} rules; the limit of a group is ${RULES_PER_GROUP_MAX}`);
  }
  const rules = entries.flatMap((entry) => {
    const rule = readRule(entry, shared);
    return rule === undefined ? [] : [rule];
  });
  reader.finish("rulefmt.RuleGroup", ["partial_response_strategy"]);
  return { file, name, intervalMs, queryOffsetMs, limit, rules };
}

function readRule(
  reader: YamlReader,
  shared: readonly (readonly [string, string])[],
): RecordingSpec | AlertingSpec | undefined {
  const record = reader.string("record");
  const alert = reader.string("alert");
  const expression = reader.string("expr") ?? "";
  const holdMs = reader.durationMs("for") ?? 0;
  const keepFiringMs = reader.durationMs("keep_firing_for") ?? 0;
  const own = reader.stringMap("labels") ?? [];
  const annotations = reader.stringMap("annotations") ?? [];
  reader.finish("rulefmt.Rule");
  const complain = (field: string, text: string): void => reader.problems.add(reader.at(field), text);
  if (record !== undefined && alert !== undefined) complain("alert", "only one of 'record' and 'alert' must be set");
  if (record === undefined && alert === undefined) complain("expr", "one of 'record' or 'alert' must be set");
  checkExpression(reader, expression);
  const labels = [...new Map([...shared, ...own])];
  for (const [name] of labels) {
    if (!LABEL_NAME.test(name) || name === "__name__") complain("labels", `invalid label name: ${name}`);
  }
  if (record !== undefined) {
    if (holdMs > 0) complain("for", "invalid field 'for' in recording rule");
    if (keepFiringMs > 0) complain("keep_firing_for", "invalid field 'keep_firing_for' in recording rule");
    if (annotations.length > 0) complain("annotations", "invalid field 'annotations' in recording rule");
    if (!METRIC_NAME.test(record)) complain("record", `invalid recording rule name: ${record}`);
    return { kind: "recording", name: record, expression, labels };
  }
  if (alert === undefined) return undefined;
  return {
    kind: "alerting",
    name: alert,
    expression,
    holdMs,
    keepFiringMs,
    labels: templates(reader, "labels", labels),
    annotations: templates(reader, "annotations", annotations),
  };
}

function checkExpression(reader: YamlReader, expression: string): void {
  if (expression.trim() === "") {
    reader.problems.add(reader.at("expr"), "field 'expr' must be set in rule");
    return;
  }
  try {
    parsePromql(expression);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    reader.problems.add(reader.at("expr"), `could not parse expression: ${error.message}`);
  }
}

function templates(
  reader: YamlReader,
  field: string,
  entries: readonly (readonly [string, string])[],
): TemplatedText[] {
  return entries.flatMap(([name, text]) => {
    try {
      return [{ name, text, template: new Template(text) }];
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      reader.problems.add(reader.at(field), `${field.slice(0, -1)} ${JSON.stringify(name)}: ${error.message}`);
      return [];
    }
  });
}
