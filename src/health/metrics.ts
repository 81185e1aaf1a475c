import { Counter, Gauge, type Registry } from "prom-client";
import type { Check } from "./check.ts";
import type { IncidentMoves } from "./health-book.ts";
import type { Incident } from "./incidents.ts";
import type { ModelState } from "./model-state.ts";
import type { Rollup } from "./rollup.ts";

/** What the gauges are refreshed from at each scrape. */
export interface MetricsSource {
  rollup(): Rollup;
  models(): readonly ModelState[];
  openIncidents(): readonly Incident[];
}

/** Tracked models that have series of their own; a catalogue of thousands would be one. */
const MODEL_SERIES_MAX = 500;

/** The health service's own metrics: what it did, and what it knows per model, as other documents ask for by name. */
export class HealthMetrics {
  readonly #checks: Counter<"kind" | "status">;
  readonly #opened: Counter<"incident_type">;
  readonly #resolved: Counter<"incident_type">;
  readonly #storeErrors: Counter;
  readonly #rejected: Counter;

  constructor(registry: Registry, source: MetricsSource) {
    const registers = [registry];
    const counter = <Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> =>
      new Counter({ name, help, labelNames, registers });
    this.#checks = counter("health_checks_total", "Results taken, of probes and of customers' calls.", [
      "kind",
      "status",
    ]);
    this.#opened = counter("health_incidents_opened_total", "Incidents opened.", ["incident_type"]);
    this.#resolved = counter("health_incidents_resolved_total", "Incidents resolved.", ["incident_type"]);
    this.#storeErrors = counter("health_store_errors_total", "Writes to the database that failed.", []);
    this.#rejected = counter("health_results_rejected_total", "Reported results that were not valid.", []);
    this.#modelGauges(registry, source);
    const incidents = new Gauge({
      name: "gatewayz_detected_anomalies",
      help: "Open incidents by type.",
      labelNames: ["type"],
      registers,
      collect() {
        incidents.reset();
        for (const type of ["outage", "timeout", "rate_limit", "authentication", "unavailable"])
          incidents.set({ type }, 0);
        for (const incident of source.openIncidents()) incidents.inc({ type: incident.incidentType });
      },
    });
  }

  #modelGauges(registry: Registry, source: MetricsSource): void {
    const registers = [registry];
    const tracked = (): readonly ModelState[] =>
      source
        .models()
        .filter((state) => state.enabled && state.lastStatus !== undefined)
        .slice(0, MODEL_SERIES_MAX);
    const availability = new Gauge({
      name: "model_availability",
      help: "100 when the model's last check succeeded, else 0.",
      labelNames: ["provider", "model"],
      registers,
      collect() {
        availability.reset();
        for (const { provider, model, lastStatus } of tracked()) {
          availability.set({ provider, model }, lastStatus === "success" ? 100 : 0);
        }
      },
    });
    const uptime = new Gauge({
      name: "gatewayz_model_uptime_24h",
      help: "Percent of checks of the last 24 hours that succeeded.",
      labelNames: ["provider", "model"],
      registers,
      collect() {
        uptime.reset();
        for (const { provider, model, uptime24h } of tracked()) uptime.set({ provider, model }, uptime24h);
      },
    });
    const gateways = new Gauge({
      name: "gateway_health_status",
      help: "100 when at least one provider of the gateway is online, else 0.",
      labelNames: ["gateway"],
      registers,
      collect() {
        gateways.reset();
        for (const { gateway, healthy } of source.rollup().gateways) gateways.set({ gateway }, healthy ? 100 : 0);
      },
    });
  }

  countChecks(checks: readonly Check[], moves: IncidentMoves): void {
    for (const { kind, status } of checks) this.#checks.inc({ kind, status });
    for (const { incidentType } of moves.opened) this.#opened.inc({ incident_type: incidentType });
    for (const { incidentType } of moves.resolved) this.#resolved.inc({ incident_type: incidentType });
  }

  countStoreError(): void {
    this.#storeErrors.inc();
  }

  countRejected(count: number): void {
    this.#rejected.inc(count);
  }
}
