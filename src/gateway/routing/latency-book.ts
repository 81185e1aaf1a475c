import { LATENCY_MODELS_MAX, LATENCY_SAMPLES_MAX } from "../limits.ts";

/** A model in use moves to the newest end of the book once in so many samples. */
const MOVE_SAMPLES = 32;
/** Sorting is done again after this many new samples, not for every question. */
const STALE_SAMPLES = 8;

interface Samples {
  readonly ring: Float64Array;
  /** Samples ever taken. */
  count: number;
  sorted: Float64Array | undefined;
  sortedAt: number;
}

/**
 * How long providers took: per provider and model the newest LATENCY_SAMPLES_MAX times in ms. Beyond LATENCY_MODELS_MAX
 * the model that was quiet longest, or nearly so, is forgotten.
 */
export class LatencyBook {
  readonly #byModel = new Map<string, Samples>();

  add(provider: string, model: string, ms: number): void {
    const key = `${provider}\n${model}`;
    let samples = this.#byModel.get(key);
    if (samples === undefined) {
      if (this.#byModel.size >= LATENCY_MODELS_MAX) this.#byModel.delete(this.#byModel.keys().next().value!);
      samples = { ring: new Float64Array(LATENCY_SAMPLES_MAX), count: 0, sorted: undefined, sortedAt: 0 };
      this.#byModel.set(key, samples);
    } else if (samples.count % MOVE_SAMPLES === 0) {
      this.#byModel.delete(key);
      this.#byModel.set(key, samples);
    }
    samples.ring[samples.count++ % LATENCY_SAMPLES_MAX] = ms;
  }

  /** Samples known, at most LATENCY_SAMPLES_MAX. */
  count(provider: string, model: string): number {
    return Math.min(this.#byModel.get(`${provider}\n${model}`)?.count ?? 0, LATENCY_SAMPLES_MAX);
  }

  /** The time below which the share `quantile` (0 to 1) of the samples lies, or undefined without any. */
  quantile(provider: string, model: string, quantile: number): number | undefined {
    const samples = this.#byModel.get(`${provider}\n${model}`);
    if (samples === undefined) return undefined;
    if (samples.sorted === undefined || samples.count - samples.sortedAt >= STALE_SAMPLES) {
      samples.sorted = samples.ring.slice(0, Math.min(samples.count, LATENCY_SAMPLES_MAX)).sort();
      samples.sortedAt = samples.count;
    }
    const { sorted } = samples;
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))];
  }
}
