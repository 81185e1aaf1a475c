import type { RoleContext } from "./role.ts";

/** How the one cap for all stores is divided: metrics are small and precious, logs are the bulk. */
const SHARES = { metrics: 0.3, logs: 0.4, traces: 0.25, health: 0.02, gateway: 0.02, dashboards: 0.01 } as const;

/** Most bytes that this role's folder may hold, WAL included. */
export function storeBytesMax(context: RoleContext): number {
  return Math.floor(context.config.dataBytesMax * SHARES[context.name]);
}
