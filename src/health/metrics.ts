import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { DatabaseObserver } from "../database/observer.ts";
import type { AlertType } from "./alerts/alert.ts";
import type { ChannelName } from "./alerts/channel.ts";
import type { Check } from "./check.ts";
import type { IncidentMoves } from "./health-book.ts";
import type { Incident } from "./incidents/incidents.ts";
import type { ModelState } from "./model-state.ts";
import { TIER_NAMES } from "./probes/tiers.ts";
import type { Rollup } from "./rollup/rollup.ts";

/** What the gauges are refreshed from at each scrape. */
export interface MetricsSource {
  rollup(): Rollup;
  models(): readonly ModelState[];
  openIncidents(): readonly Incident[];
  /** False while the database cannot be used. */
  databaseUp(): boolean;
  /** Notifications that wait to be sent. */
  alertsWaiting(): number;
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
  readonly #probes: Counter<"result">;
  readonly #probeSeconds: Histogram;
  readonly #locks: Counter<"kind" | "result">;
  readonly #alerts: Counter<"kind" | "type">;
  readonly #deliveries: Counter<"channel" | "result">;
  readonly #querySeconds: Histogram<"table" | "operation">;
  readonly #queryErrors: Counter<"type">;

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
    this.#probes = counter("health_probes_total", "Probes sent, by what they found.", ["result"]);
    this.#probeSeconds = new Histogram({
      name: "health_probe_duration_seconds",
      help: "Time until the gateway answered a probe.",
      buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      registers,
    });
    this.#locks = counter(
      "health_probe_locks_total",
      "Locks asked for before a probe: taken, busy (another service probes the model) or error.",
      ["kind", "result"],
    );
    this.#alerts = counter("health_alerts_total", "Alerts that began, ended, or waited because there were many.", [
      "kind",
      "type",
    ]);
    this.#deliveries = counter("health_alert_deliveries_total", "Notifications by channel and how it went.", [
      "channel",
      "result",
    ]);
    this.#querySeconds = new Histogram({
      name: "health_database_query_duration_seconds",
      help: "Time of one statement.",
      labelNames: ["table", "operation"],
      buckets: [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
      registers,
    });
    this.#queryErrors = counter("health_database_errors_total", "Statements and connections that failed.", ["type"]);
    this.#stateGauges(registry, source);
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

  #stateGauges(registry: Registry, source: MetricsSource): void {
    const registers = [registry];
    const up: Gauge = new Gauge({
      name: "health_database_up",
      help: "1 while the database can be used, else 0.",
      registers,
      collect: () => up.set(source.databaseUp() ? 1 : 0),
    });
    const waiting: Gauge = new Gauge({
      name: "health_alerts_waiting",
      help: "Notifications that wait to be sent.",
      registers,
      collect: () => waiting.set(source.alertsWaiting()),
    });
    const tiers = new Gauge({
      name: "health_models",
      help: "Watched models by tier.",
      labelNames: ["tier"],
      registers,
      collect() {
        tiers.reset();
        for (const tier of TIER_NAMES) tiers.set({ tier }, 0);
        for (const { tier, enabled } of source.models()) if (enabled) tiers.inc({ tier });
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

  /** @param result A status, or `inconclusive` when the answer says nothing about the model. */
  countProbe(result: Check["status"] | "inconclusive", responseTimeMs: number | undefined): void {
    this.#probes.inc({ result });
    if (responseTimeMs !== undefined) this.#probeSeconds.observe(responseTimeMs / 1_000);
  }

  countLock(kind: "redis" | "database", result: "taken" | "busy" | "error"): void {
    this.#locks.inc({ kind, result });
  }

  countAlert(kind: "fired" | "resolved" | "suppressed", type: AlertType): void {
    this.#alerts.inc({ kind, type });
  }

  countDelivery(channel: ChannelName, result: "sent" | "failed" | "dropped" | "retried"): void {
    this.#deliveries.inc({ channel, result });
  }

  /** What the database tells about its statements. */
  get databaseObserver(): DatabaseObserver {
    return {
      query: ({ table, operation, seconds, error }) => {
        this.#querySeconds.observe({ table, operation }, seconds);
        if (error !== undefined) this.#queryErrors.inc({ type: error });
      },
      poolError: (type) => this.#queryErrors.inc({ type }),
    };
  }

  countStoreError(): void {
    this.#storeErrors.inc();
  }

  countRejected(count: number): void {
    this.#rejected.inc(count);
  }
}
