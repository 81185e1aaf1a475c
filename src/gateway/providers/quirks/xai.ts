import type { Quirks } from "../quirks.ts";

/** Grok's reasoning models send nothing while they think; contract section 5 gives them ten minutes. */
export const xai: Quirks = {
  pricedAs: "x-ai",
  slowModels: { pattern: /^grok-(3-mini|4)/, attemptMs: 600_000 },
};
