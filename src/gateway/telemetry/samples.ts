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

export class CounterChild {
  readonly labelText: string;
  value = 0;
  exemplar: Exemplar | undefined;
  /** True once another process was told of this series. */
  told = false;

  constructor(labelText: string) {
    this.labelText = labelText;
  }

  /** Adds `amount` (not negative); `exemplar` replaces the one before, unless that is of more interest. */
  inc(amount = 1, exemplar?: Exemplar): void {
    this.value += amount;
    if (exemplar !== undefined) this.exemplar = newerExemplar(this.exemplar, exemplar);
  }
}

/** How the values of several processes become one; see `MetricSpec.across`. */
export type Across = "sum" | "max" | "last";

/** A gauge's value: what this process set, together with what other processes of the gateway reported. */
export class GaugeChild {
  readonly labelText: string;
  readonly #across: Across;
  #own: number | undefined;
  #others: Map<string, number> | undefined;
  /** True when the own value was set since it was last drained. */
  changed = false;

  constructor(labelText: string, across: Across) {
    this.labelText = labelText;
    this.#across = across;
  }

  get own(): number {
    return this.#own ?? 0;
  }

  get value(): number {
    if (this.#others === undefined) return this.own;
    const values = [...this.#others.values()];
    if (this.#own !== undefined) values.push(this.#own);
    return this.#across === "max" ? Math.max(...values) : values.reduce((sum, value) => sum + value, 0);
  }

  set(value: number): void {
    this.#own = value;
    this.changed = true;
  }

  add(amount: number): void {
    this.set(this.own + amount);
  }

  /** Takes the value that another process has; the newest one is the truth where values do not combine. */
  report(process: string, value: number): void {
    if (this.#across === "last") {
      this.#own = value;
      return;
    }
    this.#others ??= new Map();
    this.#others.set(process, value);
  }

  /** Forgets what a process reported that has gone. */
  forget(process: string): void {
    this.#others?.delete(process);
    if (this.#others?.size === 0) this.#others = undefined;
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

  /** Takes `times` samples of the same value. */
  observeMany(value: number, times: number): void {
    const bounds = this.#bounds;
    let index = 0;
    while (index < bounds.length && value > bounds[index]!) index++;
    this.counts[index]! += times;
    this.sum += value * times;
    this.count += times;
  }

  /** Adds what another process counted: samples per bucket, and exemplars as pairs of bucket and exemplar. */
  merge(counts: readonly number[], sum: number, exemplars: readonly (readonly [number, Exemplar])[]): void {
    for (let index = 0; index < this.counts.length; index++) {
      const added = counts[index] ?? 0;
      this.counts[index]! += added;
      this.count += added;
    }
    this.sum += sum;
    for (const [index, exemplar] of exemplars) {
      if (index < this.exemplars.length) this.exemplars[index] = newerExemplar(this.exemplars[index], exemplar);
    }
  }

  reset(): void {
    this.counts.fill(0);
    this.exemplars.fill(undefined);
    this.sum = 0;
    this.count = 0;
  }
}

/** Count and sum, no quantiles. */
export class SummaryChild {
  readonly labelText: string;
  count = 0;
  sum = 0;

  constructor(labelText: string) {
    this.labelText = labelText;
  }

  observe(value: number): void {
    this.count++;
    this.sum += value;
  }
}

export type Child = CounterChild | GaugeChild | HistogramChild | SummaryChild;
