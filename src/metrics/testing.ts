import { Labels } from "../series/labels.ts";
import { AppendError } from "./store/append-error.ts";
import type { Appender, Exemplar } from "./store/appender.ts";

/** What a batch brought: `name{labels} value @ms`, `stale` for a staleness marker. */
export class RecordingStore {
  readonly lines: string[] = [];
  readonly exemplars: { series: string; exemplar: Exemplar }[] = [];
  commits = 0;
  /** Thrown by the next commits, where it is set. */
  commitError: Error | undefined;
  readonly #refs = new Map<string, number>();
  readonly #newestMs = new Map<number, number>();

  /** Lines committed since the last call, without those that match `except`. */
  take(except = /^(up|scrape_)/): string[] {
    return this.lines.splice(0).filter((line) => !except.test(line));
  }

  readonly appender = (): Appender => {
    const lines: string[] = [];
    const exemplars: { series: string; exemplar: Exemplar }[] = [];
    const add = (ref: number, labels: Labels, timestampMs: number, text: string): number => {
      const known = ref || this.#refs.get(labels.key) || this.#refs.size + 1;
      this.#refs.set(labels.key, known);
      if (timestampMs < (this.#newestMs.get(known) ?? 0)) throw new AppendError("OUT_OF_ORDER_SAMPLE");
      this.#newestMs.set(known, timestampMs);
      lines.push(`${labels.toString()} ${text} @${timestampMs}`);
      return known;
    };
    return {
      append: (ref, labels, timestampMs, value) => add(ref, labels, timestampMs, String(value)),
      appendStale: (ref, labels, timestampMs) => add(ref, labels, timestampMs, "stale"),
      appendHistogram: (ref, labels, timestampMs, { count }) => add(ref, labels, timestampMs, `histogram of ${count}`),
      appendExemplar: (_ref, labels, exemplar) => void exemplars.push({ series: labels.toString(), exemplar }),
      appendMetadata: () => undefined,
      commit: async () => {
        if (this.commitError !== undefined) throw this.commitError;
        this.commits++;
        this.lines.push(...lines);
        this.exemplars.push(...exemplars);
      },
      rollback: () => undefined,
    };
  };
}

/** Labels of a series from its name and the others. */
export function series(name: string, labels: Record<string, string> = {}): Labels {
  return Labels.fromRecord({ __name__: name, ...labels });
}
