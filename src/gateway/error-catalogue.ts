interface CatalogueEntry {
  readonly status: number;
  /** `type` and `code` of OpenAI's error object. */
  readonly openai: readonly [type: string, code: string | null];
  /** `type` of Anthropic's error object. */
  readonly anthropic: string;
  readonly message: (detail: never) => string;
}

const seconds = (ms: number): string => `${Math.round(ms / 100) / 10} s`;

/** Every error a client can see. errors.test.ts compares it with docs/reference/errors.md, both ways. */
export const gatewayErrors = {
  INVALID_JSON: {
    status: 400,
    openai: ["invalid_request_error", null],
    anthropic: "invalid_request_error",
    message: (d: { reason: string }) => `The request body is not acceptable JSON: ${d.reason}.`,
  },
  INVALID_REQUEST: {
    status: 400,
    openai: ["invalid_request_error", "invalid_value"],
    anthropic: "invalid_request_error",
    message: (d: { reason: string }) => d.reason,
  },
  CONTENT_POLICY_VIOLATION: {
    status: 400,
    openai: ["invalid_request_error", "content_policy_violation"],
    anthropic: "invalid_request_error",
    message: (d: { reason: string }) => `The request was refused by this gateway's content policy: ${d.reason}`,
  },
  NOT_TRANSLATABLE: {
    status: 400,
    openai: ["invalid_request_error", "unsupported_parameter"],
    anthropic: "invalid_request_error",
    message: (d: { what: string; provider: string; hint: string }) =>
      `${d.what} cannot be expressed in the format of provider "${d.provider}": ${d.hint}`,
  },
  PROVIDER_REJECTED_REQUEST: {
    status: 400,
    openai: ["invalid_request_error", "provider_rejected_request"],
    anthropic: "invalid_request_error",
    message: (d: { provider: string; reason: string }) => `Provider "${d.provider}" rejected the request: ${d.reason}`,
  },
  PREVIOUS_RESPONSE_NOT_FOUND: {
    status: 400,
    openai: ["invalid_request_error", "previous_response_not_found"],
    anthropic: "invalid_request_error",
    message: (d: { id: string }) => `Previous response with id ${JSON.stringify(d.id.slice(0, 100))} not found.`,
  },
  AUTHENTICATION_REQUIRED: {
    status: 401,
    openai: ["invalid_request_error", null], // As OpenAI's API itself answers; its 401s have no type of their own.
    anthropic: "authentication_error",
    message: (_: object) => "No API key given. Send it as Authorization: Bearer KEY or as x-api-key: KEY.",
  },
  INVALID_API_KEY: {
    status: 401,
    openai: ["invalid_request_error", "invalid_api_key"],
    anthropic: "authentication_error",
    message: (_: object) => "The API key is not known to this gateway. Check ADMIN_API_KEY or gateway.keys.",
  },
  API_KEY_INACTIVE: {
    status: 401,
    openai: ["invalid_request_error", "invalid_api_key"],
    anthropic: "authentication_error",
    message: (d: { status: string }) => `The API key is ${d.status}. Ask whoever runs this gateway for another one.`,
  },
  MODEL_NEEDS_KEY: {
    status: 401,
    openai: ["invalid_request_error", null],
    anthropic: "authentication_error",
    message: (d: { model: string }) =>
      `Without an API key only models that cost nothing are served; ${JSON.stringify(d.model)} is none of them.`,
  },
  PERMISSION_DENIED: {
    status: 403,
    openai: ["permission_error", "permission_denied"],
    anthropic: "permission_error",
    message: (d: { what: string }) => `${d.what} needs the admin key (ADMIN_API_KEY).`,
  },
  MODEL_NOT_ALLOWED: {
    status: 403,
    openai: ["permission_error", "model_not_allowed"],
    anthropic: "permission_error",
    message: (d: { model: string }) => `This key may not use model ${JSON.stringify(d.model)}.`,
  },
  HOOK_REFUSED: {
    status: 403,
    openai: ["permission_error", "request_refused"],
    anthropic: "permission_error",
    message: (d: { hook: string; reason: string }) => `The hook "${d.hook}" refused the request: ${d.reason}`,
  },
  ORIGIN_NOT_ALLOWED: {
    status: 403,
    openai: ["permission_error", "origin_not_allowed"],
    anthropic: "permission_error",
    message: (d: { origin: string }) =>
      `Web pages of ${JSON.stringify(d.origin)} may not call this gateway; gateway.safety.browser.origins names those that may.`,
  },
  HOST_NOT_ALLOWED: {
    status: 403,
    openai: ["permission_error", "host_not_allowed"],
    anthropic: "permission_error",
    message: (d: { host: string }) =>
      `This gateway is not called ${JSON.stringify(d.host)}; gateway.safety.browser.hosts names what it is called.`,
  },
  MODEL_NOT_FOUND: {
    status: 404,
    openai: ["invalid_request_error", "model_not_found"],
    anthropic: "not_found_error",
    message: (d: { model: string; provider?: string; reason?: string }) =>
      d.provider === undefined
        ? `Model ${JSON.stringify(d.model)} is not served here. List models with GET /v1/models.`
        : `Provider "${d.provider}" does not serve model ${JSON.stringify(d.model)} here: ${d.reason}`,
  },
  PROVIDER_NOT_FOUND: {
    status: 404,
    openai: ["invalid_request_error", "provider_not_found"],
    anthropic: "not_found_error",
    message: (d: { provider: string }) => `Provider ${JSON.stringify(d.provider)} is not configured.`,
  },
  NO_PROVIDER_ALLOWED: {
    status: 404,
    openai: ["invalid_request_error", "no_provider_allowed"],
    anthropic: "not_found_error",
    message: (d: { model: string }) =>
      `No provider that may be asked serves ${JSON.stringify(d.model)}: the request, its key or its alias names others.`,
  },
  REQUEST_NOT_FOUND: {
    status: 404,
    openai: ["invalid_request_error", null],
    anthropic: "not_found_error",
    message: (d: { id: string }) => `Request with id ${JSON.stringify(d.id.slice(0, 100))} not found.`,
  },
  ENTRY_NOT_FOUND: {
    status: 404,
    openai: ["invalid_request_error", "not_found"],
    anthropic: "not_found_error",
    message: (d: { what: string; name: string }) => `There is no ${d.what} ${JSON.stringify(d.name.slice(0, 200))}.`,
  },
  RESPONSE_NOT_FOUND: {
    status: 404,
    openai: ["invalid_request_error", null],
    anthropic: "not_found_error",
    message: (d: { id: string }) => `Response with id ${JSON.stringify(d.id.slice(0, 100))} not found.`,
  },
  ROUTE_NOT_FOUND: {
    status: 404,
    openai: ["invalid_request_error", "unknown_url"],
    anthropic: "not_found_error",
    message: (d: { method: string; path: string }) => `Unknown request URL: ${d.method} ${d.path}.`,
  },
  CONFLICT: {
    status: 409,
    openai: ["invalid_request_error", "conflict"],
    anthropic: "invalid_request_error",
    message: (d: { reason: string }) => d.reason,
  },
  REQUEST_TOO_LARGE: {
    status: 413,
    openai: ["invalid_request_error", "request_too_large"],
    anthropic: "request_too_large",
    message: (d: { bodyBytesMax: number }) =>
      `The request body is larger than the limit of ${d.bodyBytesMax} bytes (gateway.bodyBytesMax).`,
  },
  UPLOAD_TOO_LARGE: {
    status: 413,
    openai: ["invalid_request_error", "request_too_large"],
    anthropic: "request_too_large",
    message: (d: { bytesMax: number }) =>
      `The upload is larger than the limit of ${d.bytesMax} bytes (gateway.safety.uploadBytesMax).`,
  },
  PROVIDER_REQUEST_TOO_LARGE: {
    status: 413,
    openai: ["invalid_request_error", "request_too_large"],
    anthropic: "request_too_large",
    message: (d: { provider: string; reason: string }) =>
      `Provider "${d.provider}" found the request too large: ${d.reason}`,
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    openai: ["invalid_request_error", "unsupported_media_type"],
    anthropic: "invalid_request_error",
    message: (d: { reason: string }) => `The request body cannot be read: ${d.reason}.`,
  },
  RATE_LIMIT_EXCEEDED: {
    status: 429,
    openai: ["rate_limit_error", "rate_limit_exceeded"],
    anthropic: "rate_limit_error",
    message: (d: { limit: number; window: string; retryAfterSeconds: number }) =>
      `This key may send ${d.limit} requests per ${d.window}. Try again in ${d.retryAfterSeconds} s.`,
  },
  IP_RATE_LIMIT_EXCEEDED: {
    status: 429,
    openai: ["rate_limit_error", "rate_limit_exceeded"],
    anthropic: "rate_limit_error",
    message: (d: { limit: number; retryAfterSeconds: number }) =>
      `This address may send ${d.limit} requests per minute. Try again in ${d.retryAfterSeconds} s.`,
  },
  TOKEN_RATE_LIMIT: {
    status: 429,
    openai: ["rate_limit_error", "rate_limit_exceeded"],
    anthropic: "rate_limit_error",
    message: (d: { limit: number; window: string; retryAfterSeconds: number }) =>
      `This key may use ${d.limit} tokens per ${d.window}. Try again in ${d.retryAfterSeconds} s.`,
  },
  CONCURRENT_REQUEST_LIMIT: {
    status: 429,
    openai: ["rate_limit_error", "rate_limit_exceeded"],
    anthropic: "rate_limit_error",
    message: (d: { limit: number }) => `This key may have ${d.limit} requests open at once. Wait for one to end.`,
  },
  DAILY_SPEND_QUOTA_EXCEEDED: {
    status: 429,
    openai: ["insufficient_quota", "insufficient_quota"],
    anthropic: "rate_limit_error",
    message: (d: { capUsd: number; retryAfterSeconds: number }) =>
      `This key may cost $${d.capUsd} a day (gateway.limits.dailySpendUsd), open requests included. Try again in ${d.retryAfterSeconds} s.`,
  },
  BUDGET_QUOTA_EXCEEDED: {
    status: 429,
    openai: ["insufficient_quota", "insufficient_quota"],
    anthropic: "rate_limit_error",
    message: (d: { scope: string; period: string; capUsd: number; leftUsd: number; needsUsd: number }) =>
      `The ${d.period}'s budget of this ${d.scope} is $${d.capUsd}; $${d.leftUsd.toFixed(6)} are left and this request may cost $${d.needsUsd.toFixed(6)}.`,
  },
  ANONYMOUS_QUOTA_EXCEEDED: {
    status: 429,
    openai: ["rate_limit_error", "rate_limit_exceeded"],
    anthropic: "rate_limit_error",
    message: (d: { limit: number }) => `Without an API key ${d.limit} requests a day are served to one address.`,
  },
  PROVIDER_RATE_LIMITED: {
    status: 429,
    openai: ["rate_limit_error", "rate_limit_exceeded"],
    anthropic: "rate_limit_error",
    message: (d: { provider: string; reason: string; retryAfterSeconds: number }) =>
      `Provider "${d.provider}" limits the rate: ${d.reason} Try again in ${d.retryAfterSeconds} s.`,
  },
  INTERNAL_ERROR: {
    status: 500,
    openai: ["server_error", "internal_error"],
    anthropic: "api_error",
    message: (_: object) => "The gateway failed; its log has the cause under this request id.",
  },
  HOOK_FAILED: {
    status: 500,
    openai: ["server_error", "hook_failed"],
    anthropic: "api_error",
    message: (d: { hook: string; reason: string }) =>
      `The hook "${d.hook}" could not judge the request: ${d.reason}. It is set to refuse then (onFailure: closed).`,
  },
  PROVIDER_ERROR: {
    status: 502,
    openai: ["provider_error", "provider_error"],
    anthropic: "api_error",
    message: (d: { provider: string; reason: string }) => `Provider "${d.provider}" failed: ${d.reason}`,
  },
  PROVIDER_INVALID_RESPONSE: {
    status: 502,
    openai: ["provider_error", "provider_invalid_response"],
    anthropic: "api_error",
    message: (d: { provider: string; reason: string }) =>
      `Provider "${d.provider}" sent an answer that cannot be used: ${d.reason}.`,
  },
  PROVIDER_AUTHENTICATION_ERROR: {
    status: 502,
    openai: ["auth_error", "provider_authentication_error"],
    anthropic: "api_error",
    message: (d: { provider: string; reason: string }) =>
      `Provider "${d.provider}" refused the gateway's credentials: ${d.reason} Check the provider's key.`,
  },
  PROVIDER_CREDENTIALS_EXHAUSTED: {
    status: 502,
    openai: ["auth_error", "provider_credentials_exhausted"],
    anthropic: "api_error",
    message: (d: { provider: string; keys: string; reason: string }) =>
      `Provider "${d.provider}" accepted none of its keys (${d.keys}). The last answer: ${d.reason}`,
  },
  ALL_PROVIDERS_FAILED: {
    status: 502,
    openai: ["provider_error", "all_providers_failed"],
    anthropic: "api_error",
    message: (d: { tried: string; reason: string }) =>
      `Every provider failed (tried ${d.tried}). The last one: ${d.reason}`,
  },
  PROVIDER_STREAM_INTERRUPTED: {
    status: 502,
    openai: ["stream_error", "provider_stream_interrupted"],
    anthropic: "api_error",
    message: (d: { provider: string; reason: string }) =>
      `The stream of provider "${d.provider}" broke off: ${d.reason}.`,
  },
  EMPTY_STREAM: {
    status: 502,
    openai: ["empty_stream_error", "empty_stream"],
    anthropic: "api_error",
    message: (d: { provider: string }) => `Provider "${d.provider}" ended its stream without any content.`,
  },
  PROVIDER_UNAVAILABLE: {
    status: 503,
    openai: ["capacity_error", "provider_unavailable"],
    anthropic: "overloaded_error",
    message: (d: { provider: string; reason: string }) => `Provider "${d.provider}" cannot be reached: ${d.reason}`,
  },
  NO_PROVIDER_CONFIGURED: {
    status: 503,
    openai: ["capacity_error", "no_provider_configured"],
    anthropic: "api_error",
    message: (_: object) =>
      "No provider is configured. Set OPENAI_API_KEY, ANTHROPIC_API_KEY or another provider's key, or GATEWAYZ_MODE=demo.",
  },
  STORE_UNAVAILABLE: {
    status: 503,
    openai: ["capacity_error", "store_unavailable"],
    anthropic: "api_error",
    message: (d: { reason: string }) => `The gateway's database cannot be asked: ${d.reason}.`,
  },
  HEALTH_SERVICE_UNAVAILABLE: {
    status: 503,
    openai: ["capacity_error", "health_service_unavailable"],
    anthropic: "api_error",
    message: (d: { reason: string }) => `The health service cannot be asked: ${d.reason}`,
  },
  KEYS_UNAVAILABLE: {
    status: 503,
    openai: ["capacity_error", "service_unavailable"],
    anthropic: "overloaded_error",
    message: (_: object) => "The keys cannot be read at the moment, and this one is not known yet. Try again shortly.",
  },
  CONCURRENCY_QUEUE_FULL: {
    status: 503,
    openai: ["capacity_error", "concurrency_queue_full"],
    anthropic: "overloaded_error",
    message: (d: { active: number; queued: number }) =>
      `The gateway is busy: ${d.active} requests active and ${d.queued} queued (gateway.concurrency). Try again shortly.`,
  },
  CONCURRENCY_QUEUE_TIMEOUT: {
    status: 503,
    openai: ["capacity_error", "concurrency_queue_timeout"],
    anthropic: "overloaded_error",
    message: (d: { waitMs: number }) =>
      `The request waited ${seconds(d.waitMs)} for a free slot (gateway.concurrency.queueWait). Try again shortly.`,
  },
  UPLOAD_NOT_STORED: {
    status: 503,
    openai: ["capacity_error", "upload_not_stored"],
    anthropic: "overloaded_error",
    message: (d: { reason: string }) =>
      `The upload is too long for memory and could not be put aside (${d.reason}). Try again shortly.`,
  },
  SHUTTING_DOWN: {
    status: 503,
    openai: ["capacity_error", "service_unavailable"],
    anthropic: "overloaded_error",
    message: (_: object) => "The gateway is shutting down. Send the request again.",
  },
  PROVIDER_TIMEOUT: {
    status: 504,
    openai: ["timeout_error", "provider_timeout"],
    anthropic: "timeout_error",
    message: (d: { provider: string; reason: string }) =>
      `Provider "${d.provider}" did not answer in time: ${d.reason}`,
  },
  STREAM_TIMEOUT: {
    status: 504,
    openai: ["stream_timeout", "stream_timeout"],
    anthropic: "timeout_error",
    message: (d: { provider: string; phase: string; limitMs: number }) =>
      `The stream of provider "${d.provider}" exceeded the ${d.phase} limit of ${seconds(d.limitMs)}.`,
  },
} as const satisfies Record<string, CatalogueEntry>;

export type GatewayErrorCode = keyof typeof gatewayErrors;
/** What the message of this error is made from. */
export type ErrorDetail<C extends GatewayErrorCode> = Parameters<(typeof gatewayErrors)[C]["message"]>[0];
