import type { RequestRecord, TokenUsage } from "../request-record.ts";
import { succeeded } from "./answered-by.ts";
import { genAiOperation, genAiProvider } from "./gen-ai-names.ts";
import { boundedLabel } from "./labels.ts";
import type { MetricSet } from "./metric-set.ts";
import type { CounterChild, HistogramChild } from "./samples.ts";

/** Which generations of the GenAI conventions are exported (contract section 8a). */
export interface GenAiGenerations {
  /** Up to v1.41: `gen_ai.client.operation.*`, `gen_ai.client.token.usage`. */
  readonly older: boolean;
  /** `gen_ai.client.inference.*` of the conventions' own repository. */
  readonly newest: boolean;
}

/** Error types that become label values; others are `_OTHER`, the conventions' word for it. */
const ERROR_TYPES_MAX = 100;
type Labels = readonly [operation: string, provider: string, model: string];

/** OpenTelemetry's GenAI metrics of finished model requests. */
export class GenAiMetrics {
  readonly #set: MetricSet;
  readonly #generations: GenAiGenerations;
  readonly #series = new Map<string, GenAiSeries>();

  constructor(set: MetricSet, generations: GenAiGenerations) {
    this.#set = set;
    this.#generations = generations;
  }

  /** `provider` and `model` are labels already. */
  finished(record: RequestRecord, provider: string, model: string, seconds: number): void {
    const { requestType } = record.inference!;
    const key = `${requestType}\u0000${provider}\u0000${model}`;
    let series = this.#series.get(key);
    if (series === undefined) {
      const labels: Labels = [genAiOperation(requestType), genAiProvider(provider), model];
      series = new GenAiSeries(this.#set, this.#generations, labels);
      this.#series.set(key, series);
    }
    series.finished(record, seconds);
  }
}

class GenAiSeries {
  readonly #set: MetricSet;
  readonly #generations: GenAiGenerations;
  readonly #labels: Labels;
  readonly #durations = new Map<string, readonly HistogramChild[]>();
  #counts: TokenSeries | undefined;
  #streams: StreamSeries | undefined;

  constructor(set: MetricSet, generations: GenAiGenerations, labels: Labels) {
    this.#set = set;
    this.#generations = generations;
    this.#labels = labels;
  }

  finished(record: RequestRecord, seconds: number): void {
    const outcome = record.outcome!;
    const calledAtMs = record.attempts.find(({ result }) => result !== "skipped")?.startedAtMs ?? record.startedAtMs;
    const callSeconds = Math.max(0, (outcome.finishedAtMs - calledAtMs) / 1_000);
    const [server, ...client] = this.#durationsOf(succeeded(record) ? "" : boundedLabel(errorType(record)));
    server!.observe(seconds);
    for (const child of client) child.observe(callSeconds);
    if (record.usage !== undefined) {
      this.#counts ??= new TokenSeries(this.#set, this.#generations, this.#labels);
      this.#counts.count(record.usage);
    }
    const firstMs = outcome.timeToFirstChunkMs;
    if (!record.inference!.stream || firstMs === undefined || !succeeded(record)) return;
    this.#streams ??= new StreamSeries(this.#set, this.#generations, this.#labels);
    this.#streams.count(record, seconds, firstMs / 1_000, firstMs / 1_000 - (calledAtMs - record.startedAtMs) / 1_000);
  }

