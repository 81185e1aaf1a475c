import { compileRegex } from "../../series/regex.ts";
import type { LineFilterStage } from "./ast.ts";
import { compileIpPattern } from "./ip-match.ts";
import { parsePattern, patternFilterMatches } from "./pattern.ts";

/** One compiled line filter. */
export interface LineFilter {
  test(line: string): boolean;
  /**
   * Text that every line that passes contains, "" where none is known. A store uses it to skip blocks and to jump
   * from occurrence to occurrence; `exact` says that containing it is also enough.
   */
  readonly needle: string;
  readonly exact: boolean;
}

/** Compiles a line filter. @throws Error (RegexError for a bad pattern) worded for the user. */
export function compileLineFilter(stage: LineFilterStage): LineFilter {
  const negative = stage.op.startsWith("!");
  const tests = stage.values.map((value) => testOf(stage.op, value));
  const any = tests.length === 1 ? tests[0]! : (line: string) => tests.some((test) => test(line));
  const only = stage.values.length === 1 && !stage.values[0]!.ip ? stage.values[0]!.text : undefined;
  const needle = negative || only === undefined ? "" : needleOf(stage.op, only);
  return {
    test: negative ? (line) => !any(line) : any,
    needle,
    exact: stage.op === "|=" && only !== undefined,
  };
}

function testOf(op: LineFilterStage["op"], value: { text: string; ip: boolean }): (line: string) => boolean {
  const { text } = value;
  if (value.ip) return compileIpPattern(text);
  if (op === "|=" || op === "!=") return (line) => line.includes(text);
  if (op === "|>" || op === "!>") {
    const parts = parsePattern(text, true);
    return (line) => patternFilterMatches(line, parts);
  }
  return regexTest(text);
}

/** Alternatives that mean themselves, case ignored or not: the shape of most line filters people write. */
const PLAIN_ALTERNATIVES = /^(\(\?i\))?\(?((?:[\w \-/:=",]|\.\?|\|)+)\)?$/;

/** V8 tries every way to take optional characters: this many at most keep that below a few hundred. */
const OPTIONALS_MAX = 8;

/**
 * Whether the pattern occurs in a line. Patterns made of literals and optional single characters run on V8's engine,
 * which is several times faster: they are bounded alternations without repetition, so they cannot backtrack far.
 */
function regexTest(pattern: string): (line: string) => boolean {
  const regex = compileRegex(pattern);
  const plain = PLAIN_ALTERNATIVES.exec(pattern);
  if (plain === null || pattern.split(".?").length > OPTIONALS_MAX) return (line) => regex.matchesPart(line);
  const fast = new RegExp(plain[2]!, plain[1] === undefined ? "s" : "si");
  // Case folding differs between the engines outside ASCII (the Kelvin sign, the long s): there RE2 decides.
  return (line) => fast.test(line) || (plain[1] !== undefined && hasFoldingSurprise(line) && regex.matchesPart(line));
}

function hasFoldingSurprise(line: string): boolean {
  return /[\u017f\u212a]/.test(line);
}

function needleOf(op: LineFilterStage["op"], text: string): string {
  if (op === "|=") return text;
  if (op === "|~") return /^[\w \-/:=",]+$/.test(text) ? text : "";
  return "";
}
