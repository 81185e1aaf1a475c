import { compileRegex, type Regex, RegexError } from "../../series/regex.ts";
import type { YamlReader } from "./yaml-reader.ts";

const RELABEL_ACTIONS = [
  "replace",
  "keep",
  "drop",
  "keepequal",
  "dropequal",
  "hashmod",
  "labelmap",
  "labeldrop",
  "labelkeep",
  "lowercase",
  "uppercase",
] as const;
type RelabelAction = (typeof RELABEL_ACTIONS)[number];

/** One step of relabelling. Source: Prometheus configuration reference, `<relabel_config>`. */
export interface RelabelRule {
  readonly sourceLabels: readonly string[];
  readonly separator: string;
  /** Matches the whole value. */
  readonly regex: Regex;
  readonly modulus: number;
  readonly targetLabel: string;
  readonly replacement: string;
  readonly action: RelabelAction;
}

const RELABEL_DEFAULT_REGEX = "(.*)";
const RELABEL_DEFAULT_SEPARATOR = ";";
const RELABEL_DEFAULT_REPLACEMENT = "$1";

const NEEDS_TARGET: ReadonlySet<RelabelAction> = new Set([
  "replace",
  "keepequal",
  "dropequal",
  "hashmod",
  "lowercase",
  "uppercase",
]);

/** Reads a list of relabel rules; what is wrong goes to the reader's problems. */
export function readRelabelRules(parent: YamlReader, field: string): RelabelRule[] {
  return (parent.list(field) ?? []).flatMap((reader) => {
    const rule = readRule(reader);
    return rule === undefined ? [] : [rule];
  });
}

function readRule(reader: YamlReader): RelabelRule | undefined {
  const action = (reader.string("action") ?? "replace").toLowerCase();
  const pattern = reader.string("regex");
  const rule = {
    sourceLabels: reader.strings("source_labels") ?? [],
    separator: reader.string("separator") ?? RELABEL_DEFAULT_SEPARATOR,
    modulus: reader.count("modulus") ?? 0,
    targetLabel: reader.string("target_label") ?? "",
    replacement: reader.has("replacement") ? (reader.string("replacement") ?? "") : RELABEL_DEFAULT_REPLACEMENT,
  };
  reader.string("replacement");
  reader.finish("relabel.plain");
  if (!isAction(action)) {
    reader.problems.add(reader.at("action"), `unknown relabel action ${JSON.stringify(action)}`);
    return undefined;
  }
  const regex = compile(reader, pattern ?? RELABEL_DEFAULT_REGEX);
  if (regex === undefined) return undefined;
  const complaint = check({ ...rule, action });
  if (complaint === undefined) return { ...rule, regex, action };
  reader.problems.add(reader.node, complaint);
  return undefined;
}

function compile(reader: YamlReader, pattern: string): Regex | undefined {
  try {
    return compileRegex(pattern);
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    reader.problems.add(reader.at("regex"), error.message);
    return undefined;
  }
}

function check(rule: Omit<RelabelRule, "regex" | "separator">): string | undefined {
  const { action, targetLabel, modulus, sourceLabels } = rule;
  if (targetLabel === "" && NEEDS_TARGET.has(action)) {
    return `relabel configuration for ${action} action requires 'target_label' value`;
  }
  if (modulus === 0 && action === "hashmod") return "relabel configuration for hashmod requires non-zero modulus";
  if ((action === "keepequal" || action === "dropequal") && sourceLabels.length === 0) {
    return `relabel configuration for ${action} action requires 'source_labels' value`;
  }
  return undefined;
}

function isAction(text: string): text is RelabelAction {
  return (RELABEL_ACTIONS as readonly string[]).includes(text);
}
