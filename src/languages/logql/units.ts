const NANOSECONDS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1_000,
  µs: 1_000,
  μs: 1_000,
  ms: 1_000_000,
  s: 1_000_000_000,
  m: 60_000_000_000,
  h: 3_600_000_000_000,
  d: 86_400_000_000_000,
  w: 604_800_000_000_000,
  y: 31_536_000_000_000_000,
};

// The second micro sign is Greek; escaped, as one letter beyond Latin-1 doubles the whole chunk in memory.
const DURATION_PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|\u03bcs|ms|s|m|h|d|w|y)/y;

/** Nanoseconds of a duration as Go writes it, with Prometheus' `d`, `w` and `y` too; undefined when it is none. */
export function parseDurationNs(text: string): number | undefined {
  const negative = text.startsWith("-");
  let at = negative || text.startsWith("+") ? 1 : 0;
  if (text.slice(at) === "0") return 0;
  if (at === text.length) return undefined;
  let total = 0;
  while (at < text.length) {
    DURATION_PART.lastIndex = at;
    const match = DURATION_PART.exec(text);
    if (match === null) return undefined;
    total += Number(match[1]) * NANOSECONDS[match[2]!]!;
    at = DURATION_PART.lastIndex;
  }
  return negative ? -total : total;
}

/** Powers as github.com/dustin/go-humanize has them: `kb` is 1,000 bytes, `kib` 1,024; case does not matter. */
const BYTES: Readonly<Record<string, number>> = Object.fromEntries([
  ["", 1],
  ["b", 1],
  ...["k", "m", "g", "t", "p", "e"].flatMap((letter, index) => [
    [letter, 1_000 ** (index + 1)],
    [`${letter}b`, 1_000 ** (index + 1)],
    [`${letter}i`, 1_024 ** (index + 1)],
    [`${letter}ib`, 1_024 ** (index + 1)],
  ]),
]);

/** Bytes of a size such as `1.5KB` or `20 MiB`; undefined when it is none. */
export function parseBytes(text: string): number | undefined {
  const match = /^\s*(\d[\d,]*(?:\.\d+)?|\.\d+)\s*([a-z]*)\s*$/i.exec(text);
  if (match === null) return undefined;
  const unit = BYTES[match[2]!.toLowerCase()];
  return unit === undefined ? undefined : Math.trunc(Number(match[1]!.replaceAll(",", "")) * unit);
}

/** A number as Go's `strconv.ParseFloat` takes it; undefined when it is none. */
export function parseFloat64(text: string): number | undefined {
  if (/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text);
  if (/^[+-]?0x[0-9a-f]+$/i.test(text)) {
    return text.startsWith("-") ? -Number(text.slice(1)) : Number(text.replace(/^\+/, ""));
  }
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(text);
  if (special === null) return undefined;
  if (special[2]!.toLowerCase() === "nan") return Number.NaN;
  return special[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** A duration as Loki prints it back (`5m0s` in Go; here the shortest form that parses: `5m`, `1h30m`, `500ms`). */
export function formatDurationMs(ms: number): string {
  if (ms === 0) return "0s";
  let rest = Math.abs(ms);
  let text = ms < 0 ? "-" : "";
  for (const [unit, size] of [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1_000],
    ["ms", 1],
  ] as const) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}
