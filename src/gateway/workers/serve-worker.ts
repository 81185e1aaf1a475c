import type { Gateway } from "../gateway.ts";
import type { SharedTelemetry } from "../telemetry/index.ts";
import type { News } from "./news.ts";
import { serveAdmission } from "./shared-admission.ts";
import { serveBreakers } from "./shared-breakers.ts";
import { serveGate } from "./shared-gate.ts";
import { serveTelemetry } from "./shared-telemetry.ts";
import type { WorkerService } from "./worker-pool.ts";

/**
 * What the primary does for one worker process.
 * @param hear Takes in what the worker tells all others.
 * @param others Tells every other worker.
 */
export function serveWorker(
  gateway: Gateway,
  telemetry: SharedTelemetry,
  index: number,
  hear: (news: News) => void,
  others: (operation: string, payload: unknown) => void,
): WorkerService {
  const services = [
    serveTelemetry(gateway, telemetry, index),
    serveAdmission(gateway),
    serveBreakers(gateway, others),
    serveGate(gateway),
  ];
  return {
    handlers: {
      ...Object.assign({}, ...services.map(({ handlers }) => handlers)),
      effectiveConfig: () => gateway.live.effective(),
      news(news: News) {
        hear(news);
        others("news", news);
      },
      velocityCounted: (failed: boolean) => gateway.velocity.count(failed),
    },
    gone() {
      for (const service of services) service.gone();
    },
  };
}
