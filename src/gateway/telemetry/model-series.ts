import type { RequestCost, RequestRecord, TokenUsage } from "../request-record.ts";
import { succeeded } from "./answered-by.ts";
import { boundedLabel } from "./labels.ts";
import type { MetricSet } from "./metric-set.ts";
import type { CounterChild, Exemplar, HistogramChild } from "./samples.ts";

/** A trace as exemplar of a sample with this value, or undefined where the trace is not exported. */
export type ExemplarOf = (value: number) => Exemplar | undefined;

/** The series of one provider, model and endpoint, looked up once and kept. */
export class ModelSeries {
  readonly #set: MetricSet;
  readonly #provider: string;
  readonly #model: string;
  readonly #endpoint: string;
  readonly #success: CounterChild;
  readonly #error: CounterChild;
  readonly #duration: HistogramChild;
  readonly #sources = new Map<string, CounterChild>();
  readonly #tiers = new Map<string, CounterChild>();
  #firstByte: HistogramChild | undefined;
  #firstChunk: HistogramChild | undefined;
  #streaming: HistogramChild | undefined;
  #tokens: readonly [CounterChild, CounterChild] | undefined;
  #cost: CostSeries | undefined;

  constructor(set: MetricSet, provider: string, model: string, endpoint: string) {
    this.#set = set;
    this.#provider = provider;
    this.#model = model;
    this.#endpoint = endpoint;
    const requests = set.counter("model_inference_requests_total");
    // Both begin at zero, so that the first error is an increase and an error rate without errors is 0.
    this.#success = requests.child(provider, model, "success");
    this.#error = requests.child(provider, model, "error");
    this.#duration = set.histogram("model_inference_duration_seconds").child(provider, model);
  }

  finished(record: RequestRecord, seconds: number, exemplarOf: ExemplarOf): void {
    (succeeded(record) ? this.#success : this.#error).inc(1, exemplarOf(1));
    this.#duration.observe(seconds, exemplarOf(seconds));
    this.#latency(record, seconds);
    const { usage, cost } = record;
    if (usage !== undefined) this.#countTokens(usage, exemplarOf);
    if (cost !== undefined) this.#countCost(record, usage, cost);
  }

  #latency({ outcome, inference }: RequestRecord, seconds: number): void {
    const { timeToFirstByteMs: firstByteMs, timeToFirstChunkMs: firstChunkMs } = outcome!;
    const [provider, model] = [this.#provider, this.#model];
    if (firstByteMs !== undefined) {
      this.#firstByte ??= this.#set.histogram("backend_ttfb_seconds").child(provider, model, this.#endpoint);
      this.#firstByte.observe(firstByteMs / 1_000);
    }
    if (!inference!.stream) return;
    if (firstChunkMs !== undefined) {
      this.#firstChunk ??= this.#set.histogram("time_to_first_chunk_seconds").child(provider, model);
      this.#firstChunk.observe(firstChunkMs / 1_000);
    }
    const streamBeganMs = firstByteMs ?? firstChunkMs;
    if (streamBeganMs === undefined) return;
    this.#streaming ??= this.#set.histogram("streaming_duration_seconds").child(provider, model, this.#endpoint);
    this.#streaming.observe(Math.max(0, seconds - streamBeganMs / 1_000));
  }

  #countTokens({ inputTokens, outputTokens, source }: TokenUsage, exemplarOf: ExemplarOf): void {
    if (this.#tokens === undefined) {
      const tokens = this.#set.counter("tokens_used_total");
      this.#tokens = [
        tokens.child(this.#provider, this.#model, "input"),
        tokens.child(this.#provider, this.#model, "output"),
      ];
    }
    this.#tokens[0].inc(inputTokens, exemplarOf(inputTokens));
    this.#tokens[1].inc(outputTokens, exemplarOf(outputTokens));
    let child = this.#sources.get(source);
    if (child === undefined) {
      child = this.#set.counter("gatewayz_token_count_source_total").child(this.#provider, this.#model, source);
      this.#sources.set(source, child);
    }
    child.inc();
  }

  #countCost(record: RequestRecord, usage: TokenUsage | undefined, cost: RequestCost): void {
    this.#cost ??= new CostSeries(this.#set, this.#provider, this.#model);
    this.#cost.count(cost, usage);
    const tier = boundedLabel(record.client?.tier ?? "anonymous");
    let byTier = this.#tiers.get(tier);
    if (byTier === undefined) {
      byTier = this.#set.counter("gatewayz_user_cost_by_plan_usd_total").child(tier);
      this.#tiers.set(tier, byTier);
    }
    byTier.inc(cost.totalUsd);
    if (cost.totalUsd === 0 && !cost.defaultPricing && record.cache?.result !== "hit" && succeeded(record)) {
      this.#set.counter("free_model_usage_total").child(tier, this.#model).inc();
    }
  }
}

class CostSeries {
  readonly #set: MetricSet;
  readonly #model: string;
  readonly #counters: readonly CounterChild[];
  readonly #perRequest: HistogramChild;
  readonly #inputPrice: HistogramChild;
  readonly #outputPrice: HistogramChild;
  readonly #byProvider;

  constructor(set: MetricSet, provider: string, model: string) {
    this.#set = set;
    this.#model = model;
    this.#counters = [
      set.counter("credits_used_total").child(provider, model),
      set.counter("gatewayz_api_cost_usd_total").child(provider, model),
      set.counter("api_cost_total").child(provider),
    ];
    this.#byProvider = set.gauge("gatewayz_cost_by_provider").child(provider);
    this.#perRequest = set.histogram("gatewayz_api_cost_per_request_usd").child(provider, model);
    const price = set.histogram("gatewayz_cost_per_1k_tokens_usd");
    this.#inputPrice = price.child(provider, model, "input");
    this.#outputPrice = price.child(provider, model, "output");
  }

  count(cost: RequestCost, usage: TokenUsage | undefined): void {
    for (const counter of this.#counters) counter.inc(cost.totalUsd);
    this.#byProvider.add(cost.totalUsd);
    this.#perRequest.observe(cost.totalUsd);
    if (cost.defaultPricing) this.#set.counter("gatewayz_default_pricing_usage_total").child(this.#model).inc();
    if (usage === undefined) return;
    if (usage.inputTokens > 0) this.#inputPrice.observe((1_000 * cost.inputUsd) / usage.inputTokens);
    if (usage.outputTokens > 0) this.#outputPrice.observe((1_000 * cost.outputUsd) / usage.outputTokens);
  }
}
