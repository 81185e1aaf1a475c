import { parseDurationNs } from "../../languages/traceql/duration.ts";
import { HttpError } from "../../runtime/http-error.ts";

/** Query-string parameters of one request, read as Tempo reads them. */
export class Parameters {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(query: unknown) {
    this.#values = query as Record<string, unknown>;
  }

  /** The first value of a parameter; undefined where absent or empty. */
  text(name: string): string | undefined {
    const value = this.#values[name];
    const first: unknown = Array.isArray(value) ? value[0] : value;
    return typeof first === "string" && first !== "" ? first : undefined;
  }

  /** @throws HttpError 400 for anything but a positive integer of at most `most`. */
  positiveInteger(name: string, otherwise: number, most: number): number {
    const text = this.text(name);
    if (text === undefined) return otherwise;
    const value = Number(text);
    if (!/^[+-]?\d+$/.test(text))
      throw new HttpError(400, `invalid ${name}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
    if (value <= 0) throw new HttpError(400, `invalid ${name}: must be a positive number`);
    if (value > most) throw new HttpError(400, `invalid ${name}: ${value} exceeds the limit of ${most}`);
    return value;
  }

  /** Unix seconds, with or without a fraction, or more digits for ms, µs or ns, or RFC 3339; as ms. @throws HttpError 400 */
  timeMs(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (/^-?\d+(\.\d+)?$/.test(text)) return unixToMs(Number(text));
    const parsed = Date.parse(text);
    if (Number.isNaN(parsed)) throw new HttpError(400, `invalid ${name}: ${JSON.stringify(text)} is no time`);
    return parsed;
  }

  /** A Go duration or bare seconds, as ns. @throws HttpError 400 */
  durationNs(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1e9;
    const ns = parseDurationNs(text);
    if (ns === undefined) throw new HttpError(400, `invalid ${name}: time: invalid duration ${JSON.stringify(text)}`);
    return ns;
  }
}

/** Seconds have 10 digits now, ms 13, µs 16, ns 19; Tempo's clients send seconds or ns. */
function unixToMs(value: number): number {
  const size = Math.abs(value);
  if (size < 1e11) return value * 1e3;
  if (size < 1e14) return value;
  return size < 1e17 ? value / 1e3 : value / 1e6;
}
