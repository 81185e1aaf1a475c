import type { RoleContext } from "../runtime/role.ts";
import type { Alerts } from "./alerts/alerts.ts";
import type { AvailabilityService } from "./availability/availability.ts";
import type { HealthBook } from "./health-book.ts";
import type { HealthMetrics } from "./metrics.ts";
import type { Monitor } from "./probes/monitor.ts";
import type { HealthCaches } from "./rollup/health-caches.ts";
import type { Stores } from "./store/stores.ts";

/** The parts of a running health service, as the routes use them. */
export interface HealthService {
  readonly context: RoleContext;
  readonly book: HealthBook;
  readonly caches: HealthCaches;
  readonly availability: AvailabilityService;
  readonly alerts: Alerts;
  readonly metrics: HealthMetrics;
  /** Undefined when nothing can be monitored; `reason` says why. */
  readonly monitor: Monitor | undefined;
  readonly reason: string;
  /** Those of the database in use; they change when it comes back after a start without it. */
  stores(): Stores;
  /** `simple` keeps everything in memory only. */
  monitorType(): "intelligent" | "simple";
  /** Why the database is not in use; undefined when it is, or when none is wanted. */
  databaseError(): Promise<string | undefined>;
}
