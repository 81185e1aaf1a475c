import { CounterResetHint, type FloatHistogram } from "../../../series/float-histogram.ts";
import { divideHistogram } from "../../../series/histogram-arithmetic.ts";
import { HistogramSum, IncompatibleHistogramsError } from "../../../series/histogram-sum.ts";
import type { Windows } from "./windows.ts";

/** The sum of a window's histograms, or undefined with a warning where they do not fit together. */
export function sumOfHistograms(windows: Windows, window: readonly FloatHistogram[]): FloatHistogram | undefined {
  return annotated(windows, window, (adds) => {
    const sum = new HistogramSum(window[0]!, true);
    for (let index = 1; index < window.length; index++) adds(sum, window[index]!);
    return sum.close();
  });
}

/** The mean of a window's histograms; where the sum would overflow, it goes on as a running mean. */
export function averageOfHistograms(windows: Windows, window: readonly FloatHistogram[]): FloatHistogram | undefined {
  return annotated(windows, window, (adds) => {
    const mean = new HistogramMean(window[0]!);
    for (let index = 1; index < window.length; index++) mean.add(window[index]!, adds);
    return mean.close();
  });
}

type Add = (sum: HistogramSum, histogram: FloatHistogram) => void;

/** A mean that histograms are added to, with Kahan's summation. */
export class HistogramMean {
  #sum: HistogramSum;
  #count = 1;
  #running = false;

  constructor(first: FloatHistogram) {
    this.#sum = new HistogramSum(first, true);
  }

  /** `adds` does one addition and may note what happened; it may throw, then the mean is of no more use. */
  add(histogram: FloatHistogram, adds: Add): void {
    this.#count++;
    if (!this.#running) {
      const sum = this.#sum.copy();
      adds(sum, histogram);
      if (!sum.overflowed) {
        this.#sum = sum;
        return;
      }
      this.#running = true;
      this.#sum.scale(1 / (this.#count - 1));
    }
    this.#sum.scale((this.#count - 1) / this.#count);
    adds(this.#sum, divideHistogram(histogram, this.#count));
  }

  close(): FloatHistogram {
    return this.#running ? this.#sum.close() : divideHistogram(this.#sum.close(), this.#count);
  }
}

function annotated(
  windows: Windows,
  window: readonly FloatHistogram[],
  compute: (add: Add) => FloatHistogram,
): FloatHistogram | undefined {
  const { annotations, position } = windows;
  let reconciled = false;
  const add: Add = (sum, histogram) => {
    if (sum.add(histogram).boundsReconciled) reconciled = true;
  };
  try {
    const result = compute(add);
    const hints = new Set(window.map((histogram) => histogram.counterResetHint));
    if (hints.has(CounterResetHint.Reset) && hints.has(CounterResetHint.NotReset))
      annotations.counterResetCollision("aggregation", position);
    if (reconciled) annotations.mismatchedCustomBuckets("aggregation", position);
    return result;
  } catch (error) {
    if (!(error instanceof IncompatibleHistogramsError)) throw error;
    annotations.mixedBucketSchemas(windows.metric, position);
    return undefined;
  }
}
