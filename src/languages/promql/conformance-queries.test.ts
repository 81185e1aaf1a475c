import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse as parseYaml } from "yaml";
import { ParseError } from "./error.ts";
import { formatExpr } from "./format.ts";
import { parsePromql } from "./parse.ts";
import { conformanceFolder } from "./promqltest/conformance-folder.ts";

interface Query {
  readonly where: string;
  readonly text: string;
}

/** Panel targets of the dashboards whose source is Prometheus, with Grafana's variables filled in. */
function dashboardQueries(folder: string): Query[] {
  const queries: Query[] = [];
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".json"))) {
    const visit = (node: unknown, panel: string, source: string): void => {
      if (Array.isArray(node)) for (const item of node) visit(item, panel, source);
      if (node === null || typeof node !== "object" || Array.isArray(node)) return;
      const record = node as Record<string, unknown>;
      const own = (record["datasource"] as { type?: string } | undefined)?.type ?? source;
      const title = typeof record["title"] === "string" ? record["title"] : panel;
      const { expr } = record;
      if (typeof expr === "string" && expr !== "" && own === "prometheus")
        queries.push({ where: `${file}: ${title}`, text: substitute(expr) });
      for (const value of Object.values(record)) visit(value, title, own);
    };
    visit(JSON.parse(readFileSync(join(folder, file), "utf8")), "", "prometheus");
  }
  return queries;
}

function substitute(text: string): string {
  return text
    .replace(/\$(?:__rate_interval|__interval|__range|\{__rate_interval\}|\{__interval\}|\{__range\})/g, "5m")
    .replace(/\$\{\w+(?::\w+)?\}|\$[a-zA-Z_]\w*/g, "value");
}

function ruleQueries(folder: string): Query[] {
  const queries: Query[] = [];
  for (const file of readdirSync(folder).filter((name) => name.startsWith("prometheus-"))) {
    const { groups } = parseYaml(readFileSync(join(folder, file), "utf8")) as {
      groups: { name: string; rules: { expr: string; record?: string; alert?: string }[] }[];
    };
    for (const { name, rules } of groups)
      for (const { expr, record, alert } of rules)
        queries.push({ where: `${file}: ${name}/${record ?? alert}`, text: expr });
  }
  return queries;
}

function refused(queries: readonly Query[]): string[] {
  return queries.flatMap(({ where, text }) => {
    try {
      parsePromql(text);
      return [];
    } catch (error) {
      if (!(error instanceof ParseError)) throw error;
      return [`${where}: ${error.message}\n    ${text.replace(/\s+/g, " ")}`];
    }
  });
}

const dashboards = conformanceFolder("dashboards");
test.skipIf(dashboards === undefined)(
  "the queries of the real dashboards parse, but for those broken by their authors",
  () => {
    const queries = dashboardQueries(dashboards!);
    const bad = refused(queries);
    console.log(`${queries.length} dashboard queries, ${bad.length} refused:\n  ${bad.join("\n  ")}`);
    // promtool 2.42 refuses the same 13 of these, with the same sentences.
    expect(bad).toHaveLength(13);
    for (const line of bad) expect(line).toMatch(/unexpected <by>/);
  },
);

const rules = conformanceFolder("rules");
test.skipIf(rules === undefined)("the expressions of the real rules all parse", () => {
  const queries = ruleQueries(rules!);
  expect(queries.length).toBeGreaterThanOrEqual(45);
  expect(refused(queries)).toEqual([]);
});

test.skipIf(dashboards === undefined || rules === undefined)(
  "what the formatter prints parses to the same again",
  () => {
    for (const { text } of [...dashboardQueries(dashboards!), ...ruleQueries(rules!)]) {
      if (refused([{ where: "", text }]).length > 0) continue;
      const printed = formatExpr(parsePromql(text));
      expect(formatExpr(parsePromql(printed))).toBe(printed);
    }
  },
);
