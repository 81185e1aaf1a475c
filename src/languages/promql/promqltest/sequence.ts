import type { FloatHistogram } from "../../../series/float-histogram.ts";

/** One value of a series in a test script. */
export type SequenceValue =
  | { readonly kind: "omitted" }
  | { readonly kind: "stale" }
  | { readonly kind: "float"; readonly value: number }
  | {
      readonly kind: "histogram";
      readonly histogram: FloatHistogram;
      /** The script names a counter reset hint, which then has to match. */
      readonly hintGiven: boolean;
    };

/** A script that cannot be read; the message names the line. */
export class ScriptError extends Error {
  override readonly name = "ScriptError";
}
