import type { Check } from "../check.ts";

/** A check that succeeded, with fields replaced. */
export function check(changes: Partial<Check> = {}): Check {
  return {
    provider: "openai",
    model: "gpt-4o-mini",
    gateway: "openai",
    status: "success",
    responseTimeMs: 100,
    error: changes.status === undefined || changes.status === "success" ? undefined : "boom",
    atMs: Date.now(),
    kind: "probe",
    tokens: 5,
    ...changes,
  };
}
