import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { catalogue } from "./catalogue.ts";
import { metricsPage } from "./metrics-page.ts";
import { undeclared } from "./undeclared.ts";

const root = resolve(import.meta.dirname, "../../..");
const page = readFileSync(resolve(root, "docs/metrics.md"), "utf8");

test("docs/metrics.md is what `npm run docs:metrics` writes", async () => {
  expect(page).toBe(await metricsPage(root, page));
});

test("every metric has a row, and every row of a metric names who writes it", async () => {
  const rows = page.split("\n").filter((line) => line.startsWith("| `"));
  for (const name of Object.keys(catalogue)) {
    const row = rows.find((line) => line.startsWith(`| \`${name}\` |`));
    expect(row, name).toBeDefined();
    expect(row!.split(" | ").at(-1), name).toMatch(/^[\w/.-]+\.ts(, [\w/.-]+\.ts)* \|$/);
  }
  for (const name of Object.keys(undeclared)) expect(page).toContain(`| \`${name}\` |`);
});

test("a page without its marks is refused rather than overwritten", async () => {
  await expect(metricsPage(root, "# Metrics")).rejects.toThrow("lost its marks");
});
