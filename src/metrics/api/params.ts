import type { FastifyRequest } from "fastify";
import { parseDurationMs } from "../../config/duration.ts";
import { ParseError } from "../../languages/promql/error.ts";
import { matchersOf } from "../../languages/promql/parse.ts";
import type { Matcher } from "../../series/queryable.ts";
import { ApiError } from "./api-error.ts";

/** Earliest and latest time of a query that names none. */
export const TIME_MIN_MS = 0;
export const TIME_MAX_MS = 8_640_000_000_000_000;

const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;

/** Parameters of a request: of its URL, and of its form body where it has one. */
export class Params {
  readonly #values: URLSearchParams;

  constructor(request: FastifyRequest) {
    const query = request.url.indexOf("?");
    this.#values = new URLSearchParams(query < 0 ? "" : request.url.slice(query + 1));
    const type = request.headers["content-type"] ?? "";
    if (Buffer.isBuffer(request.body) && type.startsWith("application/x-www-form-urlencoded")) {
      // Form values come first, as Go's Request.Form has them.
      const form = new URLSearchParams(request.body.toString("utf8"));
      for (const [name, value] of this.#values) form.append(name, value);
      this.#values = form;
    }
  }

  text(name: string): string {
    return this.#values.get(name) ?? "";
  }

  all(name: string): string[] {
    return this.#values.getAll(name);
  }

  /** Unix ms, `fallbackMs` where the parameter is absent. @throws ApiError bad_data. */
  timeMs(name: string, fallbackMs: number): number {
    const text = this.text(name);
    if (text === "") return fallbackMs;
    const ms = parseTimeMs(text);
    if (ms === undefined) throw invalid(name, `invalid time value for '${name}': ${noTime(text)}`);
    return ms;
  }

  /** Unix ms of a parameter that must be given. @throws ApiError bad_data. */
  requiredTimeMs(name: string): number {
    const text = this.text(name);
    const ms = parseTimeMs(text);
    if (ms === undefined) throw invalid(name, noTime(text));
    return ms;
  }

  /** Milliseconds, undefined where the parameter is absent. @throws ApiError bad_data. */
  durationMs(name: string): number | undefined {
    const text = this.text(name);
    if (text === "") return undefined;
    return this.requiredDurationMs(name);
  }

  requiredDurationMs(name: string): number {
    const text = this.text(name);
    const seconds = decimal(text);
    const ms = seconds === undefined ? parseDurationMs(text) : seconds * 1_000;
    if (ms === undefined || !Number.isFinite(ms)) {
      throw invalid(name, `cannot parse ${JSON.stringify(text)} to a valid duration`);
    }
    if (Math.abs(ms) > Number.MAX_SAFE_INTEGER) {
      throw invalid(name, `cannot parse ${JSON.stringify(text)} to a valid duration. It overflows int64`);
    }
    return ms;
  }

  /** A whole number of 0 or more; 0 (also where absent) means no limit. @throws ApiError bad_data. */
  limit(name = "limit"): number {
    const text = this.text(name);
    if (text === "") return 0;
    if (!/^[+-]?\d+$/.test(text)) {
      throw invalid(name, `strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
    }
    const value = Number(text);
    if (value < 0) throw invalid(name, "limit must be non-negative");
    return value;
  }

  boolean(name: string): boolean {
    const text = this.text(name).toLowerCase();
    if (["", "0", "f", "false"].includes(text)) return false;
    if (["1", "t", "true"].includes(text)) return true;
    throw invalid(name, `strconv.ParseBool: parsing ${JSON.stringify(this.text(name))}: invalid syntax`);
  }

  /** The matchers of every `match[]`. @throws ApiError bad_data. */
  matcherSets(name = "match[]"): Matcher[][] {
    return this.all(name).map((selector) => {
      try {
        return matchersOf(selector);
      } catch (error) {
        if (!(error instanceof ParseError)) throw error;
        throw invalid(name, error.reason === EMPTY_SELECTOR ? `match[] ${error.reason.slice(16)}` : error.message);
      }
    });
  }
}

/** What the parser says of `{}`; for `match[]` Prometheus has a sentence of its own. */
const EMPTY_SELECTOR = "vector selector must contain at least one non-empty matcher";

function noTime(text: string): string {
  return `cannot parse ${JSON.stringify(text)} to a valid timestamp`;
}

/** The refusal of one parameter, as Prometheus words it. */
export function invalid(name: string, why: string): ApiError {
  return new ApiError("bad_data", `invalid parameter ${JSON.stringify(name)}: ${why}`);
}

/** Unix ms of a float in seconds or an RFC 3339 time; undefined when the text is neither. */
function parseTimeMs(text: string): number | undefined {
  const seconds = decimal(text);
  if (seconds !== undefined) return Math.round(seconds * 1_000);
  if (!RFC3339.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

function decimal(text: string): number | undefined {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}
