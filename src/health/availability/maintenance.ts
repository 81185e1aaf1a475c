import type { Target } from "../check.ts";

/** A time in which something is expected not to answer. Undefined fields stand for all. */
export interface MaintenanceWindow {
  readonly id: string;
  readonly provider: string | undefined;
  readonly model: string | undefined;
  readonly gateway: string | undefined;
  /** Unix ms. */
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly reason: string;
}

export function isInMaintenance(target: Target, windows: readonly MaintenanceWindow[], nowMs: number): boolean {
  return windows.some(
    ({ provider, model, gateway, startsAtMs, endsAtMs }) =>
      startsAtMs <= nowMs &&
      nowMs < endsAtMs &&
      (provider === undefined || provider === target.provider) &&
      (model === undefined || model === target.model) &&
      (gateway === undefined || gateway === target.gateway),
  );
}

export function maintenanceJson(window: MaintenanceWindow, nowMs: number): Record<string, unknown> {
  return {
    id: window.id,
    provider: window.provider ?? null,
    model: window.model ?? null,
    gateway: window.gateway ?? null,
    starts_at: new Date(window.startsAtMs).toISOString(),
    ends_at: new Date(window.endsAtMs).toISOString(),
    active: window.startsAtMs <= nowMs,
    reason: window.reason,
  };
}
