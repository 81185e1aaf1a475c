import { RE2JS, RE2JSException } from "re2js";

/** Compiled patterns kept; the oldest is dropped first. Bounds the memory that hostile queries can pin. */
const CACHED_PATTERNS_MAX = 1_024;
/** Alternatives of a pattern that is only literals (`a|b|c`), kept as a set. */
const LITERALS_MAX = 4_096;

/**
 * A regular expression with RE2 semantics (linear time, Go's syntax). `.` matches a newline, as Prometheus and Loki
 * compile their matchers.
 */
export interface Regex {
  readonly pattern: string;
  /** Whether the whole text matches (`^(?s:pattern)$`). */
  matchesWhole(text: string): boolean;
  /** Whether any part of the text matches. */
  matchesPart(text: string): boolean;
  /** Groups of a match of the whole text, group 0 first, `undefined` for a group that took no part; or undefined. */
  groupsOfWhole(text: string): (string | undefined)[] | undefined;
  /** The text with every match replaced; `$1` and `${name}` stand for groups. */
  replaceAll(text: string, replacement: string): string;
  /** Number of the named group, by name. */
  readonly groupNames: Readonly<Record<string, number>>;
}

/** A pattern that RE2 refuses; the message is Go's (`error parsing regexp: …`). */
export class RegexError extends Error {
  override readonly name = "RegexError";
}

const cache = new Map<string, Regex>();

/** Compiles `pattern`, or takes it from the cache. @throws RegexError where the syntax is wrong. */
export function compileRegex(pattern: string): Regex {
  const known = cache.get(pattern);
  if (known !== undefined) return known;
  const compiled = new CompiledRegex(pattern);
  if (cache.size >= CACHED_PATTERNS_MAX) cache.delete(cache.keys().next().value!);
  cache.set(pattern, compiled);
  return compiled;
}

class CompiledRegex implements Regex {
  readonly pattern: string;
  readonly #re2: RE2JS;
  readonly #fast: ((text: string) => boolean) | undefined;

  constructor(pattern: string) {
    this.pattern = pattern;
    try {
      this.#re2 = RE2JS.compile(pattern, RE2JS.DOTALL);
    } catch (error) {
      if (error instanceof RE2JSException) throw new RegexError(error.message.replace("`(?s)", "`"));
      throw error;
    }
    this.#fast = literalMatcher(pattern);
  }

  get groupNames(): Readonly<Record<string, number>> {
    return this.#re2.namedGroups();
  }

  matchesWhole(text: string): boolean {
    return this.#fast === undefined ? this.#re2.testExact(text) : this.#fast(text);
  }

  matchesPart(text: string): boolean {
    return this.#re2.test(text);
  }

  replaceAll(text: string, replacement: string): string {
    return this.#re2.matcher(text).replaceAll(replacement);
  }

  groupsOfWhole(text: string): (string | undefined)[] | undefined {
    const matcher = this.#re2.matcher(text);
    if (!matcher.matches()) return undefined;
    const groups: (string | undefined)[] = [];
    for (let index = 0; index <= matcher.groupCount(); index++) groups.push(matcher.group(index) ?? undefined);
    return groups;
  }
}

/** Characters that mean themselves in RE2 outside a class. */
const LITERAL = /^[^\\.+*?()|[\]{}^$]*$/;

/**
 * A whole-text test without an automaton for the shapes that most queries use: alternations of literals, and one
 * literal with `.*` or `.+` before or after it. Undefined for every other pattern.
 */
function literalMatcher(pattern: string): ((text: string) => boolean) | undefined {
  const inner = /^\(\?:([^()]*)\)$|^\(([^()]*)\)$/.exec(pattern);
  const body = inner?.[1] ?? inner?.[2] ?? pattern;
  const alternatives = body.split("|");
  if (alternatives.length <= LITERALS_MAX && alternatives.every((text) => LITERAL.test(text))) {
    const set = new Set(alternatives);
    return (text) => set.has(text);
  }
  const wild = /^(\.[*+])?([^\\.+*?()|[\]{}^$]*)(\.[*+])?$/.exec(pattern);
  if (wild === null) return undefined;
  const before = wild[1];
  const literal = wild[2]!;
  const after = wild[3];
  if (literal === "") return before !== undefined && after !== undefined ? undefined : anything(before ?? after);
  const least = (before === ".+" ? 1 : 0) + (after === ".+" ? 1 : 0);
  if (before === undefined) return (text) => text.startsWith(literal) && text.length >= literal.length + least;
  if (after === undefined) return (text) => text.endsWith(literal) && text.length >= literal.length + least;
  return (text) => {
    // The first place that leaves `before` enough is also the one that leaves `after` most.
    const at = text.indexOf(literal, before === ".+" ? 1 : 0);
    return at !== -1 && at + literal.length <= text.length - (after === ".+" ? 1 : 0);
  };
}

function anything(wild: string | undefined): ((text: string) => boolean) | undefined {
  if (wild === undefined) return undefined;
  return wild === ".*" ? () => true : (text) => text !== "";
}
