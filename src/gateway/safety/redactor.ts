import type { Config } from "../../config/schema.ts";
import { compileRegex, type Regex } from "../../series/regex.ts";
import { isObject, type JsonObject } from "../json.ts";
import { PRIVATE_KEY, SECRET_AFTER_NAME, SECRET_IN_URL, SECRET_SHAPES } from "./secret-patterns.ts";

/** A configured secret that is shorter is a word rather than a secret; replacing it would damage every text. */
const SECRET_CHARS_MIN = 8;
/** Digits of a payment card (ISO/IEC 7812). */
const CARD_DIGITS = { min: 13, max: 19 } as const;
const CARD_LIKE = /(?<![\d.-])\d(?:[ -]?\d){12,18}(?![\d-])/g;
const MAILBOX_CHARS_MAX = 64;
const DOMAIN_CHARS_MAX = 253;
const MAILBOX_CHAR = /[A-Za-z0-9.!#$%&'*+/=?^_`{|}~\u00a1-\uffff-]/;
const DOMAIN = /^[A-Za-z0-9\u00a1-\uffff](?:[A-Za-z0-9.\u00a1-\uffff-]{0,252})/;
/** Base64 data in content is no text; its size is all that is worth keeping. */
const DATA_CHARS_MIN = 256;
const DATA_URL = /^data:([\w.+/-]{0,80})[^,]{0,80};base64,/;

type Rules = Config["gateway"]["safety"]["redaction"];

export interface RedactorOptions {
  readonly rules: Rules;
  /** Secrets by their value: keys of this installation and of its providers. */
  readonly secrets: readonly (string | undefined)[];
}

/** Takes secrets and personal data out of texts, in linear time whatever the text. */
export class Redactor {
  readonly #rules: Rules;
  #secrets: readonly string[] = [];
  readonly #patterns: readonly { readonly mark: string; readonly regex: Regex }[];

  /** @throws RegexError where a configured pattern is none. */
  constructor({ rules, secrets }: RedactorOptions) {
    this.#rules = rules;
    this.know(secrets);
    this.#patterns = rules.patterns.map(({ name, pattern }) => ({
      mark: `<redacted:${name}>`,
      regex: compileRegex(pattern),
    }));
  }

  /** Takes these secrets for the ones to look for. */
  know(secrets: readonly (string | undefined)[]): void {
    this.#secrets = secrets.filter((secret) => secret !== undefined && secret.length >= SECRET_CHARS_MIN) as string[];
  }

  text(text: string): string {
    let clean = text;
    for (const secret of this.#secrets) if (clean.includes(secret)) clean = clean.replaceAll(secret, "<redacted:key>");
    if (this.#rules.keys) {
      clean = clean
        .replace(PRIVATE_KEY, "<redacted:private-key>")
        .replace(SECRET_SHAPES, "<redacted:key>")
        .replace(SECRET_AFTER_NAME, "$1<redacted:secret>")
        .replace(SECRET_IN_URL, "$1<redacted:secret>");
    }
    if (this.#rules.cards) clean = clean.replace(CARD_LIKE, (digits) => (isCard(digits) ? "<redacted:card>" : digits));
    if (this.#rules.email && clean.includes("@")) clean = withoutAddresses(clean);
    for (const { mark, regex } of this.#patterns) {
      if (regex.matchesPart(clean)) clean = regex.replaceAll(clean, mark.replaceAll("$", ""));
    }
    return clean;
  }

  /**
   * A copy of a JSON value with every text redacted, member names too, and base64 data replaced by its size. Nesting is
   * bounded by the parser that made the value.
   */
  value(value: unknown): unknown {
    if (typeof value === "string") return this.text(withoutData(value));
    if (Array.isArray(value)) return value.map((item) => this.value(item));
    if (!isObject(value)) return value;
    const copy: JsonObject = {};
    for (const [name, member] of Object.entries(value)) {
      const own = { value: this.value(member), enumerable: true, configurable: true, writable: true };
      Object.defineProperty(copy, this.text(name), own); // Also where the name is `__proto__`.
    }
    return copy;
  }
}

/** Luhn's sum and a leading digit that card networks use. */
function isCard(text: string): boolean {
  const digits = text.replaceAll(/[ -]/g, "");
  if (digits.length < CARD_DIGITS.min || digits.length > CARD_DIGITS.max || !/^[2-6]/.test(digits)) return false;
  let sum = 0;
  for (let index = digits.length - 1, double = false; index >= 0; index--, double = !double) {
    const digit = digits.charCodeAt(index) - 0x30;
    sum += double ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit;
  }
  return sum % 10 === 0;
}

/** From each `@` outwards, at most as far as an address reaches: no pattern that could start everywhere. */
function withoutAddresses(text: string): string {
  let clean = "";
  let copied = 0;
  for (let at = text.indexOf("@"); at >= 0; at = text.indexOf("@", at + 1)) {
    let start = at;
    const first = Math.max(copied, at - MAILBOX_CHARS_MAX);
    while (start > first && MAILBOX_CHAR.test(text[start - 1]!)) start--;
    if (start === at) continue;
    const domain = DOMAIN.exec(text.slice(at + 1, at + 1 + DOMAIN_CHARS_MAX))?.[0].replace(/[.-]+$/, "") ?? "";
    const dot = domain.lastIndexOf(".");
    if (dot <= 0 || domain.length - dot < 3 || domain.includes("..")) continue;
    clean += `${text.slice(copied, start)}<redacted:email>`;
    copied = at + 1 + domain.length;
  }
  return copied === 0 ? text : clean + text.slice(copied);
}

function withoutData(text: string): string {
  if (text.length < DATA_CHARS_MIN) return text;
  const url = DATA_URL.exec(text.slice(0, DATA_CHARS_MIN));
  if (url !== null) return `<data ${url[1]}, ${text.length} characters>`;
  return /^[A-Za-z0-9+/_-]{256}/.test(text) && /^[A-Za-z0-9+/_=\s-]+$/.test(text)
    ? `<data, ${text.length} characters>`
    : text;
}
