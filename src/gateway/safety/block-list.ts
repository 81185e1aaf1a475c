import { compileRegex, type Regex } from "../../series/regex.ts";
import type { JsonObject } from "../json.ts";
import { visitTexts } from "./request-texts.ts";

/** Longest text of one request that is searched; what is longer is refused, or padding would hide anything. */
const SEARCHED_CHARS_MAX = 2 * 1024 * 1024;
const WORDS_MAX = 20_000;
const PATTERNS_MAX = 200;
const PATTERN_CHARS_MAX = 2_000;
/** Words of the longest phrase. */
const PHRASE_WORDS_MAX = 12;
/** Signs that show nothing and break words apart, and marks on letters. */
const INVISIBLE = /[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]|\p{M}/gu;
const WORD = /[\p{L}\p{N}_]+/gu;

export interface BlockListOptions {
  /** Words and phrases; case, accents and what stands between the words do not count. */
  readonly words?: readonly string[];
  /** RE2 patterns, searched in the text as it came. */
  readonly patterns?: readonly string[];
  /** What the client is told instead of the standard sentence; never the word that was found. */
  readonly message?: string;
}

/** Finds what a prompt must not contain. Time grows with the text, not with the number of words on the list. */
export class BlockList {
  readonly #phrases = new Set<string>();
  readonly #patterns: readonly Regex[];
  #phraseWordsMax = 0;

  /** @throws Error that says what is wrong with the options; RegexError for a pattern that is none. */
  constructor(options: BlockListOptions) {
    const { words = [], patterns = [] } = options;
    if (words.length > WORDS_MAX) throw new Error(`${words.length} words; the limit is ${WORDS_MAX}`);
    if (patterns.length > PATTERNS_MAX) throw new Error(`${patterns.length} patterns; the limit is ${PATTERNS_MAX}`);
    for (const word of words) {
      const parts = wordsOf(String(word));
      if (parts.length === 0 || parts.length > PHRASE_WORDS_MAX) {
        throw new Error(`${JSON.stringify(word)} must have 1 to ${PHRASE_WORDS_MAX} words`);
      }
      this.#phrases.add(parts.join(" "));
      this.#phraseWordsMax = Math.max(this.#phraseWordsMax, parts.length);
    }
    const long = patterns.find((pattern) => String(pattern).length > PATTERN_CHARS_MAX);
    if (long !== undefined) throw new Error(`a pattern is longer than ${PATTERN_CHARS_MAX} characters`);
    this.#patterns = patterns.map((pattern) => compileRegex(String(pattern)));
  }

  /** Which rule a request breaks: `word`, `pattern`, or `length` where it is too long to be searched; else undefined. */
  check(body: JsonObject): "word" | "pattern" | "length" | undefined {
    let found: "word" | "pattern" | "length" | undefined;
    let chars = 0;
    visitTexts(body, (text) => {
      chars += text.length;
      if (chars > SEARCHED_CHARS_MAX) found ??= "length";
      else if (found === undefined) found = this.#search(text);
      return text;
    });
    return found;
  }

  #search(text: string): "word" | "pattern" | undefined {
    if (this.#patterns.some((pattern) => pattern.matchesPart(text))) return "pattern";
    if (this.#phrases.size === 0) return undefined;
    const words = wordsOf(text);
    for (let start = 0; start < words.length; start++) {
      let phrase = words[start]!;
      if (this.#phrases.has(phrase)) return "word";
      const end = Math.min(words.length, start + this.#phraseWordsMax);
      for (let next = start + 1; next < end; next++) {
        phrase += ` ${words[next]}`;
        if (this.#phrases.has(phrase)) return "word";
      }
    }
    return undefined;
  }
}

/** Words as they compare: compatibility forms resolved, without marks and invisible signs, lower case. */
function wordsOf(text: string): string[] {
  return text.normalize("NFKD").replace(INVISIBLE, "").toLowerCase().match(WORD) ?? [];
}
