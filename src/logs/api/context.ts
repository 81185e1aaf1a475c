import type { LogMetrics } from "../metrics.ts";
import type { QueryGate } from "../query/query-gate.ts";
import type { Ruler } from "../rules/ruler.ts";
import type { LogStore } from "../store/store.ts";

/** What the routes share. */
export interface ApiContext {
  readonly store: LogStore;
  readonly metrics: LogMetrics;
  readonly gate: QueryGate;
  readonly ruler: Ruler;
}
