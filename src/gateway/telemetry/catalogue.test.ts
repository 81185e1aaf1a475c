import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { HealthFamily } from "../health-collector/metrics.ts";
import { catalogue } from "./catalogue.ts";
import type { MetricSpec } from "./metric-spec.ts";

const page = readFileSync(resolve(import.meta.dirname, "../../../docs/reference/metrics.md"), "utf8");

/** Rows of the page's tables with this many cells: name → the other cells. */
function rows(cells: number): Record<string, string[]> {
  const found = page
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) =>
      line
        .slice(1, -1)
        .split(" | ")
        .map((cell) => cell.trim()),
    )
    .filter((row) => row.length === cells);
  return Object.fromEntries(found.map(([name, ...rest]) => [name!.replaceAll("`", ""), rest]));
}

const list = (items: readonly unknown[] | undefined): string => items?.join(", ") || "-";

test("the reference lists exactly the catalogue", () => {
  const declared = Object.entries(catalogue as Record<string, MetricSpec>).map(([name, spec]) => {
    const source = "fed" in spec.source ? spec.source.fed : `none: ${spec.source.off}`;
    return [name, [spec.type, list(spec.labels), list(spec.buckets), source]];
  });
  expect(rows(5)).toEqual(Object.fromEntries(declared));
});

test("the reference lists exactly the health service's family", async () => {
  const registry = new Registry();
  new HealthFamily(registry);
  const declared = (await registry.getMetricsAsJSON()).map(({ name, type, help }) => {
    const { labelNames } = registry.getSingleMetric(name) as unknown as { labelNames: string[] };
    return [name, [String(type), list(labelNames), help]];
  });
  expect(rows(4)).toEqual(Object.fromEntries(declared));
});

test("buckets ascend, names and labels are valid", () => {
  for (const [name, spec] of Object.entries(catalogue as Record<string, MetricSpec>)) {
    expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
    for (const label of spec.labels) expect(label).toMatch(/^[a-z][a-z0-9_]*$/);
    const bounds = spec.buckets ?? [];
    expect([...bounds].sort((a, b) => a - b)).toEqual(bounds);
  }
});
