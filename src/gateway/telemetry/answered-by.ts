import type { RequestRecord } from "../request-record.ts";
import { boundedLabel } from "./labels.ts";

/** Label value where nobody answered or no name is known. */
const UNKNOWN = "unknown";

/**
 * Provider and model that a request counts for: who answered, else who failed last. The client's own spelling of the
 * model never becomes a label, because anyone can make up new ones.
 */
export function answeredBy(record: RequestRecord): { provider: string; model: string } {
  const last = record.attempts.at(-1);
  return {
    provider: boundedLabel(record.outcome?.provider ?? last?.provider ?? UNKNOWN),
    model: boundedLabel(record.outcome?.model ?? last?.model ?? UNKNOWN),
  };
}

/** True where the answer reached the client whole: a status below 400 and no break after the headers. */
export function succeeded(record: RequestRecord): boolean {
  const { outcome } = record;
  return outcome !== undefined && outcome.statusCode < 400 && outcome.error === undefined;
}
