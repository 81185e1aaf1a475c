import type { LRParser, Stack } from "@lezer/lr";

/** Decides which term a word is, or -1 where it stays an identifier. */
export type Specializer = (value: string, stack: Stack) => number;

/**
 * The official grammars look words up in plain objects, where `constructor` and `__proto__` are found although no
 * one put them there. The parser returned takes them as the identifiers that they are.
 */
export function withoutInheritedWords(parser: LRParser): LRParser {
  const { specializerSpecs } = parser as unknown as { specializerSpecs: readonly { external?: Specializer }[] };
  const externals = specializerSpecs.flatMap(({ external }) => external ?? []);
  return parser.configure({
    specializers: externals.map((from) => ({
      from,
      to: (value, stack) => (value.toLowerCase() in Object.prototype ? -1 : from(value, stack)),
    })),
  });
}
