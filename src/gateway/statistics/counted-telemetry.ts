import type { RequestRecord } from "../request-record.ts";
import type { GatewayTelemetry } from "../telemetry/index.ts";
import type { RequestStatistics } from "./request-statistics.ts";

/** Telemetry that lets the statistics see each finished request first; a worker's arrive at its primary the same way. */
export function countedTelemetry(telemetry: GatewayTelemetry, statistics: RequestStatistics): GatewayTelemetry {
  return {
    ...telemetry,
    requestFinished(record: RequestRecord) {
      statistics.add(record);
      telemetry.requestFinished(record);
    },
  };
}
