import type { Gateway } from "../gateway.ts";
import { serveTelemetry, type WorkerFacts } from "./remote-telemetry.ts";
import type { WorkerService } from "./worker-pool.ts";

/** What the primary does for one worker process. */
export function serveWorker(gateway: Gateway, facts: WorkerFacts, index: number): WorkerService {
  const services = [serveTelemetry(gateway.telemetry, facts, index)];
  return {
    handlers: Object.assign({}, ...services.map(({ handlers }) => handlers)),
    gone() {
      for (const service of services) service.gone();
    },
  };
}
