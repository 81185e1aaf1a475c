const UNITS: readonly (readonly [string, number, boolean])[] = [
  // Years, weeks and days only when they come out even: 90d stays 90d, 25h is not 1d1h. As Prometheus prints them.
  ["y", 31_536_000_000, true],
  ["w", 604_800_000, true],
  ["d", 86_400_000, false],
  ["h", 3_600_000, false],
  ["m", 60_000, false],
  ["s", 1_000, false],
  ["ms", 1, false],
];

/** The shortest text of a duration in Prometheus' units: 90000 → `1m30s`, 0 → `0s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return "0s";
  let rest = Math.round(milliseconds);
  let text = "";
  for (const [unit, size, exactOnly] of UNITS) {
    if (exactOnly && rest % size !== 0) continue;
    const count = Math.floor(rest / size);
    if (count === 0) continue;
    text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}
