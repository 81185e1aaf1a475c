import { type SpanBlock, startOffsetNs } from "../store/span-block.ts";

/** Nested-set numbers of a block's spans, per trace: a descendant's interval lies within its ancestor's. */
export interface NestedSets {
  readonly left: Int32Array;
  readonly right: Int32Array;
  /** `left` of the parent; -1 for a root, 0 for a span whose parent is missing. */
  readonly parent: Int32Array;
}

/** What follows from a block's columns and is computed when a query first asks for it. */
export class BlockFacts {
  readonly block: SpanBlock;
  #traceOf: Uint32Array | undefined;
  #roots: Int32Array | undefined;
  #traceDurations: Float64Array | undefined;
  #nested: NestedSets | undefined;
  #childCounts: Uint32Array | undefined;

  constructor(block: SpanBlock) {
    this.block = block;
  }

  /** Trace by row. */
  get traceOf(): Uint32Array {
    if (this.#traceOf === undefined) {
      const { rowCount, traceCount, traceStarts } = this.block;
      this.#traceOf = new Uint32Array(rowCount);
      for (let trace = 0; trace < traceCount; trace++)
        this.#traceOf.fill(trace, traceStarts[trace], traceStarts[trace + 1]);
    }
    return this.#traceOf;
  }

  /** Row of the root span by trace, or -1 where it has not arrived. */
  get roots(): Int32Array {
    if (this.#roots === undefined) {
      const { traceCount, traceStarts } = this.block;
      this.#roots = new Int32Array(traceCount).fill(-1);
      for (let trace = 0; trace < traceCount; trace++) {
        for (let row = traceStarts[trace]!; row < traceStarts[trace + 1]!; row++) {
          if (!this.isRoot(row)) continue;
          this.#roots[trace] = row;
          break;
        }
      }
    }
    return this.#roots;
  }

  /** True for a span that names no parent. */
  isRoot(row: number): boolean {
    const { parentIds } = this.block;
    for (let index = row * 8; index < row * 8 + 8; index++) if (parentIds[index] !== 0) return false;
    return true;
  }

  /** From the first start to the last end, ns, by trace. */
  get traceDurations(): Float64Array {
    if (this.#traceDurations === undefined) {
      const { traceCount, traceStarts, durationNs } = this.block;
      this.#traceDurations = new Float64Array(traceCount);
      for (let trace = 0; trace < traceCount; trace++) {
        const first = traceStarts[trace]!;
        let end = 0;
        for (let row = first; row < traceStarts[trace + 1]!; row++) {
          end = Math.max(end, startOffsetNs(this.block, first, row) + durationNs[row]!);
        }
        this.#traceDurations[trace] = end;
      }
    }
    return this.#traceDurations;
  }

  get childCounts(): Uint32Array {
    if (this.#childCounts === undefined) {
      this.#childCounts = new Uint32Array(this.block.rowCount);
      for (const parent of this.block.parentRows) if (parent !== -1) this.#childCounts[parent]!++;
    }
    return this.#childCounts;
  }

  get nested(): NestedSets {
    this.#nested ??= numberNestedSets(this);
    return this.#nested;
  }
}

function numberNestedSets(facts: BlockFacts): NestedSets {
  const { rowCount, traceCount, traceStarts, parentRows } = facts.block;
  const left = new Int32Array(rowCount);
  const right = new Int32Array(rowCount);
  const parent = new Int32Array(rowCount);
  // Children as linked lists, in order of their start.
  const firstChild = new Int32Array(rowCount).fill(-1);
  const nextSibling = new Int32Array(rowCount).fill(-1);
  for (let row = rowCount - 1; row >= 0; row--) {
    const above = parentRows[row]!;
    if (above === -1) continue;
    nextSibling[row] = firstChild[above]!;
    firstChild[above] = row;
  }
  for (let trace = 0; trace < traceCount; trace++) {
    let next = 1;
    for (let root = traceStarts[trace]!; root < traceStarts[trace + 1]!; root++) {
      if (parentRows[root] !== -1 || !facts.isRoot(root)) continue;
      parent[root] = -1;
      // An explicit walk: traces may be deeper than the call stack.
      let row = root;
      left[row] = next++;
      while (true) {
        const child = firstChild[row]!;
        if (child !== -1) {
          parent[child] = left[row]!;
          left[child] = next++;
          row = child;
          continue;
        }
        right[row] = next++;
        while (row !== root && nextSibling[row] === -1) {
          row = parentRows[row]!;
          right[row] = next++;
        }
        if (row === root) break;
        const above = parentRows[row]!;
        row = nextSibling[row]!;
        parent[row] = left[above]!;
        left[row] = next++;
      }
    }
  }
  return { left, right, parent };
}
