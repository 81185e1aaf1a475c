import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { HealthMetrics } from "./metrics.ts";
import { newModelState } from "./model-state.ts";
import { rollUp } from "./rollup/rollup.ts";

const target = { provider: "p", model: 'a"b', gateway: "p" };
const models = [
  { ...newModelState(target, 0), lastStatus: "success" as const, uptime24h: 99.5 },
  { ...newModelState({ ...target, model: "unchecked" }, 0) },
];

function create(): Registry {
  const registry = new Registry();
  new HealthMetrics(registry, {
    rollup: () => rollUp(models, 0),
    models: () => models,
    openIncidents: () => [],
    databaseUp: () => true,
    alertsWaiting: () => 0,
  });
  return registry;
}

test("the reference lists exactly these metrics", async () => {
  const page = readFileSync(resolve(import.meta.dirname, "../../docs/metrics.md"), "utf8");
  const rows = page.split("\n").flatMap((line) => {
    const cells = line.startsWith("| `") ? line.slice(1, -1).split(" | ") : [];
    return cells.length === 3 ? [cells.map((cell) => cell.trim().replaceAll("`", ""))] : [];
  });
  const declared = await create().getMetricsAsJSON();
  expect(rows).toEqual(declared.map(({ name, type, help }) => [name, String(type), help]));
});

test("only checked models have series", async () => {
  const lines = (await create().metrics()).split("\n");
  expect(lines).toContain('gatewayz_model_uptime_24h{provider="p",model="a\\"b"} 99.5');
  expect(lines).toContain('gateway_health_status{gateway="p"} 100');
  expect(lines).toContain('gatewayz_detected_anomalies{type="outage"} 0');
  expect(lines.join("\n")).not.toContain("unchecked");
});
