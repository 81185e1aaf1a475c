import type { RoleContext } from "../../runtime/role.ts";

export interface HealthCollectorOptions {
  readonly context: RoleContext;
}

/** Polls the health service and exports the `gatewayz_health_*` family (into `context.registry`). */
export function startHealthCollector(_options: HealthCollectorOptions): { close(): void } {
  return { close() {} };
}
