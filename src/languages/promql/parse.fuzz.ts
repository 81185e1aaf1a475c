import fc from "fast-check";
import { expect, test } from "vitest";
import { PromqlError } from "./error.ts";
import { formatExpr } from "./format.ts";
import { parsePromql } from "./parse.ts";

const SEED = 20_260_821;

test("any text is parsed or refused with a place, quickly", () => {
  const pieces = fc.constantFrom(
    ...'sum rate x{ } ( ) [5m] [ ] : , by without on offset @ start() == bool and or unless ^ - + 5m 1e3 "a" \'\\ ` # \n min_of( fill(0) $a é 😀'.split(
      " ",
    ),
  );
  const texts = fc.oneof(
    fc.string({ maxLength: 60 }),
    fc.array(pieces, { maxLength: 25 }).map((list) => list.join(" ")),
  );
  const property = fc.property(texts, (text) => {
    try {
      parsePromql(text);
    } catch (error) {
      expect(error).toBeInstanceOf(PromqlError);
      expect((error as Error).message).toMatch(/^\d+:\d+: parse error: ./);
    }
  });
  fc.assert(property, { seed: SEED, numRuns: 1_500 });
});

const leaf = fc.constantFrom("x", 'up{job="a"}', "1", "5m", "-2", "time()", "x offset 5m", "x @ 5");
const expression = fc.letrec<{ expr: string }>((tie) => ({
  expr: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.tuple(tie("expr"), fc.constantFrom("+", "-", "*", "/", "^", "%"), tie("expr")).map((parts) => parts.join(" ")),
    tie("expr").map((inner) => `(${inner})`),
    tie("expr").map((inner) => `-${inner}`),
    tie("expr").map((inner) => `sum by (job) (vector(scalar(vector(1))) + ${inner})`),
  ),
})).expr;

test("what is printed reads back as the same", () => {
  const property = fc.property(expression, (text) => {
    const printed = formatExpr(parsePromql(text));
    expect(formatExpr(parsePromql(printed))).toBe(printed);
  });
  fc.assert(property, { seed: SEED, numRuns: 500 });
});
