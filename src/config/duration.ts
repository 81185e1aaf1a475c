import * as z from "zod";

/** A duration in the text form that Prometheus uses (`15d`, `30s`, `1h30m`), held as milliseconds. */
export const duration = z.union([z.string(), z.number()]).transform((value, context) => {
  const ms = typeof value === "number" ? value : parseDurationMs(value);
  if (ms === undefined || !Number.isFinite(ms) || ms < 0) {
    context.addIssue({
      code: "custom",
      message: `not a duration: ${JSON.stringify(value)}; write it like 30s, 5m or 15d`,
    });
    return z.NEVER;
  }
  return ms;
});

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};

/** Milliseconds of a Prometheus duration, or undefined when the text is none. */
export function parseDurationMs(text: string): number | undefined {
  const match = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?$/.exec(
    text.trim(),
  );
  if (match === null || text.trim() === "") return text.trim() === "0" ? 0 : undefined;
  return ["y", "w", "d", "h", "m", "s", "ms"].reduce(
    (sum, unit, index) => sum + Number(match[index + 1] ?? 0) * UNIT_MS[unit]!,
    0,
  );
}
