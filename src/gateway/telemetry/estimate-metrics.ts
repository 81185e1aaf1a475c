import type { RequestRecord } from "../request-record.ts";
import type { MetricSet } from "./metric-set.ts";

/** Compares our estimate of a request's tokens with the provider's count, where both exist. */
export function countEstimate(set: MetricSet, provider: string, { estimate, usage }: RequestRecord): void {
  if (estimate === undefined || usage?.source !== "provider") return;
  const { inputTokens, outputTokens, method } = estimate;
  const compare = (type: string, estimated: number | undefined, counted: number): void => {
    if (estimated === undefined || counted <= 0) return;
    set
      .histogram("gatewayz_token_estimation_accuracy_ratio")
      .child(provider, method, type)
      .observe(estimated / counted);
    set
      .histogram("gatewayz_token_estimation_delta")
      .child(provider, method, type)
      .observe(estimated - counted);
  };
  compare("prompt", inputTokens, usage.inputTokens);
  compare("completion", outputTokens, usage.outputTokens);
  if (inputTokens !== undefined && outputTokens !== undefined) {
    compare("total", inputTokens + outputTokens, usage.inputTokens + usage.outputTokens);
  }
}
