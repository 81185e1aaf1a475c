/** A time as Go's JSON has it; Go's zero time where there is none yet. @param ms Unix ms, 0 for none. */
export function goTime(ms: number): string {
  return ms === 0 ? "0001-01-01T00:00:00Z" : new Date(ms).toISOString();
}
