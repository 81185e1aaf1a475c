import type { BreakerState } from "../request-record.ts";
import type { HourSummary } from "./provider-stats.ts";
import { formatLabels, formatNumber } from "./text-format.ts";

export const BREAKER_STATES: readonly BreakerState[] = ["closed", "open", "half_open"];

export interface ProviderRow {
  readonly name: string;
  readonly breaker: BreakerState;
  readonly healthScore: number;
  readonly hour: HourSummary;
}

/**
 * `GET /prometheus/data/metrics` of contract section 1, text format. `provider_availability` is a percentage here and
 * 0 or 1 on `/metrics`, as it always was; scrape the two under different jobs.
 */
export function providerDataPage(rows: readonly ProviderRow[]): string {
  const lines: string[] = [];
  const write = (name: string, help: string, read: (row: ProviderRow) => number): void => {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`);
    for (const row of rows) lines.push(`${name}{${formatLabels(["provider"], [row.name])}} ${formatNumber(read(row))}`);
  };
  write("health_score", "Health score of a provider, 0 to 100.", (row) => row.healthScore);
  lines.push("# HELP circuit_breaker_state 1 for the breaker's state.", "# TYPE circuit_breaker_state gauge");
  for (const row of rows) {
    for (const state of BREAKER_STATES) {
      const text = formatLabels(["provider", "state"], [row.name, state]);
      lines.push(`circuit_breaker_state{${text}} ${row.breaker === state ? 1 : 0}`);
    }
  }
  write("error_rate", "Share of failed calls in the last hour, 0 to 1.", (row) => row.hour.errorRate);
  write("provider_availability", "Calls of the last hour that succeeded, percent.", (row) =>
    row.breaker === "open" ? 0 : 100 * (1 - row.hour.errorRate),
  );
  write("total_requests", "Calls of the last hour.", (row) => row.hour.requests);
  write("avg_latency_ms", "Mean response time of the last hour.", (row) => row.hour.latencyMeanMs);
  lines.push(
    "# HELP gatewayz_data_scrape_success 1 when this page could be written.",
    "# TYPE gatewayz_data_scrape_success gauge",
    "gatewayz_data_scrape_success 1",
  );
  return `${lines.join("\n")}\n`;
}
