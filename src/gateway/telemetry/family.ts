import { invariant } from "../../runtime/invariant.ts";
import type { MetricSpec } from "./metric-spec.ts";
import { formatLabels } from "./text-format.ts";

/** Label sets that one metric may have; the next ones are counted under `other`, so that no input can grow memory. */
export const SERIES_PER_METRIC_MAX = 2_000;
/** Value of every label of the series that takes what is past the limit. */
const OVERFLOW_LABEL = "other";

/**
 * An exemplar is kept this long from those of less interest: over several scrapes, so that a person who sends one
 * request beside the demo traffic finds that request on the graph.
 */
const EXEMPLAR_HOLD_MS = 20_000;

/** A trace that shows what one sample was made of. */
export interface Exemplar {
  readonly traceId: string;
  readonly value: number;
  readonly timestampMs: number;
  /** Whose request it was, the most interesting first: 0 a customer's, 1 the demo traffic's, 2 a health probe's. */
  readonly rank: number;
}

/** The exemplar to keep: the newer one, unless it is of less interest and the held one is still young. */
function newerExemplar(held: Exemplar | undefined, next: Exemplar): Exemplar {
  if (held === undefined || next.rank <= held.rank) return next;
  return next.timestampMs - held.timestampMs < EXEMPLAR_HOLD_MS ? held : next;
}

/** Values of a family's labels, one string per name. */
export type LabelValues<Labels extends readonly string[]> = { readonly [Index in keyof Labels]: string };

export class CounterChild {
  readonly labelText: string;
  value = 0;
  exemplar: Exemplar | undefined;

  constructor(labelText: string) {
    this.labelText = labelText;
  }

  /** Adds `amount` (not negative); `exemplar` replaces the one before, unless that is of more interest. */
  inc(amount = 1, exemplar?: Exemplar): void {
    this.value += amount;
    if (exemplar !== undefined) this.exemplar = newerExemplar(this.exemplar, exemplar);
  }
}

export class GaugeChild {
  readonly labelText: string;
  value = 0;

  constructor(labelText: string) {
    this.labelText = labelText;
  }

  set(value: number): void {
    this.value = value;
  }

  add(amount: number): void {
    this.value += amount;
  }
}

export class HistogramChild {
  readonly labelText: string;
  /** Samples per bucket (not cumulative); the last one is +Inf. */
  readonly counts: Float64Array;
  /** Newest exemplar per bucket, where the metric has them. */
  readonly exemplars: (Exemplar | undefined)[];
  readonly #bounds: readonly number[];
  sum = 0;
  count = 0;

  constructor(labelText: string, bounds: readonly number[]) {
    this.labelText = labelText;
    this.#bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
    this.exemplars = new Array(bounds.length + 1);
  }

  /** Takes one sample; `exemplar` replaces the one before in its bucket, unless that is of more interest. */
  observe(value: number, exemplar?: Exemplar): void {
    const bounds = this.#bounds;
    let index = 0;
    while (index < bounds.length && value > bounds[index]!) index++;
    this.counts[index]! += 1;
    this.sum += value;
    this.count += 1;
    if (exemplar !== undefined) this.exemplars[index] = newerExemplar(this.exemplars[index], exemplar);
  }
}

type Child = CounterChild | GaugeChild | HistogramChild;

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
    const key = texts.length === 1 ? texts[0]! : texts.join("\u0000");
    return this.#children.get(key) ?? this.#add(key, texts);
  }

  #add(key: string, values: readonly string[]): C {
    invariant(values.length === this.spec.labels.length, `${this.name} got ${values.length} label values`);
    let text = formatLabels(this.spec.labels, values);
    let storedKey = key;
    if (this.#children.size >= SERIES_PER_METRIC_MAX) {
      this.#onOverflow(this.name);
      const other = this.spec.labels.map(() => OVERFLOW_LABEL);
      storedKey = other.length === 1 ? other[0]! : other.join("\u0000");
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

  /** Removes every series; for gauges that are rebuilt before each exposition. */
  clear(): void {
    this.#children.clear();
  }
}
