import fc from "fast-check";
import { expect, test } from "vitest";
import { entry } from "../testing.ts";
import { RowsBuilder } from "./rows-builder.ts";
import { bloomMayHold, bloomQueryFor, buildTokenBloom } from "./token-bloom.ts";

function bloomOf(lines: readonly string[], metadata: Readonly<Record<string, string>> = {}) {
  const builder = new RowsBuilder();
  for (const [index, line] of lines.entries()) builder.append(entry(index, line, metadata));
  return buildTokenBloom(builder.view())!;
}

const text = fc.string({ unit: fc.constantFrom(...'abcdefghij0189 -_"é'.split("")), maxLength: 80 });

test("bloom: never excludes a block that holds the text, whichever piece of a line it is", () => {
  fc.assert(
    fc.property(
      fc.array(text, { minLength: 1, maxLength: 6 }),
      fc.nat(),
      fc.nat(),
      fc.nat(),
      (lines, which, from, length) => {
        const line = lines[which % lines.length]!;
        const start = from % (line.length + 1);
        const piece = line.slice(start, start + (length % (line.length + 1)));
        expect(bloomMayHold(bloomOf(lines), bloomQueryFor(piece, false))).toBe(true);
      },
    ),
    { numRuns: 500 },
  );
});

test("bloom: never excludes a block that has the value in its metadata", () => {
  fc.assert(
    fc.property(text, (value) => {
      expect(bloomMayHold(bloomOf(["x"], { trace_id: value }), bloomQueryFor(value, true))).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test("bloom: excludes nearly every block that does not hold a trace id", () => {
  const id = (seed: number): string =>
    Array.from({ length: 4 }, (_, part) =>
      ((seed * 2_654_435_761 + part * 40_503) >>> 0).toString(16).padStart(8, "0"),
    ).join("");
  const bloom = bloomOf(Array.from({ length: 500 }, (_, index) => `{"trace_id":"${id(index)}"}`));
  let passed = 0;
  for (let index = 1_000; index < 2_000; index++) if (bloomMayHold(bloom, bloomQueryFor(id(index), false))) passed++;
  expect(passed).toBeLessThan(10);
  expect(bloomQueryFor("ERROR", false)).toEqual([]);
});
