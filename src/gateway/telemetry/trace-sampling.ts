/** 2^56: the random part of a trace id that OpenTelemetry's ratio sampling looks at. */
const RANDOM_VALUES = 2 ** 56;

/** True where this trace is among the share `ratio` that is exported; the same for every service that asks. */
export function isSampled(traceId: string, ratio: number): boolean {
  if (ratio >= 1) return true;
  return Number.parseInt(traceId.slice(-14), 16) >= RANDOM_VALUES * (1 - ratio) && ratio > 0;
}
