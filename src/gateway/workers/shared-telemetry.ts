import type { Gateway } from "../gateway.ts";
import type { RequestRecord } from "../request-record.ts";
import type { GatewayTelemetry, SharedTelemetry, TelemetryDelta } from "../telemetry/index.ts";
import type { Channel, Handler } from "./channel.ts";

/** How often a worker tells what it counted; a scrape asks for it in between. */
const TELL_INTERVAL_MS = 500;

/**
 * A worker's telemetry. It writes its own log lines and spans; what it counts goes to the primary as differences, so
 * that `/metrics` is one page and a dead worker's numbers stay. Records follow for the statistics and `GET /v1/requests`.
 */
export function workerTelemetry(own: SharedTelemetry, channel: () => Channel): GatewayTelemetry {
  const timer = setInterval(() => channel().tell("counted", own.drain()), TELL_INTERVAL_MS);
  timer.unref();
  return {
    ...own,
    requestFinished(record) {
      own.requestFinished(record);
      delete record.captured; // The primary has no use for it.
      channel().tell("finished", record);
    },
    async close() {
      clearInterval(timer);
      channel().tell("counted", own.drain());
      await own.close();
    },
  };
}

/** Under which the primary keeps a worker's gauges. */
export function workerName(index: number): string {
  return `worker-${index}`;
}

/** The primary's side for one worker. */
export function serveTelemetry(
  gateway: Pick<Gateway, "statistics" | "routing">,
  telemetry: SharedTelemetry,
  worker: number,
): { readonly handlers: Readonly<Record<string, Handler>>; gone(): void } {
  const name = workerName(worker);
  return {
    handlers: {
      counted: (delta: TelemetryDelta) => telemetry.apply(name, delta),
      finished(record: RequestRecord) {
        gateway.statistics.add(record);
        gateway.routing.recent.finish(record);
      },
    },
    gone: () => telemetry.forget(name),
  };
}
