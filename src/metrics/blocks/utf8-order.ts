import type { Labels } from "../../series/labels.ts";

/**
 * Order of texts by their UTF-8 bytes, as Go compares strings and block files are sorted. It differs from JavaScript's
 * order by UTF-16 units only where a surrogate pair meets a character from U+E000 to U+FFFF.
 */
export function compareUtf8(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a !== b) return rank(a) - rank(b);
  }
  return left.length - right.length;
}

/** Order of label sets in a block: pair by pair, a prefix first. Source: Prometheus model/labels, Compare. */
export function compareLabelsUtf8(left: Labels, right: Labels): number {
  const length = Math.min(left.pairs.length, right.pairs.length);
  for (let index = 0; index < length; index++) {
    const order = compareUtf8(left.pairs[index]!, right.pairs[index]!);
    if (order !== 0) return order;
  }
  return left.pairs.length - right.pairs.length;
}

/** Surrogates stand for characters above all that one unit can hold. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}
