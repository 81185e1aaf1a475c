/** What one check of a model found (contract section 3a). */
export const CHECK_STATUSES = ["success", "error", "timeout", "rate_limited", "unauthorized", "not_found"] as const;
export type CheckStatus = (typeof CHECK_STATUSES)[number];

export function isCheckStatus(text: unknown): text is CheckStatus {
  return (CHECK_STATUSES as readonly unknown[]).includes(text);
}

/** A model of one provider as one gateway serves it; what everything here is kept by. */
export interface Target {
  readonly provider: string;
  readonly model: string;
  readonly gateway: string;
}

/** One result: of a probe of ours, or of a customer's call that the gateway reported. */
export interface Check extends Target {
  readonly status: CheckStatus;
  readonly responseTimeMs: number;
  /** At most 500 characters; undefined for a success. */
  readonly error: string | undefined;
  /** Unix ms. */
  readonly atMs: number;
  readonly kind: "probe" | "passive";
  readonly tokens: number;
}

/** Key of a target in maps. */
export function keyOf({ provider, model, gateway }: Target): string {
  return `${provider}\u0000${model}\u0000${gateway}`;
}
