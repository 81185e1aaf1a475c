import { Gauge, type Registry } from "prom-client";
import * as limits from "./limits.ts";

/** Shows every limit of this role, so that a dashboard can draw it beside what it bounds. */
export function exportLimits(registry: Registry): void {
  const gauge = new Gauge({
    name: "gatewayz_metrics_limit",
    help: "Limits of the metrics role, by name; units are in the names.",
    labelNames: ["limit"],
    registers: [registry],
  });
  for (const [name, value] of Object.entries(limits)) gauge.set({ limit: name.toLowerCase() }, value);
}
