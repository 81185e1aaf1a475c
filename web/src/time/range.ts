/** Time ranges as Grafana writes them: `now-15m`, `now/d`, epoch milliseconds, or an ISO date. All times in Unix ms. */

/** A range as written in a dashboard or URL. */
export interface RawRange {
  from: string;
  to: string;
}

/** A range with both ends known. */
export interface TimeRange {
  fromMs: number;
  toMs: number;
  raw: RawRange;
}

const UNIT_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Parses a duration such as `5m`, `1h30m` or `90` (seconds) to ms; undefined if it is none. */
export function parseDurationMs(text: string): number | undefined {
  const trimmed = text.trim().replace(/^[<>]/, "");
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed) * 1_000;
  if (!/^(\d+(ms|[smhdwMy]))+$/.test(trimmed)) return undefined;
  let totalMs = 0;
  for (const [, count, unit] of trimmed.matchAll(/(\d+)(ms|[smhdwMy])/g)) {
    const unitMs = unit === "M" ? 30 * UNIT_MS["d"]! : unit === "y" ? 365 * UNIT_MS["d"]! : UNIT_MS[unit!]!;
    totalMs += Number(count) * unitMs;
  }
  return totalMs;
}

/** Writes a duration with the one or two largest units that matter, as Prometheus reads it: `15s`, `1h30m`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1_000) return `${Math.max(1, Math.round(durationMs))}ms`;
  let restMs = Math.round(durationMs / 1_000) * 1_000;
  let text = "";
  for (const unit of ["d", "h", "m", "s"]) {
    const count = Math.floor(restMs / UNIT_MS[unit]!);
    restMs -= count * UNIT_MS[unit]!;
    if (count > 0) text += `${count}${unit}`;
  }
  return text;
}

/** Turns one end of a range into Unix ms. `roundUp` ends a rounded unit (`now/d`) instead of beginning it. */
export function parseTime(text: string, nowMs: number, roundUp = false): number {
  const trimmed = text.trim();
  if (/^\d{9,}$/.test(trimmed)) return Number(trimmed);
  if (!trimmed.startsWith("now")) {
    const parsed = Date.parse(trimmed.replace(" ", "T"));
    return Number.isNaN(parsed) ? nowMs : parsed;
  }
  const date = new Date(nowMs);
  for (const [, operator, count, unit] of trimmed.slice(3).matchAll(/([+\-/])(\d*)([smhdwMyQ])/g)) {
    if (operator === "/") roundTo(date, unit!, roundUp);
    else shift(date, (operator === "-" ? -1 : 1) * Number(count === "" ? 1 : count), unit!);
  }
  return date.getTime();
}

/** Resolves both ends against the same "now". An empty or reversed range becomes the minute before its end. */
export function resolveRange(raw: RawRange, nowMs: number): TimeRange {
  let fromMs = parseTime(raw.from, nowMs);
  const toMs = parseTime(raw.to, nowMs, true);
  if (fromMs >= toMs) fromMs = toMs - 60_000;
  return { fromMs, toMs, raw };
}

/** Whether a range moves with the clock and so deserves a refresh. */
export function isRelative(raw: RawRange): boolean {
  return raw.from.startsWith("now") || raw.to.startsWith("now");
}

function shift(date: Date, count: number, unit: string): void {
  if (unit === "M") date.setMonth(date.getMonth() + count);
  else if (unit === "Q") date.setMonth(date.getMonth() + 3 * count);
  else if (unit === "y") date.setFullYear(date.getFullYear() + count);
  else date.setTime(date.getTime() + count * UNIT_MS[unit]!);
}

function roundTo(date: Date, unit: string, roundUp: boolean): void {
  if (unit === "s") date.setMilliseconds(0);
  else if (unit === "m") date.setSeconds(0, 0);
  else if (unit === "h") date.setMinutes(0, 0, 0);
  else date.setHours(0, 0, 0, 0);
  if (unit === "w") date.setDate(date.getDate() - ((date.getDay() + 6) % 7));
  if (unit === "M" || unit === "y" || unit === "Q") date.setDate(1);
  if (unit === "Q") date.setMonth(date.getMonth() - (date.getMonth() % 3));
  if (unit === "y") date.setMonth(0);
  if (!roundUp) return;
  shift(date, 1, unit);
  date.setTime(date.getTime() - 1);
}

const UNIT_NAMES: Record<string, string> = {
  s: "second",
  m: "minute",
  h: "hour",
  d: "day",
  w: "week",
  M: "month",
  y: "year",
};

/** What the time picker's button says. */
export function describeRange(raw: RawRange, formatTime: (ms: number) => string): string {
  const relative = /^now-(\d+)([smhdwMy])$/.exec(raw.from);
  if (relative !== null && raw.to === "now") {
    const [, count, unit] = relative;
    const name = UNIT_NAMES[unit!]!;
    return `Last ${count} ${name}${count === "1" ? "" : "s"}`;
  }
  if (raw.from === "now/d" && raw.to === "now/d") return "Today";
  if (raw.from === "now-1d/d" && raw.to === "now-1d/d") return "Yesterday";
  const end = (text: string) => (text.startsWith("now") ? text : formatTime(parseTime(text, Date.now())));
  return `${end(raw.from)} to ${end(raw.to)}`;
}
