import type { Gateway } from "../gateway.ts";
import type { SharedTelemetry } from "../telemetry/index.ts";
import { serveBreakers } from "./shared-breakers.ts";
import { serveGate } from "./shared-gate.ts";
import { serveTelemetry } from "./shared-telemetry.ts";
import type { WorkerService } from "./worker-pool.ts";

/**
 * What the primary does for one worker process.
 * @param others Tells every other worker.
 */
export function serveWorker(
  gateway: Gateway,
  telemetry: SharedTelemetry,
  index: number,
  others: (operation: string, payload: unknown) => void,
): WorkerService {
  const services = [serveTelemetry(gateway, telemetry, index), serveBreakers(gateway, others), serveGate(gateway)];
  return {
    handlers: {
      ...Object.assign({}, ...services.map(({ handlers }) => handlers)),
      effectiveConfig: () => gateway.live.effective(),
      velocityCounted: (failed: boolean) => gateway.velocity.count(failed),
    },
    gone() {
      for (const service of services) service.gone();
    },
  };
}
