import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse as parseYaml } from "yaml";
import { parse } from "../../languages/logql/parse.ts";
import { ParseError } from "../../languages/logql/parse-error.ts";
import { parseRuleFile } from "../rules/rule-file.ts";
import { entry, evaluateAt, findLines, openTestStore, stream, type TestStore } from "../testing.ts";

const root = resolve(import.meta.dirname, "../../..");
const folder = resolve(root, process.env["GATEWAYZ_CONFORMANCE_DIR"] ?? "../shared/conformance");
const present = existsSync(join(folder, "dashboards"));
if (!present) console.warn(`skipped: no conformance data in ${folder}; set GATEWAYZ_CONFORMANCE_DIR`);

/** What a dashboard's variables stand for; the longer names first, so that `$__interval` is not read as `$__i…`. */
const VARIABLES: Readonly<Record<string, string>> = {
  $__rate_interval: "1m",
  $__interval: "30s",
  $__range: "1h",
  $__auto: "1m",
  $environment: ".*",
  $log_level: "INFO|ERROR",
  $provider: ".+",
  $search: "",
  $level: ".+",
  $model: ".+",
  $app: "gatewayz",
};

/** LogQL has no such function, or reads no metrics: Loki refuses these, and so do we. */
const INVALID = /clamp_min|_over_time\(loki:/;

function dashboardQueries(): string[] {
  const queries = new Set<string>();
  const walk = (value: unknown, source: string): void => {
    if (Array.isArray(value)) for (const item of value) walk(item, source);
    else if (typeof value === "object" && value !== null) {
      const { datasource, expr } = value as { datasource?: { type?: string; uid?: string } | string; expr?: unknown };
      const own = typeof datasource === "string" ? datasource : `${datasource?.type ?? ""} ${datasource?.uid ?? ""}`;
      const inForce = own.trim() === "" ? source : own;
      if (typeof expr === "string" && inForce.includes("loki")) queries.add(expr);
      for (const item of Object.values(value)) walk(item, inForce);
    }
  };
  for (const file of readdirSync(join(folder, "dashboards"))) {
    walk(JSON.parse(readFileSync(join(folder, "dashboards", file), "utf8")), "");
  }
  return [...queries].map((query) =>
    Object.entries(VARIABLES).reduce((text, [name, value]) => text.replaceAll(name, value), query),
  );
}

function ruleQueries(): string[] {
  const { groups } = parseYaml(readFileSync(join(folder, "rules/loki-recording.yml"), "utf8")) as {
    groups: { rules: { expr: string }[] }[];
  };
  return groups.flatMap(({ rules }) => rules.map(({ expr }) => expr));
}

const queries = present ? [...dashboardQueries(), ...ruleQueries()] : [];
const nowMs = Date.now();
let testStore: TestStore;

beforeAll(async () => {
  testStore = await openTestStore();
  const line =
    '{"level":"ERROR","message":"POST /v1/chat/completions timeout, circuit breaker open","error_type":"timeout"}';
  const labels = {
    app: "gatewayz",
    env: "demo",
    level: "ERROR",
    provider: "openai",
    model: "gpt-4o-mini",
    path: "/v1",
  };
  const entries = Array.from({ length: 200 }, (_, index) =>
    entry(nowMs - 1_000 * (index + 1), line, { trace_id: `${index}` }),
  );
  await testStore.store.append([stream(labels, ...entries)]);
});
afterAll(() => testStore.dispose());

test.skipIf(!present)("the conformance data holds queries of both kinds", () => {
  expect(queries.length).toBeGreaterThan(70);
});

for (const query of queries.filter((text) => !INVALID.test(text))) {
  test(`evaluates ${query.replace(/\s+/g, " ").slice(0, 120)}`, async () => {
    const expr = parse(query);
    if (expr.kind === "log") await findLines(testStore.store, query, nowMs - 3_600_000, nowMs);
    else await evaluateAt(testStore.store, query, { startMs: nowMs - 3_600_000, stepMs: 60_000, steps: 61 });
  });
}

for (const query of queries.filter((text) => INVALID.test(text))) {
  test(`refuses ${query.replace(/\s+/g, " ").slice(0, 120)}`, () => {
    expect(() => parse(query)).toThrow(ParseError);
  });
}

test("the shipped rules evaluate, and find what the sample lines say", async () => {
  const rules = parseRuleFile("loki-recording.yml", readFileSync(join(root, "rules/loki-recording.yml"), "utf8"));
  const values = new Map<string, number | undefined>();
  for (const { record, query } of rules.flatMap((group) => group.rules)) {
    const series = await evaluateAt(testStore.store, query, { startMs: nowMs, stepMs: 1, steps: 1 });
    values.set(record, Object.values(series)[0]?.[0]);
  }
  expect(values.get("loki:errors:timeout:count_per_5m")).toBe(200);
  expect(values.get("loki:logs:error_ratio:percentage")).toBe(100);
  expect(values.get("loki:provider:error_ratio:percentage:1h_avg")).toBe(100);
  expect(values.get("loki:http:slow_requests:count_per_5m")).toBe(0);
  expect(values.get("loki:errors:count_per_minute:1h_avg")).toBeCloseTo(200 / 60);
});

test.skipIf(!present)("the shipped rules record the names of the real ones", () => {
  const namesOf = (text: string): string[] => [...text.matchAll(/record: (\S+)/g)].map((match) => match[1]!).sort();
  const ours = readFileSync(join(root, "rules/loki-recording.yml"), "utf8");
  expect(namesOf(ours)).toEqual(namesOf(readFileSync(join(folder, "rules/loki-recording.yml"), "utf8")));
});
