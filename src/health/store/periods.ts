/** The lengths of time over which calls are added up (contract section 3a). */
export const PERIODS = ["hour", "day", "week", "month"] as const;
export type Period = (typeof PERIODS)[number];

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
/** Unix time began on a Thursday; weeks here begin on Monday, as ISO 8601 has it. */
const FIRST_MONDAY_MS = 4 * DAY_MS;

/** Unix ms at which the period that contains `atMs` began, in UTC. */
export function periodStart(period: Period, atMs: number): number {
  switch (period) {
    case "hour":
      return atMs - (atMs % HOUR_MS);
    case "day":
      return atMs - (atMs % DAY_MS);
    case "week":
      return atMs - ((atMs - FIRST_MONDAY_MS) % (7 * DAY_MS));
    case "month": {
      const date = new Date(atMs);
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
    }
  }
}

/** Unix ms at which the next period begins. */
export function periodEnd(period: Period, startMs: number): number {
  switch (period) {
    case "hour":
      return startMs + HOUR_MS;
    case "day":
      return startMs + DAY_MS;
    case "week":
      return startMs + 7 * DAY_MS;
    case "month": {
      const date = new Date(startMs);
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
    }
  }
}
