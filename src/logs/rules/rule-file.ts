import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse as parseYaml } from "yaml";
import * as z from "zod";
import { parseDurationMs } from "../../config/duration.ts";
import type { MetricExpr } from "../../languages/logql/ast.ts";
import { parse } from "../../languages/logql/parse.ts";

/** Interval of a group that names none: Loki's `ruler.evaluation_interval`. */
const INTERVAL_DEFAULT_MS = 60_000;
/** Rules of one file, at most. */
const RULES_MAX = 2_000;

/** One recording rule. */
export interface RecordingRule {
  readonly record: string;
  /** As written. */
  readonly query: string;
  readonly expr: MetricExpr;
  readonly labels: Readonly<Record<string, string>>;
}

/** Rules that are evaluated together, in order. */
export interface RuleGroup {
  readonly name: string;
  readonly file: string;
  readonly intervalMs: number;
  readonly rules: readonly RecordingRule[];
}

const ruleSchema = z.strictObject({
  record: z.string().regex(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/, "must be a metric name"),
  expr: z.string(),
  labels: z.record(z.string(), z.string()).default({}),
});
const fileSchema = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string().min(1),
      interval: z.string().optional(),
      limit: z.number().optional(),
      rules: z.array(ruleSchema).max(RULES_MAX),
    }),
  ),
});

/** Reads every `loki-*.yml` of a folder; none where there is no folder. @throws Error naming file and rule. */
export async function readRuleFolder(dir: string): Promise<RuleGroup[]> {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const groups: RuleGroup[] = [];
  for (const name of names.filter((file) => /^loki-.*\.ya?ml$/.test(file)).sort()) {
    groups.push(...parseRuleFile(name, await readFile(join(dir, name), "utf8")));
  }
  return groups;
}

/** @throws Error naming the file, and the rule where one is at fault. */
export function parseRuleFile(file: string, text: string): RuleGroup[] {
  const parsed = fileSchema.safeParse(parseYaml(text, { maxAliasCount: 100 }));
  if (!parsed.success) throw new Error(`${file}: ${z.prettifyError(parsed.error)}`);
  return parsed.data.groups.map(({ name, interval, rules }) => {
    const intervalMs = interval === undefined ? INTERVAL_DEFAULT_MS : parseDurationMs(interval);
    if (intervalMs === undefined || intervalMs < 1_000)
      throw new Error(`${file}: group ${name}: bad interval ${interval}`);
    return {
      name,
      file,
      intervalMs,
      rules: rules.map(({ record, expr, labels }) => ({
        record,
        query: expr.trim(),
        expr: readExpr(file, record, expr),
        labels,
      })),
    };
  });
}

function readExpr(file: string, record: string, text: string): MetricExpr {
  try {
    const expr = parse(text);
    if (expr.kind === "log") throw new Error("a recording rule needs a metric query, not one that selects lines");
    return expr;
  } catch (error) {
    throw new Error(`${file}: rule ${record}: ${(error as Error).message}`);
  }
}
