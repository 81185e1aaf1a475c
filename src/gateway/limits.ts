/** Longest reply body (not a stream) that is taken from a provider. */
export const UPSTREAM_BODY_BYTES_MAX = 32 * 1024 * 1024; // 32 MiB
/** Longest error body read from a provider; only a sentence of it is used. */
export const UPSTREAM_ERROR_BYTES_MAX = 64 * 1024; // 64 KiB
/** Longest single server-sent event; longer is garbage. Base64 images in a stream stay below it. */
export const SSE_EVENT_BYTES_MAX = 8 * 1024 * 1024; // 8 MiB
/** What is held back before the first real chunk; past either, headers are sent and failover ends. */
export const HELD_EVENTS_MAX = 64;
export const HELD_BYTES_MAX = 256 * 1024; // 256 KiB
/** Bytes read ahead from a provider before the socket is paused. */
export const READ_AHEAD_BYTES_MAX = 256 * 1024; // 256 KiB
/** Connections to one provider that says nothing else (contract section 5). */
export const POOL_CONNECTIONS_DEFAULT = 100;
export const POOL_IDLE_MS = 30_000;
/** Largest header block that is taken from a provider. */
export const UPSTREAM_HEADER_BYTES_MAX = 64 * 1024; // 64 KiB
/** Longest text of a provider's error that is shown or recorded. */
export const ERROR_TEXT_CHARS_MAX = 500;
/** Providers tried for one request. */
export const ATTEMPTS_MAX = 6;
/** Most tool calls open at once in one translated stream. */
export const STREAM_TOOL_CALLS_MAX = 128;
/** Argument bytes of a tool call that wait until the block before it is closed. */
export const PENDING_ARGUMENT_CHARS_MAX = 4 * 1024 * 1024;
/** `max_tokens` for providers that demand it when the client gave none (contract 6b). */
export const MAX_TOKENS_DEFAULT = 4_096;
/** Seconds for `Retry-After` when a provider limits the rate without saying how long (contract section 5). */
export const RETRY_AFTER_SECONDS_DEFAULT = 30;
/** Time for open requests to end by themselves after SIGTERM, then for their clean errors to leave; a role has 12 s. */
export const DRAIN_MS = 9_000;
export const DRAIN_ERROR_MS = 1_000;
/** Responses kept for `previous_response_id`, and characters of all of them together. */
export const STORED_RESPONSES_MAX = 1_000;
export const STORED_RESPONSE_CHARS_MAX = 16 * 1024 * 1024;
/** Addresses whose requests are counted; beyond, the one that was quiet longest is forgotten. */
export const LIMITED_ADDRESSES_MAX = 10_000;
/** Answer times kept per provider and model, and models for which they are. */
export const LATENCY_SAMPLES_MAX = 128;
export const LATENCY_MODELS_MAX = 1_000;
/** Models with a breaker of their own; only those that failed lately have one. */
export const AVAILABILITY_BREAKERS_MAX = 2_000;
/** Calls sent for one request, retries and further keys of one provider included. */
export const CALLS_MAX = 12;
/** Models among which the smart router chooses. */
export const AUTO_CANDIDATES_MAX = 64;
/** Rows read of the health service's list of models. */
export const HEALTH_ROWS_MAX = 5_000;
/** A request body from here on is sent in pieces of this size, each when the one before has left. */
export const WRITE_WATCHED_BYTES = 256 * 1024; // 256 KiB
export const WRITE_PIECE_BYTES = 64 * 1024; // 64 KiB
