import { catalogue, type MetricName, type NamesOf } from "./catalogue.ts";
import { Family } from "./family.ts";
import type { MetricSpec } from "./metric-spec.ts";
import { type Child, CounterChild, GaugeChild, HistogramChild, SummaryChild } from "./samples.ts";

type LabelsOf<Name extends MetricName> = (typeof catalogue)[Name]["labels"];
export type AnyFamily = Family<readonly string[], Child>;

/** One family per metric of the catalogue, found by name with its labels checked by the compiler. */
export class MetricSet {
  readonly #families = new Map<string, AnyFamily>();
  readonly #collectors: (() => void)[] = [];
  readonly #derivations: (() => void)[] = [];
  readonly #limited = new Set<string>();

  /** @param onLimited Called once per metric that has reached its most series. */
  constructor(onLimited: (metric: string) => void = () => undefined) {
    const onOverflow = (name: string): void => {
      this.counter("gatewayz_metric_series_limited_total").child(name).inc();
      if (this.#limited.has(name)) return;
      this.#limited.add(name);
      onLimited(name);
    };
    for (const [name, spec] of Object.entries(catalogue) as [MetricName, MetricSpec][]) {
      const family: AnyFamily = new Family(name, spec, (text) => createChild(spec, text), onOverflow);
      this.#families.set(name, family);
      // A counter that was never touched is a fact: zero. A gauge without a value is none.
      if (spec.labels.length === 0 && (spec.type === "counter" || spec.type === "histogram")) family.child();
    }
  }

  counter<Name extends NamesOf<"counter">>(name: Name): Family<LabelsOf<Name>, CounterChild> {
    return this.#families.get(name) as unknown as Family<LabelsOf<Name>, CounterChild>;
  }

  gauge<Name extends NamesOf<"gauge" | "info">>(name: Name): Family<LabelsOf<Name>, GaugeChild> {
    return this.#families.get(name) as unknown as Family<LabelsOf<Name>, GaugeChild>;
  }

  histogram<Name extends NamesOf<"histogram">>(name: Name): Family<LabelsOf<Name>, HistogramChild> {
    return this.#families.get(name) as unknown as Family<LabelsOf<Name>, HistogramChild>;
  }

  summary<Name extends NamesOf<"summary">>(name: Name): Family<LabelsOf<Name>, SummaryChild> {
    return this.#families.get(name) as unknown as Family<LabelsOf<Name>, SummaryChild>;
  }

  /** A family by a name from outside, such as another process of another version. */
  family(name: string): AnyFamily | undefined {
    return this.#families.get(name);
  }

  /** All families as they are. */
  families(): Iterable<AnyFamily> {
    return this.#families.values();
  }

  /** Registers work to do before each exposition or drain, such as reading the gauges of this process. */
  onCollect(collector: () => void): void {
    this.#collectors.push(collector);
  }

  /** Registers what is worked out from other metrics: only by the process that owns the page, before each exposition. */
  onDerive(derivation: () => void): void {
    this.#derivations.push(derivation);
  }

  /** All families with the readings of this process refreshed. */
  collect(): Iterable<AnyFamily> {
    for (const collector of this.#collectors) collector();
    return this.#families.values();
  }

  /** All families, ready to be shown. */
  exposition(): Iterable<AnyFamily> {
    const families = this.collect();
    for (const derivation of this.#derivations) derivation();
    return families;
  }
}

function createChild(spec: MetricSpec, labelText: string): Child {
  switch (spec.type) {
    case "counter":
      return new CounterChild(labelText);
    case "histogram":
      return new HistogramChild(labelText, spec.buckets ?? []);
    case "summary":
      return new SummaryChild(labelText);
    default:
      return new GaugeChild(labelText, spec.across ?? "last");
  }
}
