/** Writes times in a dashboard's zone. `timeZone` is "browser", "utc" or an IANA name. */

const formatters = new Map<string, Intl.DateTimeFormat>();

/** The IANA name that Intl understands; undefined means the browser's own zone. */
export function intlZone(timeZone: string): string | undefined {
  if (timeZone === "browser" || timeZone === "") return undefined;
  if (timeZone.toLowerCase() === "utc") return "UTC";
  return timeZone;
}

function formatter(timeZone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${timeZone}|${Object.entries(options).join("|")}`;
  let known = formatters.get(key);
  if (known === undefined) {
    try {
      known = new Intl.DateTimeFormat("en-GB", { ...options, timeZone: intlZone(timeZone) });
    } catch {
      // A zone this browser does not know: its own zone is better than no chart.
      known = new Intl.DateTimeFormat("en-GB", options);
    }
    formatters.set(key, known);
  }
  return known;
}

function parts(ms: number, timeZone: string): Record<string, string> {
  const format = formatter(timeZone, {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  });
  return Object.fromEntries(format.formatToParts(new Date(ms)).map((part) => [part.type, part.value]));
}

/** `2026-01-31 13:45:09` */
export function formatDateTime(ms: number, timeZone: string): string {
  const { year, month, day, hour, minute, second } = parts(ms, timeZone);
  return `${year}-${month}-${day} ${hour}:${minute}:${second}`;
}

/** `2026-01-31 13:45:09.123` */
export function formatDateTimeMs(ms: number, timeZone: string): string {
  return `${formatDateTime(ms, timeZone)}.${String(Math.floor(ms) % 1_000).padStart(3, "0")}`;
}

/** Labels of a time axis: as coarse as the distance between ticks allows, with the date where a day begins. */
export function axisLabels(ticksSeconds: readonly number[], stepSeconds: number, timeZone: string): string[] {
  return ticksSeconds.map((tick) => {
    const { year, month, day, hour, minute, second } = parts(tick * 1_000, timeZone);
    if (stepSeconds >= 28 * 86_400) return `${year}-${month}`;
    if (stepSeconds >= 86_400) return `${month}/${day}`;
    if (stepSeconds < 60) return `${hour}:${minute}:${second}`;
    if (stepSeconds >= 3_600 * 6 && hour === "00" && minute === "00") return `${month}/${day}`;
    return `${hour}:${minute}`;
  });
}

/** `3 minutes ago`, `just now`. */
export function formatAgo(ms: number, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - ms) / 1_000));
  if (seconds < 2) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** The length of a found trace: search answers whole milliseconds, so 0 means less than one. */
export function formatTraceMs(durationMs: number): string {
  return durationMs === 0 ? "< 1 ms" : formatMs(durationMs);
}

/** A duration in ms with three significant digits: `820 µs`, `12.4 ms`, `1.53 s`. */
export function formatMs(ms: number): string {
  const short = (value: number) => String(Number(value.toPrecision(3)));
  if (ms < 0.001) return `${short(ms * 1e6)} ns`;
  if (ms < 1) return `${short(ms * 1e3)} µs`;
  if (ms < 1_000) return `${short(ms)} ms`;
  if (ms < 60_000) return `${short(ms / 1_000)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)}m ${Math.round((ms % 60_000) / 1_000)}s`;
  return `${Math.floor(ms / 3_600_000)}h ${Math.round((ms % 3_600_000) / 60_000)}m`;
}
