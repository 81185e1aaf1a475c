import { randomHex } from "../record.ts";
import type { InferenceRequest, RequestRecord } from "../request-record.ts";
import { capturedMessages } from "./gen-ai-content.ts";
import { genAiOperation, genAiProvider } from "./gen-ai-names.ts";
import { type Attributes, SPAN_KIND, type Span, type SpanEvent } from "./otlp-spans.ts";
import type { Redact } from "./redact.ts";

/** A provider may say anything where its model's name should be. */
const MODEL_CHARS_MAX = 200;

export interface GenAiSpanOptions {
  /** `gen_ai.system` beside `gen_ai.provider.name`, as conventions up to v1.36 had it. */
  readonly system: boolean;
  readonly redact: Redact;
  /** Host and port of the provider that answered. */
  readonly server: { readonly address: string; readonly port: number | undefined };
  readonly failure: string | undefined;
  readonly events: readonly SpanEvent[];
}

/**
 * The conventions' span of one inference (`gen_ai.client.inference`, contract section 8a): `chat gpt-4o`, from the first
 * call to the end of the answer, retries and fallbacks included. Undefined where no provider was called.
 */
export function genAiSpan(record: RequestRecord, options: GenAiSpanOptions): Span | undefined {
  const calls = record.attempts.filter(({ result }) => result !== "skipped");
  const [first] = calls;
  const outcome = record.outcome!;
  if (first === undefined) return undefined;
  const inference = record.inference!;
  const last = calls.at(-1)!;
  const provider = genAiProvider(outcome.provider ?? last.provider);
  const model = outcome.model ?? last.model;
  const operation = genAiOperation(inference.requestType);
  return {
    traceId: record.traceId,
    spanId: randomHex(8),
    parentSpanId: record.spanId,
    name: `${operation} ${model}`,
    kind: SPAN_KIND.client,
    startMs: first.startedAtMs,
    endMs: outcome.finishedAtMs,
    attributes: {
      "gen_ai.operation.name": operation,
      "gen_ai.provider.name": provider,
      "gen_ai.system": options.system ? provider : undefined,
      "gen_ai.request.model": model,
      "gen_ai.request.stream": inference.stream || undefined,
      ...requestAttributes(inference, options.redact),
      ...answerAttributes(record, model),
      ...usageAttributes(record),
      "server.address": options.server.address,
      "server.port": options.server.port,
      "error.type": outcome.error?.code,
      ...(record.captured === undefined ? undefined : contentAttributes(record.captured)),
    },
    events: options.events,
    failure: options.failure,
  };
}

function requestAttributes(request: InferenceRequest, redact: Redact): Attributes {
  return {
    "gen_ai.request.temperature": request.temperature,
    "gen_ai.request.max_tokens": request.maxTokens,
    "gen_ai.request.top_p": request.topP,
    "gen_ai.request.top_k": request.topK === undefined ? undefined : Math.round(request.topK),
    "gen_ai.request.frequency_penalty": request.frequencyPenalty,
    "gen_ai.request.presence_penalty": request.presencePenalty,
    "gen_ai.request.seed": request.seed,
    "gen_ai.request.choice.count": request.choiceCount === 1 ? undefined : request.choiceCount,
    "gen_ai.request.stop_sequences": request.stopSequences?.map(redact),
    "gen_ai.request.reasoning.level": request.reasoningEffort,
    "gen_ai.output.type": request.outputType,
    "gen_ai.conversation.id": request.conversationId && redact(request.conversationId),
  };
}

function answerAttributes({ outcome }: RequestRecord, model: string): Attributes {
  const { responseId, responseModel, finishReason, timeToFirstChunkMs } = outcome!;
  return {
    "gen_ai.response.id": responseId,
    "gen_ai.response.model":
      outcome!.provider === undefined ? undefined : (responseModel?.slice(0, MODEL_CHARS_MAX) ?? model),
    "gen_ai.response.finish_reasons": finishReason === undefined ? undefined : [finishReason],
    "gen_ai.response.time_to_first_chunk": timeToFirstChunkMs === undefined ? undefined : timeToFirstChunkMs / 1_000,
  };
}

/** `cache_write` is the newest name of what was `cache_creation`. */
function usageAttributes({ usage }: RequestRecord): Attributes | undefined {
  if (usage === undefined) return undefined;
  const written = usage.cacheWriteInputTokens || undefined;
  return {
    "gen_ai.usage.input_tokens": usage.inputTokens,
    "gen_ai.usage.output_tokens": usage.outputTokens,
    "gen_ai.usage.cache_read.input_tokens": usage.cachedInputTokens || undefined,
    "gen_ai.usage.cache_write.input_tokens": written,
    "gen_ai.usage.cache_creation.input_tokens": written,
    "gen_ai.usage.reasoning.output_tokens": usage.reasoningTokens || undefined,
  };
}

function contentAttributes(captured: NonNullable<RequestRecord["captured"]>): Attributes {
  const { input, output, system, tools } = capturedMessages(captured);
  return {
    "gen_ai.input.messages": input,
    "gen_ai.output.messages": output,
    "gen_ai.system_instructions": system,
    "gen_ai.tool.definitions": tools,
  };
}
