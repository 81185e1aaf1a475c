import { createRecord, nowMs } from "../record.ts";
import type { AttemptRecord, RequestRecord } from "../request-record.ts";

/** A finished chat completion, streamed, of two attempts where `failed` is set; fields can be replaced. */
export function finishedRecord(changes: Partial<RequestRecord> = {}): RequestRecord {
  const record = createRecord("POST", "/v1/chat/completions", "openai", { "user-agent": "test" });
  const finished: RequestRecord = {
    ...record,
    requestBodyBytes: 120,
    client: { keyName: "demo", keyHash: "0123456789abcdef", tier: "basic", unlimited: false },
    inference: {
      requestType: "chat_completion",
      requestedModel: "gpt-4o-mini",
      stream: true,
      temperature: 0.5,
      maxTokens: 100,
      topP: undefined,
      frequencyPenalty: undefined,
      presencePenalty: undefined,
      toolCount: 0,
    },
    attempts: [finishedAttempt(record.startedAtMs + 3)],
    stages: {
      request_parsing: 1,
      auth_validation: 1,
      request_preparation: 1,
      backend_fetch: 200,
      stream_processing: 300,
    },
    outcome: {
      statusCode: 200,
      provider: "simulator",
      model: "gpt-4o-mini",
      responseId: "chatcmpl-1",
      finishReason: "stop",
      responseBodyBytes: 2_000,
      finishedAtMs: record.startedAtMs + 503,
      timeToFirstByteMs: 203,
      timeToFirstChunkMs: 240,
      chunks: 12,
      chunksDropped: 0,
      clientAborted: false,
      error: undefined,
    },
    usage: { inputTokens: 20, outputTokens: 40, cachedInputTokens: 0, reasoningTokens: 0, source: "provider" },
    cost: { inputUsd: 0.000003, outputUsd: 0.000024, totalUsd: 0.000027, defaultPricing: false },
    simulated: true,
    probe: false,
  };
  return { ...finished, ...changes };
}

export function finishedAttempt(startedAtMs = nowMs(), changes: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    provider: "simulator",
    model: "gpt-4o-mini",
    url: "http://127.0.0.1:9999/v1/chat/completions",
    spanId: "00f067aa0ba902b7",
    startedAtMs,
    durationMs: 500,
    statusCode: 200,
    result: "success",
    errorType: undefined,
    errorMessage: undefined,
    breakerState: "closed",
    ...changes,
  };
}