  /** Server first, then those of the client. Success has no error type: an empty label is an absent one. */
  #durationsOf(type: string): readonly HistogramChild[] {
    const known = this.#durations.get(type);
    if (known !== undefined) return known;
    const label = this.#durations.size < ERROR_TYPES_MAX ? type : "_OTHER";
    const children = [this.#set.histogram("gen_ai_server_request_duration_seconds").child(...this.#labels, label)];
    if (this.#generations.newest) {
      children.push(this.#set.histogram("gen_ai_client_inference_duration_seconds").child(...this.#labels, label));
    }
    if (this.#generations.older) {
      children.push(this.#set.histogram("gen_ai_client_operation_duration_seconds").child(...this.#labels, label));
    }
    if (label === type) this.#durations.set(type, children);
    return children;
  }
}

function errorType(record: RequestRecord): string {
  return record.outcome!.error?.code ?? String(record.outcome!.statusCode);
}

/** Providers tell tokens without their kind, so the modality of the counters is what the conventions call unknown. */
const MODALITY = "unknown";

class TokenSeries {
  readonly #input: readonly CounterChild[] = [];
  readonly #output: readonly CounterChild[] = [];
  readonly #inputSizes: readonly HistogramChild[];
  readonly #outputSizes: readonly HistogramChild[];
  readonly #set: MetricSet;
  readonly #labels: Labels;
  readonly #newest: boolean;

  constructor(set: MetricSet, { newest, older }: GenAiGenerations, labels: Labels) {
    this.#set = set;
    this.#labels = labels;
    this.#newest = newest;
    const inputSizes: HistogramChild[] = [];
    const outputSizes: HistogramChild[] = [];
    if (newest) {
      this.#input = [set.counter("gen_ai_client_inference_usage_input_tokens_total").child(...labels, MODALITY)];
      this.#output = [set.counter("gen_ai_client_inference_usage_output_tokens_total").child(...labels, MODALITY)];
      inputSizes.push(set.histogram("gen_ai_client_inference_operation_input_tokens").child(...labels));
      outputSizes.push(set.histogram("gen_ai_client_inference_operation_output_tokens").child(...labels));
    }
    if (older) {
      inputSizes.push(set.histogram("gen_ai_client_token_usage").child(...labels, "input"));
      outputSizes.push(set.histogram("gen_ai_client_token_usage").child(...labels, "output"));
    }
    this.#inputSizes = inputSizes;
    this.#outputSizes = outputSizes;
  }

  count(usage: TokenUsage): void {
    for (const child of this.#input) child.inc(usage.inputTokens);
    for (const child of this.#output) child.inc(usage.outputTokens);
    for (const child of this.#inputSizes) child.observe(usage.inputTokens);
    for (const child of this.#outputSizes) child.observe(usage.outputTokens);
    if (!this.#newest) return;
    const set = this.#set;
    const labels = [...this.#labels, MODALITY] as const;
    if (usage.cachedInputTokens > 0) {
      const name = "gen_ai_client_inference_usage_cache_read_input_tokens_total";
      set
        .counter(name)
        .child(...labels)
        .inc(usage.cachedInputTokens);
    }
    if ((usage.cacheWriteInputTokens ?? 0) > 0) {
      const name = "gen_ai_client_inference_usage_cache_write_input_tokens_total";
      set
        .counter(name)
        .child(...labels)
        .inc(usage.cacheWriteInputTokens);
    }
    if (usage.reasoningTokens > 0) {
      const name = "gen_ai_client_inference_usage_reasoning_output_tokens_total";
      set
        .counter(name)
        .child(...labels)
        .inc(usage.reasoningTokens);
    }
  }
}

class StreamSeries {
  readonly #firstToken: HistogramChild;
  readonly #perToken: HistogramChild;
  readonly #firstChunk: readonly HistogramChild[];
  readonly #perChunk: readonly HistogramChild[];

  constructor(set: MetricSet, { newest, older }: GenAiGenerations, labels: Labels) {
    this.#firstToken = set.histogram("gen_ai_server_time_to_first_token_seconds").child(...labels);
    this.#perToken = set.histogram("gen_ai_server_time_per_output_token_seconds").child(...labels);
    const firstChunk: HistogramChild[] = [];
    const perChunk: HistogramChild[] = [];
    if (newest) {
      firstChunk.push(set.histogram("gen_ai_client_inference_time_to_first_chunk_seconds").child(...labels));
      perChunk.push(set.histogram("gen_ai_client_inference_time_per_output_chunk_seconds").child(...labels));
    }
    if (older) {
      firstChunk.push(set.histogram("gen_ai_client_operation_time_to_first_chunk_seconds").child(...labels));
      perChunk.push(set.histogram("gen_ai_client_operation_time_per_output_chunk_seconds").child(...labels));
    }
    this.#firstChunk = firstChunk;
    this.#perChunk = perChunk;
  }

  /** Nobody takes the time of each chunk: their mean stands for all chunks of one stream. */
  count({ outcome, usage }: RequestRecord, seconds: number, firstSeconds: number, firstCallSeconds: number): void {
    this.#firstToken.observe(firstSeconds);
    for (const child of this.#firstChunk) child.observe(Math.max(0, firstCallSeconds));
    const restSeconds = Math.max(0, seconds - firstSeconds);
    const restChunks = outcome!.chunks - 1;
    if (restChunks > 0) for (const child of this.#perChunk) child.observeMany(restSeconds / restChunks, restChunks);
    const restTokens = (usage?.outputTokens ?? 0) - 1;
    if (restTokens > 0) this.#perToken.observe(restSeconds / restTokens);
  }
}
