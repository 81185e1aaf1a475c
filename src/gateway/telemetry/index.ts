import type { RoleContext } from "../../runtime/role.ts";
import type { Telemetry } from "../request-record.ts";

export interface TelemetryOptions {
  /** Provider names known at the start, so that their breaker and availability gauges exist before anything fails. */
  readonly providers?: readonly string[];
}

/** Telemetry's doors, plus what the gateway's HTTP routes serve from it. */
export interface GatewayTelemetry extends Telemetry {
  /** `GET /metrics`: OpenMetrics with exemplars when `accept` asks for it, else the text format. */
  metrics(accept: string | undefined): Promise<{ contentType: string; body: string }>;
  /** `GET /prometheus/data/metrics`: per-provider gauges of the last hour, text format. */
  dataMetrics(): { contentType: string; body: string };
  /** Sends what is queued (bounded by the push timeout), then stops. */
  close(): Promise<void>;
}

/** The only place that knows metrics, log lines and spans. Nothing it does throws into, or waits for, the request. */
export function createTelemetry(context: RoleContext, _options: TelemetryOptions = {}): GatewayTelemetry {
  return {
    requestStarted() {},
    requestFinished() {},
    event() {},
    async metrics() {
      return { contentType: context.registry.contentType, body: await context.registry.metrics() };
    },
    dataMetrics() {
      return { contentType: context.registry.contentType, body: "" };
    },
    async close() {},
  };
}
