import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type SpansetOp, structuralOps } from "../../languages/traceql/ast.ts";
import type { SpanBlock } from "../store/span-block.ts";
import { combineSpansets } from "./structural.ts";

/** A tree in which each row's parent comes before it (or is none), and two sets of its rows. */
const forest = fc
  .array(fc.tuple(fc.nat(), fc.boolean(), fc.boolean(), fc.boolean()), { minLength: 1, maxLength: 12 })
  .map((rows) => ({
    parents: Int32Array.from(rows, ([parent, isRoot], row) => (isRoot || row === 0 ? -1 : parent % row)),
    left: rows.flatMap(([, , inLeft], row) => (inLeft ? [row] : [])),
    right: rows.flatMap(([, , , inRight], row) => (inRight ? [row] : [])),
  }));

/** The definition of each relation: does row `b` (of the right side) stand in it to row `a` (of the left side)? */
const DEFINITIONS: Record<string, (a: number, b: number, parents: Int32Array) => boolean> = {
  ">": (a, b, parents) => parents[b] === a,
  ">>": (a, b, parents) => isAncestor(a, b, parents),
  "<": (a, b, parents) => parents[a] === b,
  "<<": (a, b, parents) => isAncestor(b, a, parents),
  "~": (a, b, parents) => a !== b && parents[a] === parents[b] && parents[a] !== -1,
};

function isAncestor(above: number, row: number, parents: Int32Array): boolean {
  for (let next = parents[row]!; next !== -1; next = parents[next]!) if (next === above) return true;
  return false;
}

function combine(op: SpansetOp, left: number[], right: number[], parents: Int32Array): number[] {
  const marks = new Uint8Array(parents.length);
  const result = combineSpansets(op, left, right, { parentRows: parents } as SpanBlock, marks);
  expect(marks.every((mark) => mark === 0)).toBe(true);
  return result;
}

describe("structural operators", () => {
  for (const op of structuralOps) {
    const holds = DEFINITIONS[op]!;
    test(`${op}, its negation and its union follow the definition`, () => {
      fc.assert(
        fc.property(forest, ({ parents, left, right }) => {
          const related = right.filter((b) => left.some((a) => holds(a, b, parents)));
          expect(combine(op, left, right, parents)).toEqual(related);
          expect(combine(`!${op}`, left, right, parents)).toEqual(right.filter((row) => !related.includes(row)));
          const partners = left.filter((a) => right.some((b) => holds(a, b, parents)));
          const both = [...new Set([...related, ...partners])].sort((a, b) => a - b);
          expect(combine(`&${op}`, left, right, parents)).toEqual(both);
        }),
      );
    });
  }

  test("&& needs both sides, || either; rows come once and in order", () => {
    fc.assert(
      fc.property(forest, ({ parents, left, right }) => {
        const all = [...new Set([...left, ...right])].sort((a, b) => a - b);
        expect(combine("||", left, right, parents)).toEqual(all);
        expect(combine("&&", left, right, parents)).toEqual(left.length > 0 && right.length > 0 ? all : []);
      }),
    );
  });
});
