import { catalogue, type MetricName, type NamesOf } from "./catalogue.ts";
import { CounterChild, Family, GaugeChild, HistogramChild } from "./family.ts";
import type { MetricSpec } from "./metric-spec.ts";

type LabelsOf<Name extends MetricName> = (typeof catalogue)[Name]["labels"];

/** One family per metric of the catalogue, found by name with its labels checked by the compiler. */
export class MetricSet {
  readonly #families = new Map<string, Family<readonly string[], CounterChild | GaugeChild | HistogramChild>>();
  readonly #collectors: (() => void)[] = [];

  constructor() {
    const onOverflow = (name: string): void => this.counter("gatewayz_metric_series_limited_total").child(name).inc();
    for (const [name, spec] of Object.entries(catalogue) as [MetricName, MetricSpec][]) {
      const family = new Family(name, spec, (text) => createChild(spec, text), onOverflow);
      this.#families.set(name, family);
      // A counter that was never touched is a fact: zero. A gauge without a value is none.
      const known = spec.labels.length === 0 && "fed" in spec.source;
      if (known && (spec.type === "counter" || spec.type === "histogram")) family.child();
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

  /** Registers work to do before each exposition, such as refreshing gauges. */
  onCollect(collector: () => void): void {
    this.#collectors.push(collector);
  }

  /** All families, refreshed. */
  collect(): Iterable<Family<readonly string[], CounterChild | GaugeChild | HistogramChild>> {
    for (const collector of this.#collectors) collector();
    return this.#families.values();
  }
}

function createChild(spec: MetricSpec, labelText: string): CounterChild | GaugeChild | HistogramChild {
  switch (spec.type) {
    case "counter":
      return new CounterChild(labelText);
    case "histogram":
      return new HistogramChild(labelText, spec.buckets ?? []);
    default:
      return new GaugeChild(labelText);
  }
}
