/**
 * Whether a counter began anew between two samples, judged by their start timestamps (Unix ms, 0 where unknown).
 * A start at or after its own sample is invalid or OpenTelemetry's "unknown"; a start that equals the previous sample's
 * time means a delta series, unless the previous start was unknown. Source: Prometheus promql/functions.go.
 */
export function startedAnew(previousStart: number, previous: number, start: number, time: number): boolean {
  if (start === 0 || start >= time || start < previous) return false;
  if (start > previous) return true;
  return previousStart !== 0 && previousStart < previous;
}

/** Whether a sample claims to have started before the previous one was taken, but not when that one started. */
export function startOverlaps(previousStart: number, previous: number, start: number): boolean {
  return start !== 0 && start < previous && start !== previousStart;
}
