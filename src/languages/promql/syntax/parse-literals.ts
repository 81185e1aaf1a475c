/** Milliseconds of each duration unit. */
const UNIT_MS = { y: 31_536_000_000, w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;
const DURATION = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;

/** Milliseconds of a duration such as `1h30m`, or undefined where the text is not one. `0` alone is a duration too. */
export function parseDurationMs(text: string): number | undefined {
  if (text === "0") return 0;
  const match = text === "" ? null : DURATION.exec(text);
  if (match === null) return undefined;
  let ms = 0;
  Object.values(UNIT_MS).forEach((unit, index) => {
    ms += Number(match[index + 1] ?? 0) * unit;
  });
  return ms;
}

/** The shortest text that `parseDurationMs` reads back, as Prometheus prints durations; `ms` is not negative. */
export function formatDurationMs(ms: number): string {
  if (ms === 0) return "0s";
  let rest = ms;
  let text = "";
  for (const [unit, unitMs] of Object.entries(UNIT_MS)) {
    // Years and weeks only where nothing is left over: 90d is easier to read than 12w6d.
    const exactOnly = unit === "y" || unit === "w";
    if (exactOnly && rest % unitMs !== 0) continue;
    const count = Math.floor(rest / unitMs);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * unitMs;
  }
  return text;
}

/** A number or duration literal without sign, in Go's spelling; seconds where it is a duration. */
export function parseNumberLiteral(text: string): { value: number; isDuration: boolean } | undefined {
  const lower = text.toLowerCase();
  if (lower === "inf") return { value: Number.POSITIVE_INFINITY, isDuration: false };
  if (lower === "nan") return { value: Number.NaN, isDuration: false };
  const digits = lower.replaceAll("_", "");
  if (/^0[0-7]+$/.test(digits)) return { value: Number.parseInt(digits, 8), isDuration: false };
  const value = Number(digits);
  if (digits !== "" && !Number.isNaN(value)) return { value, isDuration: false };
  const ms = parseDurationMs(text);
  return ms === undefined ? undefined : { value: ms / 1000, isDuration: true };
}

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  "'": "'",
  '"': '"',
};

/**
 * The text between the quotes of a Go string: `"…"` and `'…'` with escapes, or a raw string in back quotes.
 * Undefined where a quote is missing or an escape is unknown. `\x` and octal escapes are bytes of UTF-8; bytes that are
 * not UTF-8 become lone surrogates (U+DC00 plus the byte), which no valid text holds.
 */
export function unquote(literal: string): string | undefined {
  const quote = literal[0];
  if (literal.length < 2 || literal.at(-1) !== quote) return undefined;
  const inner = literal.slice(1, -1);
  if (quote === "`") return inner;
  if (!inner.includes("\\")) return inner.includes("\n") ? undefined : inner;
  const parts: Uint8Array[] = [];
  const encoder = new TextEncoder();
  for (const match of inner.matchAll(ESCAPES)) {
    const [text, hex, unicode4, unicode8, octal, simple] = match;
    const codePoint = unicode4 ?? unicode8;
    if (hex !== undefined) parts.push(Uint8Array.of(Number.parseInt(hex, 16)));
    else if (octal !== undefined && Number.parseInt(octal, 8) < 256)
      parts.push(Uint8Array.of(Number.parseInt(octal, 8)));
    else if (codePoint !== undefined && isScalarValue(Number.parseInt(codePoint, 16)))
      parts.push(encoder.encode(String.fromCodePoint(Number.parseInt(codePoint, 16))));
    else if (simple !== undefined) parts.push(encoder.encode(SIMPLE_ESCAPES[simple]!));
    else if (text.startsWith("\\")) return undefined;
    else parts.push(encoder.encode(text));
  }
  return decodeUtf8(Buffer.concat(parts));
}

const ESCAPES = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([abfnrtv\\'"]))|\\|[^\\]+/gs;

function decodeUtf8(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  if (!text.includes("\ufffd") || Buffer.from(text).equals(bytes)) return text;
  // Each byte that does not belong to a character on its own.
  let result = "";
  for (let at = 0; at < bytes.length; ) {
    const length = [1, 2, 3, 4].find((count) => !bytes.toString("utf8", at, at + count).includes("\ufffd"));
    if (length === undefined) result += String.fromCharCode(0xdc00 + bytes[at++]!);
    else {
      result += bytes.toString("utf8", at, at + length);
      at += length;
    }
  }
  return result;
}

/** A text in double quotes as Go's `strconv.Quote` writes it, with what `unquote` made of bytes that are not UTF-8. */
export function quote(text: string): string {
  return JSON.stringify(text).replace(/\\udc([0-9a-f]{2})/g, "\\x$1");
}

/** Since Prometheus 3 any text in UTF-8 that is not empty is a label name. */
export function isLabelName(name: string): boolean {
  return name !== "" && !/\p{Surrogate}/u.test(name);
}

function isScalarValue(codePoint: number): boolean {
  return codePoint <= 0x10ffff && !(codePoint >= 0xd800 && codePoint < 0xe000);
}
