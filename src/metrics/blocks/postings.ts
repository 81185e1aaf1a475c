import type { Matcher } from "../../series/queryable.ts";

/** Series references, ascending, each below 2^32. Borrowed: do not write into them. */
export type Refs = ArrayLike<number>;

export const NO_REFS: Refs = [];

/** The inverted index that head and block have in common. */
export interface PostingsIndex {
  /** All series. */
  all(): Refs;
  /** The values of a label name, in any order. */
  values(name: string): Iterable<string>;
  /** The series that carry this pair. */
  postings(name: string, value: string): Refs;
}

/**
 * The series that match all matchers. A matcher that also matches "" is met by series without the label, so it is
 * answered by taking away the series whose value does not match. Each matcher sees each label value at most once.
 */
export function selectRefs(index: PostingsIndex, matchers: readonly Matcher[]): Refs {
  let selected: Refs | undefined;
  // Equality first: it is the cheapest, and what it leaves is what the others have to look at.
  const ordered = [...matchers].sort((left, right) => cost(left) - cost(right));
  const excluded: Refs[] = [];
  for (const matcher of ordered) {
    if (matcher.matches("")) {
      excluded.push(...refsOfValues(index, matcher, false));
      continue;
    }
    const included = unionDisjoint(refsOfValues(index, matcher, true));
    selected = selected === undefined ? included : intersect(selected, included);
    if (selected.length === 0) return NO_REFS;
  }
  selected ??= index.all();
  for (const refs of excluded) selected = subtract(selected, refs);
  return selected;
}

function cost(matcher: Matcher): number {
  return matcher.type === "=" && matcher.value !== "" ? 0 : 1;
}

/** The postings of each value of the matcher's name for which `matches` gives `wanted`. */
function refsOfValues(index: PostingsIndex, matcher: Matcher, wanted: boolean): Refs[] {
  const literal = (matcher.type === "=" && wanted) || (matcher.type === "!=" && !wanted && matcher.value !== "");
  if (literal) {
    const refs = index.postings(matcher.name, matcher.value);
    return refs.length === 0 ? [] : [refs];
  }
  const found: Refs[] = [];
  for (const value of index.values(matcher.name)) {
    if (matcher.matches(value) === wanted) found.push(index.postings(matcher.name, value));
  }
  return found;
}

/** A series has one value per name, so the lists of one name have no element in common: concatenate and sort. */
function unionDisjoint(lists: readonly Refs[]): Refs {
  if (lists.length === 0) return NO_REFS;
  if (lists.length === 1) return lists[0]!;
  let length = 0;
  for (const list of lists) length += list.length;
  const merged = new Uint32Array(length);
  let at = 0;
  for (const list of lists) {
    merged.set(list, at);
    at += list.length;
  }
  return merged.sort();
}

function intersect(left: Refs, right: Refs): Refs {
  const [few, many] = left.length <= right.length ? [left, right] : [right, left];
  const found: number[] = [];
  let at = 0;
  for (let index = 0; index < few.length && at < many.length; index++) {
    const ref = few[index]!;
    at = lowerBound(many, ref, at);
    if (many[at] === ref) found.push(ref);
  }
  return found;
}

function subtract(from: Refs, taken: Refs): Refs {
  if (taken.length === 0) return from;
  const kept: number[] = [];
  let at = 0;
  for (let index = 0; index < from.length; index++) {
    const ref = from[index]!;
    at = lowerBound(taken, ref, at);
    if (taken[at] !== ref) kept.push(ref);
  }
  return kept;
}

/** First index from `start` on whose element is not below `ref`: gallops, then halves. */
function lowerBound(refs: Refs, ref: number, start: number): number {
  let step = 1;
  let low = start;
  let high = start;
  while (high < refs.length && refs[high]! < ref) {
    low = high + 1;
    high += step;
    step *= 2;
  }
  high = Math.min(high, refs.length);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (refs[middle]! < ref) low = middle + 1;
    else high = middle;
  }
  return low;
}
