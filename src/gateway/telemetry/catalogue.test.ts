import { expect, test } from "vitest";
import { catalogue } from "./catalogue.ts";
import type { MetricSpec } from "./metric-spec.ts";
import { undeclared } from "./undeclared.ts";

const specs = Object.entries(catalogue as Record<string, MetricSpec>);

test("buckets ascend, names and labels are valid", () => {
  for (const [name, spec] of specs) {
    expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
    for (const label of spec.labels) expect(label).toMatch(/^[a-z][a-z0-9_]*$/);
    const bounds = spec.buckets ?? [];
    expect([...bounds].sort((a, b) => a - b)).toEqual(bounds);
    expect(new Set(bounds).size).toBe(bounds.length);
    expect(spec.type === "histogram").toBe(bounds.length > 0);
    expect(spec.help).toMatch(/^\S.*\.$/);
  }
});

test("no more than fifteen names of the interface are left out, and none of them is exported", () => {
  expect(Object.keys(undeclared).length).toBeLessThanOrEqual(15);
  for (const name of Object.keys(undeclared)) expect(catalogue).not.toHaveProperty(name);
});
