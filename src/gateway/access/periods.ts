/** A day or month of the configured time zone: from its first instant until the next one's, Unix ms. */
export interface Period {
  readonly startMs: number;
  readonly endMs: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Longer than any local day or month, with its changes of the clock. */
const SEARCH_MS = { day: 2 * DAY_MS, month: 33 * DAY_MS } as const;

/**
 * Days and months as a time zone has them: 23 to 25 hours long where the clock changes, beginning at whatever hour the
 * zone's offset says. Cheap to ask again within the same day.
 */
export class Periods {
  readonly timeZone: string;
  readonly #format: Intl.DateTimeFormat;
  #day: Period = { startMs: 0, endMs: 0 };
  #month: Period = { startMs: 0, endMs: 0 };

  /** @param timeZone IANA name. @throws RangeError for an unknown one. */
  constructor(timeZone: string) {
    this.timeZone = timeZone;
    this.#format = new Intl.DateTimeFormat("en-CA", {
      timeZone,
      calendar: "iso8601",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
    });
  }

  day(nowMs: number): Period {
    if (nowMs < this.#day.startMs || nowMs >= this.#day.endMs) this.#day = this.#around(nowMs, "day");
    return this.#day;
  }

  month(nowMs: number): Period {
    if (nowMs < this.#month.startMs || nowMs >= this.#month.endMs) this.#month = this.#around(nowMs, "month");
    return this.#month;
  }

  #around(nowMs: number, kind: "day" | "month"): Period {
    const name = this.#nameOf(nowMs, kind);
    const startMs = this.#firstThat(nowMs - SEARCH_MS[kind], nowMs, (ms) => this.#nameOf(ms, kind) === name);
    const endMs = this.#firstThat(nowMs, nowMs + SEARCH_MS[kind], (ms) => this.#nameOf(ms, kind) !== name);
    return { startMs, endMs };
  }

  /** `2026-03-29`, or `2026-03`. */
  #nameOf(ms: number, kind: "day" | "month"): string {
    const name = this.#format.format(ms);
    return kind === "day" ? name : name.slice(0, name.lastIndexOf("-"));
  }

  /** The first ms in (fromMs, toMs] where `holds`, which is false before it and true after it. */
  #firstThat(fromMs: number, toMs: number, holds: (ms: number) => boolean): number {
    let before = fromMs;
    let after = toMs;
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      if (holds(middle)) after = middle;
      else before = middle;
    }
    return after;
  }
}
