const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  '"': '"',
  "'": "'",
};

/**
 * The value of a LogQL string literal: double-quoted with Go's escapes, or raw between backticks.
 * Undefined where Go's `strconv.Unquote` would refuse it.
 */
export function unquote(literal: string): string | undefined {
  const quote = literal[0];
  if (literal.length < 2 || literal.at(-1) !== quote) return undefined;
  const inner = literal.slice(1, -1);
  if (quote === "`") return inner.replaceAll("\r", "");
  if (quote !== '"') return undefined;
  if (!inner.includes("\\")) return inner.includes("\n") ? undefined : inner;
  return unescapeText(inner);
}

function unescapeText(text: string): string | undefined {
  const bytes: Buffer[] = [];
  let at = 0;
  while (at < text.length) {
    const next = text.indexOf("\\", at);
    if (next === -1) {
      bytes.push(Buffer.from(text.slice(at)));
      break;
    }
    bytes.push(Buffer.from(text.slice(at, next)));
    const rest = text.slice(next + 1);
    const simple = SIMPLE_ESCAPES[rest[0] ?? ""];
    const coded = /^(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/.exec(rest);
    if (simple !== undefined) {
      bytes.push(Buffer.from(simple));
      at = next + 2;
    } else if (coded !== null) {
      const value = codedBytes(coded);
      if (value === undefined) return undefined;
      bytes.push(value);
      at = next + 1 + coded[0].length;
    } else return undefined;
  }
  return Buffer.concat(bytes).toString("utf8");
}

/** `\x` and octal name a byte, `\u` and `\U` a code point. */
function codedBytes(coded: RegExpExecArray): Buffer | undefined {
  const byte = coded[1] !== undefined ? Number.parseInt(coded[1], 16) : Number.parseInt(coded[2] ?? "", 8);
  if (!Number.isNaN(byte)) return byte > 255 ? undefined : Buffer.from([byte]);
  const point = Number.parseInt((coded[3] ?? coded[4])!, 16);
  return point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)
    ? undefined
    : Buffer.from(String.fromCodePoint(point));
}

/** A literal that `unquote` reads back, as Go's `strconv.Quote` writes it for printable text. */
export function quote(text: string): string {
  return JSON.stringify(text).replace(
    /[\x7f\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
