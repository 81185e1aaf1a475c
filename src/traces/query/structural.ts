import type { SpansetOp } from "../../languages/traceql/ast.ts";
import type { SpanBlock } from "../store/span-block.ts";

/**
 * Spansets of one trace combined by an operator. Rows are ascending. Structural operators walk the column of parent
 * rows; `marks` is scratch of the block's size, all zero before and after.
 */
export function combineSpansets(
  op: SpansetOp,
  left: readonly number[],
  right: readonly number[],
  block: SpanBlock,
  marks: Uint8Array,
): number[] {
  if (op === "&&") return left.length > 0 && right.length > 0 ? union(left, right) : [];
  if (op === "||") return union(left, right);
  const relation = op.replace(/^[!&]/, "") as keyof typeof RELATED;
  if (op.startsWith("&")) {
    const inverse = INVERSE[relation];
    return union(related(relation, left, right, block, marks), related(inverse, right, left, block, marks));
  }
  const matching = related(relation, left, right, block, marks);
  if (!op.startsWith("!")) return matching;
  const found = new Set(matching);
  return right.filter((row) => !found.has(row));
}

/** Rows of two ascending lists, each once, ascending. */
export function union(left: readonly number[], right: readonly number[]): number[] {
  const merged: number[] = [];
  let a = 0;
  let b = 0;
  while (a < left.length || b < right.length) {
    const fromLeft = left[a] ?? Number.POSITIVE_INFINITY;
    const fromRight = right[b] ?? Number.POSITIVE_INFINITY;
    merged.push(Math.min(fromLeft, fromRight));
    if (fromLeft <= fromRight) a++;
    if (fromRight <= fromLeft) b++;
  }
  return merged;
}

/** What a walk towards the root knows of a row; `In` is the set that the walk looks for. */
const Mark = { None: 0, In: 1, Below: 2, NotBelow: 3 } as const;

/** Whether `row` or an ancestor is marked `In`. Leaves what it learned in `marks`, so that all walks together are linear. */
function hasMarkAbove(row: number, parents: Int32Array, marks: Uint8Array, visited: number[]): boolean {
  const first = visited.length;
  let next = row;
  while (next !== -1 && marks[next] === Mark.None) {
    visited.push(next);
    next = parents[next]!;
  }
  const found = next !== -1 && marks[next] !== Mark.NotBelow;
  for (let index = first; index < visited.length; index++) marks[visited[index]!] = found ? Mark.Below : Mark.NotBelow;
  return found;
}

type Relation = (left: readonly number[], right: readonly number[], parents: Int32Array, marks: Uint8Array) => number[];

/** Which rows of `right` stand in the relation to some row of `left`. */
const RELATED = {
  ">": (left, right, parents, marks) =>
    withMarks(left, marks, () => right.filter((row) => parents[row] !== -1 && marks[parents[row]!] === 1)),
  ">>": (left, right, parents, marks) =>
    withMarks(left, marks, () => {
      const visited: number[] = [];
      const found = right.filter((row) => hasMarkAbove(parents[row]!, parents, marks, visited));
      for (const row of visited) marks[row] = Mark.None;
      return found;
    }),
  "<": (left, right, parents, marks) => {
    const above = left.map((row) => parents[row]!).filter((row) => row !== -1);
    return withMarks(above, marks, () => right.filter((row) => marks[row] === 1));
  },
  "<<": (left, right, parents, marks) => {
    const above: number[] = [];
    for (const row of left) {
      // Stops where an earlier walk has been, so that all walks together are linear.
      for (let next = parents[row]!; next !== -1 && marks[next] === 0; next = parents[next]!) {
        marks[next] = 1;
        above.push(next);
      }
    }
    const found = right.filter((row) => marks[row] === 1);
    for (const row of above) marks[row] = 0;
    return found;
  },
  "~": (left, right, parents) => {
    const siblings = new Map<number, number>();
    for (const row of left) siblings.set(parents[row]!, (siblings.get(parents[row]!) ?? 0) + 1);
    const inLeft = new Set(left);
    return right.filter((row) => {
      if (parents[row] === -1) return false;
      // A span is no sibling of itself.
      return (siblings.get(parents[row]!) ?? 0) > (inLeft.has(row) ? 1 : 0);
    });
  },
} satisfies Record<string, Relation>;

const INVERSE: Readonly<Record<keyof typeof RELATED, keyof typeof RELATED>> = {
  ">": "<",
  ">>": "<<",
  "<": ">",
  "<<": ">>",
  "~": "~",
};

function related(
  relation: keyof typeof RELATED,
  left: readonly number[],
  right: readonly number[],
  block: SpanBlock,
  marks: Uint8Array,
): number[] {
  return left.length === 0 || right.length === 0 ? [] : RELATED[relation](left, right, block.parentRows, marks);
}

function withMarks(rows: readonly number[], marks: Uint8Array, work: () => number[]): number[] {
  for (const row of rows) marks[row] = 1;
  const result = work();
  for (const row of rows) marks[row] = 0;
  return result;
}
