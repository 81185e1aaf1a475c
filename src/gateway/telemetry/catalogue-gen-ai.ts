import { counter, histogram } from "./metric-spec.ts";

/** Seconds, doubling, as the conventions advise. */
const SECONDS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
/** Of `gen_ai.server.time_per_output_token`. */
const TOKEN_SECONDS = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];
const FIRST_TOKEN_SECONDS = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
/** Powers of four. */
const TOKENS = [1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864];
/** Without `gen_ai_response_model`, which names one model in many ways (dated releases) and would double every series. */
const CALL = ["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model"] as const;
const FAILABLE = [...CALL, "error_type"] as const;
const COUNTED = [...CALL, "gen_ai_token_modality"] as const;
const FINISHED = "request finished";
const USAGE = "usage of the finished request";

/**
 * OpenTelemetry's GenAI conventions under their Prometheus names (dots become underscores, the unit is appended,
 * counters get `_total`). `client` is the gateway towards the provider, `server` is the gateway as its clients see it.
 * Which generations are exported is `gateway.telemetry.genAi`.
 */
export const genAiMetrics = {
  gen_ai_client_inference_duration_seconds: histogram(
    FAILABLE,
    SECONDS,
    "gen_ai.client.inference.duration: an inference with all its retries.",
    FINISHED,
  ),
  gen_ai_client_inference_time_to_first_chunk_seconds: histogram(
    CALL,
    SECONDS,
    "gen_ai.client.inference.time_to_first_chunk: from the call to the first chunk of a stream.",
    FINISHED,
  ),
  gen_ai_client_inference_time_per_output_chunk_seconds: histogram(
    CALL,
    SECONDS,
    "gen_ai.client.inference.time_per_output_chunk: mean time between the chunks of one stream.",
    FINISHED,
  ),
  gen_ai_client_inference_usage_input_tokens_total: counter(
    COUNTED,
    "gen_ai.client.inference.usage.input_tokens: input tokens, cached ones included.",
    USAGE,
  ),
  gen_ai_client_inference_usage_output_tokens_total: counter(
    COUNTED,
    "gen_ai.client.inference.usage.output_tokens: output tokens, reasoning included.",
    USAGE,
  ),
  gen_ai_client_inference_usage_cache_read_input_tokens_total: counter(
    COUNTED,
    "gen_ai.client.inference.usage.cache_read.input_tokens: input tokens from the provider's cache.",
    USAGE,
  ),
  gen_ai_client_inference_usage_cache_write_input_tokens_total: counter(
    COUNTED,
    "gen_ai.client.inference.usage.cache_write.input_tokens: input tokens written to the provider's cache.",
    USAGE,
  ),
  gen_ai_client_inference_usage_reasoning_output_tokens_total: counter(
    COUNTED,
    "gen_ai.client.inference.usage.reasoning.output_tokens: output tokens spent on reasoning.",
    USAGE,
  ),
  gen_ai_client_inference_operation_input_tokens: histogram(
    CALL,
    TOKENS,
    "gen_ai.client.inference.operation.input_tokens: input tokens of one inference.",
    USAGE,
  ),
  gen_ai_client_inference_operation_output_tokens: histogram(
    CALL,
    TOKENS,
    "gen_ai.client.inference.operation.output_tokens: output tokens of one inference.",
    USAGE,
  ),
  gen_ai_client_operation_duration_seconds: histogram(
    FAILABLE,
    SECONDS,
    "gen_ai.client.operation.duration (generations 1 and 2): an operation with all its retries.",
    FINISHED,
  ),
  gen_ai_client_token_usage: histogram(
    [...CALL, "gen_ai_token_type"],
    TOKENS,
    "gen_ai.client.token.usage (generations 1 and 2): tokens of one operation; type is input or output.",
    USAGE,
  ),
  gen_ai_client_operation_time_to_first_chunk_seconds: histogram(
    CALL,
    SECONDS,
    "gen_ai.client.operation.time_to_first_chunk (generation 2).",
    FINISHED,
  ),
  gen_ai_client_operation_time_per_output_chunk_seconds: histogram(
    CALL,
    SECONDS,
    "gen_ai.client.operation.time_per_output_chunk (generation 2).",
    FINISHED,
  ),
  gen_ai_server_request_duration_seconds: histogram(
    FAILABLE,
    SECONDS,
    "gen_ai.server.request.duration: from the client's request to the last byte of its answer.",
    FINISHED,
  ),
  gen_ai_server_time_to_first_token_seconds: histogram(
    CALL,
    FIRST_TOKEN_SECONDS,
    "gen_ai.server.time_to_first_token: from the client's request to the first token sent to it.",
    FINISHED,
  ),
  gen_ai_server_time_per_output_token_seconds: histogram(
    CALL,
    TOKEN_SECONDS,
    "gen_ai.server.time_per_output_token: time per token after the first.",
    FINISHED,
  ),
} as const;
