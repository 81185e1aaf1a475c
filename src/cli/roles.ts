import type { RoleName } from "../config/roles.ts";
import type { StartRole } from "../runtime/role.ts";

/** Each role is its own chunk of the bundle, so that a process loads only what it runs. */
export const loadRole: Readonly<Record<RoleName, () => Promise<{ start: StartRole }>>> = {
  metrics: () => import("../metrics/index.ts"),
  logs: () => import("../logs/index.ts"),
  traces: () => import("../traces/index.ts"),
  health: () => import("../health/index.ts"),
  gateway: () => import("../gateway/index.ts"),
  dashboards: () => import("../dashboards/index.ts"),
};
