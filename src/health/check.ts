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
  /** What a customer's call asked for, such as `embedding`; undefined is a chat. */
  readonly requestType?: string | undefined;
}

/** Key of a target in maps. */
export function keyOf({ provider, model, gateway }: Target): string {
  return `${provider}\u0000${model}\u0000${gateway}`;
}

/** A 502 that a provider sends for a name which it does not know; "host not found" must not match. */
const MODEL_NOT_FOUND = /\bmodel\b.{0,120}\b(not found|does not exist|no longer (exists|available))/i;

/**
 * True when the check is evidence that the model is gone (contract section 3d): a 404, or an error that says so. Rate
 * limits, wrong keys, timeouts and failing servers say nothing about that.
 */
export function isHardFailure({ status, error }: Pick<Check, "status" | "error">): boolean {
  return status === "not_found" || (status === "error" && error !== undefined && MODEL_NOT_FOUND.test(error));
}
