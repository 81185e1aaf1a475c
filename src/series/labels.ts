/** The metric's own name travels as an ordinary label. */
export const METRIC_NAME = "__name__";

/**
 * An immutable label set: flat `[name, value, name, value, …]`, sorted by name (UTF-16 order), no empty values,
 * no name twice. Flat strings keep one array per series instead of one object per label.
 */
export class Labels {
  static readonly EMPTY = new Labels([]);
  /** Sorted flat pairs; read only. */
  readonly pairs: readonly string[];
  #key: string | undefined;

  private constructor(pairs: readonly string[]) {
    this.pairs = pairs;
  }

  /** From pairs that are already sorted, unique and free of empty values; the array is kept, not copied. */
  static fromSorted(pairs: readonly string[]): Labels {
    return pairs.length === 0 ? Labels.EMPTY : new Labels(pairs);
  }

  /** From any order; an empty value means "no such label", and of equal names the last one wins. */
  static fromEntries(entries: Iterable<readonly [string, string]>): Labels {
    const last = new Map<string, string>();
    for (const [name, value] of entries) last.set(name, value);
    const names = [...last.keys()].filter((name) => last.get(name) !== "").sort(compareNames);
    const pairs: string[] = [];
    for (const name of names) pairs.push(name, last.get(name)!);
    return Labels.fromSorted(pairs);
  }

  static fromRecord(record: Readonly<Record<string, string>>): Labels {
    return Labels.fromEntries(Object.entries(record));
  }

  get size(): number {
    return this.pairs.length / 2;
  }

  /** The value of `name`, or "" where the label is absent (as Prometheus treats them alike). */
  get(name: string): string {
    const { pairs } = this;
    for (let index = 0; index < pairs.length; index += 2) if (pairs[index] === name) return pairs[index + 1]!;
    return "";
  }

  has(name: string): boolean {
    return this.get(name) !== "";
  }

  /** A string that is equal exactly for equal label sets; for map keys. Computed once. */
  get key(): string {
    this.#key ??= this.pairs.join("\xff");
    return this.#key;
  }

  /** A copy with `name` set to `value`; an empty value removes the label. */
  with(name: string, value: string): Labels {
    const next: string[] = [];
    let placed = value === "";
    for (let index = 0; index < this.pairs.length; index += 2) {
      const current = this.pairs[index]!;
      if (!placed && compareNames(name, current) <= 0) {
        next.push(name, value);
        placed = true;
      }
      if (current !== name) next.push(current, this.pairs[index + 1]!);
    }
    if (!placed) next.push(name, value);
    return Labels.fromSorted(next);
  }

  /** A copy without the labels named. */
  without(names: ReadonlySet<string>): Labels {
    return this.#filtered((name) => !names.has(name));
  }

  /** A copy with only the labels named. */
  keep(names: ReadonlySet<string>): Labels {
    return this.#filtered((name) => names.has(name));
  }

  *entries(): IterableIterator<[string, string]> {
    for (let index = 0; index < this.pairs.length; index += 2) yield [this.pairs[index]!, this.pairs[index + 1]!];
  }

  /** A null-prototype object, safe for label names such as `__proto__`; the shape of Prometheus' JSON. */
  toRecord(): Record<string, string> {
    const record: Record<string, string> = Object.create(null);
    for (const [name, value] of this.entries()) record[name] = value;
    return record;
  }

  /** `{a="1", b="2"}` with the metric name in front, as Prometheus prints a series. */
  toString(): string {
    const inner = [...this.entries()]
      .filter(([name]) => name !== METRIC_NAME)
      .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
      .join(", ");
    const metric = this.get(METRIC_NAME);
    return inner === "" && metric !== "" ? metric : `${metric}{${inner}}`;
  }

  #filtered(wanted: (name: string) => boolean): Labels {
    const next: string[] = [];
    for (let index = 0; index < this.pairs.length; index += 2) {
      if (wanted(this.pairs[index]!)) next.push(this.pairs[index]!, this.pairs[index + 1]!);
    }
    return next.length === this.pairs.length ? this : Labels.fromSorted(next);
  }
}

/** Order of label names and values everywhere: by UTF-16 code unit. */
export function compareNames(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Order of whole label sets, as Prometheus' `labels.Compare`: pair by pair, the shorter first when one is a prefix. */
export function compareLabels(left: Labels, right: Labels): number {
  const length = Math.min(left.pairs.length, right.pairs.length);
  for (let index = 0; index < length; index++) {
    const order = compareNames(left.pairs[index]!, right.pairs[index]!);
    if (order !== 0) return order;
  }
  return left.pairs.length - right.pairs.length;
}
