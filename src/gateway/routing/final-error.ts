import { GatewayError } from "../errors.ts";
import type { AttemptRecord } from "../request-record.ts";
import { AttemptFailure } from "./attempt-failure.ts";
import type { Target } from "./resolve.ts";

/** The failure of a provider whose keys were all refused. */
export function exhausted({ provider }: Target, tried: ReadonlySet<string>, last: AttemptFailure): AttemptFailure {
  const detail = { provider: provider.name, keys: [...tried].join(", "), reason: last.error.message };
  return new AttemptFailure(new GatewayError("PROVIDER_CREDENTIALS_EXHAUSTED", detail), true, true);
}

/** One failure speaks for itself; several that differ are summed up, the last one in full. */
export function finalError(failures: readonly AttemptFailure[], attempts: readonly AttemptRecord[]): GatewayError {
  const last = failures.at(-1);
  if (last === undefined) {
    const provider = attempts[0]?.provider ?? "none";
    return new GatewayError("PROVIDER_UNAVAILABLE", { provider, reason: "its circuit breaker is open." });
  }
  const same = failures.every((failure) => failure.error.code === last.error.code);
  if (failures.length === 1 || same || !last.failover) return last.error;
  const tried = new Set(attempts.filter(({ result }) => result === "error").map(({ provider }) => provider));
  if (tried.size === 1) return last.error;
  return new GatewayError("ALL_PROVIDERS_FAILED", { tried: [...tried].join(", "), reason: last.error.message });
}
