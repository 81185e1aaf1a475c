import { counter, gauge, histogram } from "./metric-spec.ts";

const TTFB_BUCKETS = [0.1, 0.5, 1, 1.5, 2, 2.5, 3, 5, 10]; // seconds

/** Where the time of a request goes. */
export const latencyMetrics = {
  stream_chunks_dropped_total: counter(
    ["provider", "model"],
    "Chunks of a provider's stream that could not be used.",
    "event chunksDropped",
  ),
  backend_ttfb_seconds: histogram(
    ["provider", "model", "endpoint"],
    TTFB_BUCKETS,
    "Time from the request to the provider's response headers.",
    "request finished",
  ),
  streaming_duration_seconds: histogram(
    ["provider", "model", "endpoint"],
    TTFB_BUCKETS,
    "Time from the first to the last byte of a streamed answer.",
    "request finished",
  ),
  time_to_first_chunk_seconds: histogram(
    ["provider", "model"],
    [0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 8, 10, 15],
    "Time from the request to the first chunk sent to the client.",
    "request finished",
  ),
  frontend_processing_seconds: histogram(
    ["endpoint"],
    [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5],
    "Time of parsing, authentication and preparation together.",
    "stages of the finished request",
  ),
  request_stage_duration_seconds: histogram(
    ["stage", "endpoint"],
    [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5],
    "Time of one stage of a request.",
    "stages of the finished request",
  ),
  stage_percentage: gauge(
    ["stage", "endpoint"],
    "Share of a stage in the newest request, 0 to 100.",
    "stages of the finished request",
  ),
} as const;
