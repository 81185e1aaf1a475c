const UNIT_NS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3_600e9,
  d: 86_400e9,
  w: 604_800e9,
  y: 31_536_000e9,
};

const PARTS = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|[smhdwy])/gy;

/** Nanoseconds of a Go or Prometheus duration (`1.5s`, `1h30m`, `2d`); undefined where it is none. */
export function parseDurationNs(text: string): number | undefined {
  let sum = 0;
  let end = 0;
  PARTS.lastIndex = 0;
  for (let match = PARTS.exec(text); match !== null; match = PARTS.exec(text)) {
    sum += Number(match[1]) * UNIT_NS[match[2]!]!;
    end = PARTS.lastIndex;
  }
  return end > 0 && end === text.length ? Math.round(sum) : undefined;
}

/** A duration as Go prints it: `1.5s`, `250ms`, `1h0m0s`. */
export function formatDurationNs(ns: number): string {
  if (ns < 0) return `-${formatDurationNs(-ns)}`;
  if (ns === 0) return "0s";
  if (ns < 1e3) return `${ns}ns`;
  if (ns < 1e6) return `${ns / 1e3}µs`;
  if (ns < 1e9) return `${ns / 1e6}ms`;
  const hours = Math.floor(ns / 3_600e9);
  const minutes = Math.floor((ns % 3_600e9) / 60e9);
  const seconds = `${(ns % 60e9) / 1e9}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}
