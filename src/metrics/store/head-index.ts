import type { Labels } from "../../series/labels.ts";
import { NO_REFS, type PostingsIndex, type Refs } from "../blocks/postings.ts";

/** The head's inverted index. It also interns: equal label strings of all series are one string in memory. */
export class HeadIndex implements PostingsIndex {
  /**
   * name → value → refs. Plain arrays of small integers: references grow upwards, so appending keeps them sorted, and
   * for the many pairs with one series nothing is smaller.
   */
  readonly #postings = new Map<string, Map<string, number[]>>();
  /** Each string once, as itself. */
  readonly #strings = new Map<string, string>();
  #all: number[] = [];
  #pairs = 0;

  /** Different name="value" pairs. */
  get pairs(): number {
    return this.#pairs;
  }

  /** The labels with interned strings, flat; makes the caller's copies garbage. */
  intern(labels: Labels): string[] {
    return labels.pairs.map((text) => {
      const known = this.#strings.get(text);
      if (known !== undefined) return known;
      this.#strings.set(text, text);
      return text;
    });
  }

  /** Enters a series whose ref is larger than all before. */
  add(ref: number, labels: Labels): void {
    this.#all.push(ref);
    const { pairs } = labels;
    for (let index = 0; index < pairs.length; index += 2) {
      let values = this.#postings.get(pairs[index]!);
      if (values === undefined) {
        values = new Map();
        this.#postings.set(pairs[index]!, values);
      }
      const refs = values.get(pairs[index + 1]!);
      if (refs === undefined) {
        values.set(pairs[index + 1]!, [ref]);
        this.#pairs++;
      } else refs.push(ref);
    }
  }

  /** Forgets series; `labels` are those of the removed ones. Strings that no series uses any more go too. */
  remove(removed: ReadonlySet<number>, labels: Iterable<Labels>): void {
    if (removed.size === 0) return;
    this.#all = this.#all.filter((ref) => !removed.has(ref));
    // Each pair once: most of the removed series share most of their pairs.
    const touched = new Map<string, Set<string>>();
    for (const { pairs } of labels) {
      for (let index = 0; index < pairs.length; index += 2) {
        const values = touched.get(pairs[index]!);
        if (values === undefined) touched.set(pairs[index]!, new Set([pairs[index + 1]!]));
        else values.add(pairs[index + 1]!);
      }
    }
    for (const [name, values] of touched) for (const value of values) this.#prune(name, value, removed);
    this.#strings.clear();
    for (const [name, values] of this.#postings) {
      this.#strings.set(name, name);
      for (const value of values.keys()) this.#strings.set(value, value);
    }
  }

  all(): Refs {
    return this.#all;
  }

  names(): Iterable<string> {
    return this.#postings.keys();
  }

  values(name: string): Iterable<string> {
    return this.#postings.get(name)?.keys() ?? [];
  }

  postings(name: string, value: string): Refs {
    return this.#postings.get(name)?.get(value) ?? NO_REFS;
  }

  /** Every name with its values and their refs, for statistics and the block writer. */
  entries(): Iterable<[string, ReadonlyMap<string, readonly number[]>]> {
    return this.#postings.entries();
  }

  #prune(name: string, value: string, removed: ReadonlySet<number>): void {
    const values = this.#postings.get(name);
    const refs = values?.get(value);
    if (values === undefined || refs === undefined) return;
    const kept = refs.filter((ref) => !removed.has(ref));
    if (kept.length === refs.length) return;
    if (kept.length > 0) {
      values.set(value, kept);
      return;
    }
    values.delete(value);
    this.#pairs--;
    if (values.size === 0) this.#postings.delete(name);
  }
}
