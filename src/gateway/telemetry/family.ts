import { invariant } from "../../runtime/invariant.ts";
import type { MetricSpec } from "./metric-spec.ts";
import type { Child } from "./samples.ts";
import { formatLabels } from "./text-format.ts";

/** Label sets that one metric may have; the next ones are counted under `other`, so that no input can grow memory. */
export const SERIES_PER_METRIC_MAX = 2_000;
/** Value of every label of the series that takes what is past the limit, and of models that nobody knows. */
export const OVERFLOW_LABEL = "other";
/** Between the label values of a key; `boundedLabel` takes it out of values. */
const KEY_SEPARATOR = "\u0000";

/** Values of a family's labels, one string per name. */
export type LabelValues<Labels extends readonly string[]> = { readonly [Index in keyof Labels]: string };

/**
 * All series of one metric. prom-client's children hash their labels on every sample (25 samples per request here),
 * these look one key up in a Map and keep their label text for the exposition.
 */
export class Family<Labels extends readonly string[], C extends Child> {
  readonly name: string;
  readonly spec: MetricSpec;
  readonly #children = new Map<string, C>();
  readonly #create: (labelText: string) => C;
  readonly #onOverflow: (name: string) => void;

  constructor(name: string, spec: MetricSpec, create: (labelText: string) => C, onOverflow: (name: string) => void) {
    this.name = name;
    this.spec = spec;
    this.#create = create;
    this.#onOverflow = onOverflow;
  }

  /** The series with these label values, in the order of the spec's names. */
  child(...values: LabelValues<Labels>): C {
    const texts = values as readonly string[];
    const key = texts.length === 1 ? texts[0]! : texts.join(KEY_SEPARATOR);
    return this.#children.get(key) ?? this.#add(key, texts);
  }

  /** The series of a key as `entries` gave it in another process. */
  childOfKey(key: string): C {
    const existing = this.#children.get(key);
    if (existing !== undefined) return existing;
    const { length } = this.spec.labels;
    const values = length === 0 ? [] : length === 1 ? [key] : key.split(KEY_SEPARATOR);
    return this.#add(key, values);
  }

  #add(key: string, values: readonly string[]): C {
    invariant(values.length === this.spec.labels.length, `${this.name} got ${values.length} label values`);
    let text = formatLabels(this.spec.labels, values);
    let storedKey = key;
    if (this.#children.size >= SERIES_PER_METRIC_MAX) {
      this.#onOverflow(this.name);
      const other = this.spec.labels.map(() => OVERFLOW_LABEL);
      storedKey = other.length === 1 ? other[0]! : other.join(KEY_SEPARATOR);
      text = formatLabels(this.spec.labels, other);
      const existing = this.#children.get(storedKey);
      if (existing !== undefined) return existing;
    }
    const child = this.#create(text);
    this.#children.set(storedKey, child);
    return child;
  }

  /** In the order of their first sample. */
  children(): IterableIterator<C> {
    return this.#children.values();
  }

  /** Key and series; the key is the only label's value, or all of them as `labelsOfKey` takes them apart. */
  entries(): IterableIterator<[string, C]> {
    return this.#children.entries();
  }

  /** Removes every series; for gauges that are rebuilt before each exposition. */
  clear(): void {
    this.#children.clear();
  }
}

/** Label values of a key of a family with several labels. */
export function labelsOfKey(key: string): string[] {
  return key.split(KEY_SEPARATOR);
}
