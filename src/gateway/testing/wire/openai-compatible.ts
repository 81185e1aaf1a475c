import { isObject, type JsonObject, objectAt, objectsAt } from "../../json.ts";
import {
  jsonReply,
  must,
  mustPost,
  sseReply,
  type WireFixture,
  type WireReply,
  type WireRequest,
  type WireUsage,
} from "./wire-server.ts";

/** Where a provider's replies or demands differ from OpenAI's own, by its reference. */
interface Difference {
  readonly title?: string;
  readonly provider: string;
  readonly model?: string;
  /** The id that must arrive, where it is not the model's. */
  readonly upstreamModel?: string;
  /** Of the base URL. */
  readonly basePath: string;
  readonly config?: JsonObject;
  readonly path?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly authHeader?: readonly [name: string, value: string];
  readonly headers?: Readonly<Record<string, string>>;
  readonly usage?: JsonObject;
  readonly counts?: Partial<WireUsage>;
  /** Members beside `choices` of every reply and chunk. */
  readonly beside?: JsonObject;
  /** In every message and (whole) in the first delta. */
  readonly reasoning?: string;
  /** False where the API refuses or does not know `stream_options`. */
  readonly streamOptions?: boolean;
  /** Usage stands in the last chunk with choices. */
  readonly usageInLastChunk?: boolean;
  readonly toolCallIds?: readonly [string, string];
  readonly tools?: false;
  /** Events before the first. */
  readonly before?: readonly string[];
  readonly check?: (request: WireRequest) => void;
  readonly errors?: Partial<Record<string, WireReply>>;
  readonly badRequestCode?: string;
  readonly adjust?: (reply: JsonObject) => JsonObject;
}

const KEY = "sk-test-0123456789";
const USAGE = {
  prompt_tokens: 20,
  completion_tokens: 5,
  total_tokens: 25,
  prompt_tokens_details: { cached_tokens: 8 },
  completion_tokens_details: { reasoning_tokens: 2 },
};

function compatible(difference: Difference): WireFixture {
  const { provider, basePath, model = "m-1", upstreamModel = model, usage = USAGE } = difference;
  const [authName, authValue] = difference.authHeader ?? ["authorization", `Bearer ${KEY}`];
  const about = { created: 1_700_000_000, model: upstreamModel, ...difference.beside };
  const adjust = difference.adjust ?? ((reply: JsonObject) => reply);
  const thought = difference.reasoning === undefined ? {} : { reasoning_content: difference.reasoning };
  const [firstId, secondId] = difference.toolCallIds ?? ["call_a", "call_b"];
  const calls = [
    { id: firstId, type: "function", function: { name: "get_weather", arguments: '{"city":"Oslo"}' } },
    { id: secondId, type: "function", function: { name: "get_weather", arguments: '{"city":"Rome"}' } },
  ];

  const whole = (message: JsonObject, reason: string): WireReply =>
    jsonReply(
      adjust({
        id: "chatcmpl-1",
        object: "chat.completion",
        ...about,
        choices: [{ index: 0, message: { role: "assistant", ...thought, ...message }, finish_reason: reason }],
        usage,
      }),
    );
  const chunk = (delta: JsonObject, reason: string | null = null, rest: JsonObject = {}): JsonObject =>
    adjust({
      id: "chatcmpl-1",
      object: "chat.completion.chunk",
      ...about,
      choices: [{ index: 0, delta, finish_reason: reason }],
      ...rest,
    });
  const ending = (reason: string): JsonObject[] =>
    difference.usageInLastChunk
      ? [chunk({}, reason, { usage })]
      : [chunk({}, reason), { ...chunk({}), choices: [], usage }];
  const streamed = (deltas: readonly JsonObject[], reason: string): WireReply =>
    sseReply([
      ...(difference.before ?? []),
      chunk({ role: "assistant", content: "" }),
      ...(difference.reasoning === undefined ? [] : [chunk(thought)]),
      ...deltas.map((delta) => chunk(delta)),
      ...ending(reason),
      "data: [DONE]\n\n",
    ]);

  return {
    title: difference.title ?? provider,
    provider,
    model,
    ...(difference.badRequestCode === undefined ? {} : { badRequestCode: difference.badRequestCode }),
    usage: { input: 20, output: 5, cacheRead: 8, cacheWrite: 0, reasoning: 2, ...difference.counts },
    ...(difference.reasoning === undefined ? {} : { reasoning: difference.reasoning }),
    config: (url) => ({ baseUrl: `${url}${basePath}`, apiKey: KEY, models: [model], ...difference.config }),
    check(request) {
      mustPost(request, difference.path ?? `${basePath}/chat/completions`, authName, authValue);
      for (const [name, value] of Object.entries(difference.query ?? {})) {
        must(request.query.get(name) === value, `query ${name} is ${request.query.get(name)}`);
      }
      for (const [name, value] of Object.entries(difference.headers ?? {})) {
        must(request.headers[name] === value, `header ${name} is ${request.headers[name]}`);
      }
      const { body } = request;
      must(body["model"] === upstreamModel, `model is ${body["model"]}`);
      must(objectsAt(body, "messages").length > 0, "no messages");
      must(body["provider"] === undefined, "the gateway's own members were passed on");
      const options = body["stream_options"];
      if (difference.streamOptions === false) must(options === undefined, "stream_options is not known here");
      else if (body["stream"] === true)
        must(isObject(options) && options["include_usage"] === true, "usage not asked for");
      if (request.scenario === "tools") checkTools(body);
      difference.check?.(request);
    },
    answer({ scenario, body }) {
      const error = difference.errors?.[scenario];
      if (error !== undefined) return error;
      switch (scenario) {
        case "rate-limit":
          return jsonReply(openAiError("Rate limit reached", "rate_limit_error", "rate_limit_exceeded"), 429, {
            "retry-after": "7",
          });
        case "bad-key":
          return jsonReply(openAiError("Incorrect API key provided", "invalid_request_error", "invalid_api_key"), 401);
        case "bad-request":
          return jsonReply(openAiError("too long", "invalid_request_error", "context_length_exceeded"), 400);
        case "tools":
          if (body["stream"] !== true) return whole({ content: null, tool_calls: calls }, "tool_calls");
          return streamed(toolDeltas(calls), "tool_calls");
        default:
          if (body["stream"] !== true) return whole({ content: "Hello world" }, "stop");
          return streamed([{ content: "Hello" }, { content: " world" }], "stop");
      }
    },
  };
}

function openAiError(message: string, type: string, code: string | null): JsonObject {
  return { error: { message, type, param: null, code } };
}

function toolDeltas(calls: readonly JsonObject[]): JsonObject[] {
  return calls.flatMap((call, index) => {
    const { name, arguments: args } = objectAt(call, "function") as { name: string; arguments: string };
    return [
      { tool_calls: [{ index, id: call["id"], type: "function", function: { name, arguments: "" } }] },
      { tool_calls: [{ index, function: { arguments: args.slice(0, 6) } }] },
      { tool_calls: [{ index, function: { arguments: args.slice(6) } }] },
    ];
  });
}

/** The tool is offered, and the history's call and its result belong together. */
function checkTools(body: JsonObject): void {
  const [tool] = objectsAt(body, "tools");
  must(tool !== undefined && objectAt(tool, "function")["name"] === "get_weather", "the tool is missing");
  must(isObject(objectAt(tool, "function")["parameters"]), "the tool has no parameters");
  const messages = objectsAt(body, "messages");
  const call = messages.flatMap((message) => objectsAt(message, "tool_calls"))[0];
  const result = messages.find((message) => message["role"] === "tool");
  must(call !== undefined && result !== undefined, "the history lost its call or result");
  must(result["tool_call_id"] === call["id"], "result and call have different ids");
  must(typeof objectAt(call, "function")["arguments"] === "string", "arguments are no text");
}

const NO_REASONING = { cacheRead: 0, reasoning: 0 };
const PLAIN_USAGE = { prompt_tokens: 20, completion_tokens: 5, total_tokens: 25 };

export const OPENAI_COMPATIBLE: readonly WireFixture[] = [
  compatible({
    provider: "openai",
    basePath: "/v1",
    model: "gpt-5-mini",
    badRequestCode: "context_length_exceeded",
    beside: { system_fingerprint: "fp_1", service_tier: "default" },
    check: ({ body }) => must(body["max_tokens"] === undefined, "reasoning models take max_completion_tokens only"),
  }),
  compatible({
    provider: "openrouter",
    basePath: "/api/v1",
    model: "meta-llama/llama-3.3-70b-instruct",
    headers: { "x-title": "GatewayZ" },
    beside: { provider: "Groq" },
    before: [": OPENROUTER PROCESSING\n\n", ": OPENROUTER PROCESSING\n\n"],
    usage: { ...USAGE, cost: 0.0001 },
    errors: {
      "rate-limit": jsonReply({ error: { message: "Rate limited upstream", code: 429, metadata: {} } }, 429, {
        "retry-after": "7",
      }),
    },
  }),
  compatible({
    provider: "groq",
    basePath: "/openai/v1",
    beside: { x_groq: { id: "req_1" }, system_fingerprint: "fp_1" },
    usage: { ...PLAIN_USAGE, queue_time: 0.02, prompt_time: 0.001, completion_time: 0.1, total_time: 0.1 },
    counts: NO_REASONING,
  }),
  compatible({
    provider: "mistral",
    basePath: "/v1",
    streamOptions: false,
    usageInLastChunk: true,
    usage: PLAIN_USAGE,
    counts: NO_REASONING,
    toolCallIds: ["D681PevKs", "Zt3kQ9abc"],
    check({ body }) {
      for (const name of ["user", "seed", "max_completion_tokens", "logit_bias"]) {
        must(body[name] === undefined, `unknown member ${name} (422)`);
      }
      for (const message of objectsAt(body, "messages")) {
        const ids = [message["tool_call_id"], ...objectsAt(message, "tool_calls").map((call) => call["id"])];
        for (const id of ids.filter((one) => one !== undefined)) {
          must(/^[a-zA-Z0-9]{9}$/.test(String(id)), `tool call id ${id} has not nine letters`);
        }
      }
    },
    errors: {
      "bad-request": jsonReply(
        { object: "error", message: "too long", type: "invalid_request_error", code: null },
        400,
      ),
      "bad-key": jsonReply({ detail: "Unauthorized" }, 401),
      "rate-limit": jsonReply({ message: "Requests rate limit exceeded" }, 429, { "retry-after": "7" }),
    },
  }),
  compatible({
    title: "mistral, a thinking model",
    provider: "mistral",
    basePath: "/v1",
    model: "magistral-medium-latest",
    streamOptions: false,
    usageInLastChunk: true,
    usage: PLAIN_USAGE,
    counts: NO_REASONING,
    reasoning: "Let me see.",
    adjust: thinkingAsParts,
  }),
  compatible({
    provider: "perplexity",
    basePath: "",
    model: "sonar-pro",
    streamOptions: false,
    usageInLastChunk: true,
    usage: { ...PLAIN_USAGE, search_context_size: "low", cost: { total_cost: 0.006 } },
    counts: NO_REASONING,
    tools: false,
    beside: {
      citations: ["https://example.com/a"],
      search_results: [{ title: "A", url: "https://example.com/a", date: "2026-01-01" }],
    },
    check: ({ body }) => must(body["tools"] === undefined, "tools are not known here"),
    errors: {
      "bad-request": jsonReply({ error: { message: "too long", type: "invalid_message", code: 400 } }, 400),
    },
  }),
  compatible({
    provider: "together",
    basePath: "/v1",
    usage: { ...PLAIN_USAGE, cached_tokens: 0 },
    counts: NO_REASONING,
  }),
  compatible({
    provider: "fireworks",
    basePath: "/inference/v1",
    model: "accounts/fireworks/models/llama-v3p3-70b-instruct",
    usage: PLAIN_USAGE,
    counts: NO_REASONING,
  }),
  compatible({
    provider: "deepinfra",
    basePath: "/v1/openai",
    usage: { ...PLAIN_USAGE, estimated_cost: 0.001 },
    counts: NO_REASONING,
  }),
  compatible({ provider: "featherless", basePath: "/v1", usage: PLAIN_USAGE, counts: NO_REASONING }),
  compatible({
    provider: "cerebras",
    basePath: "/v1",
    beside: { time_info: { total_time: 0.1 } },
    errors: {
      "bad-request": jsonReply(
        { message: "too long", type: "invalid_request_error", param: "messages", code: "context_length_exceeded" },
        400,
      ),
    },
  }),
  compatible({
    provider: "xai",
    basePath: "/v1",
    model: "grok-4",
    reasoning: "Let me see.",
    usage: { ...USAGE, num_sources_used: 0 },
    errors: { "bad-request": jsonReply({ code: "Client specified an invalid argument", error: "too long" }, 400) },
  }),
  compatible({ provider: "novita", basePath: "/v3/openai", usage: PLAIN_USAGE, counts: NO_REASONING }),
  compatible({
    provider: "alibaba",
    basePath: "/compatible-mode/v1",
    model: "qwen3-32b",
    usage: PLAIN_USAGE,
    counts: NO_REASONING,
    check: ({ body }) =>
      must(
        body["stream"] === true || body["enable_thinking"] === false,
        "enable_thinking must be false without stream",
      ),
  }),
  compatible({
    provider: "zai",
    basePath: "/api/paas/v4",
    model: "glm-4.6",
    reasoning: "Let me see.",
    counts: { reasoning: 2 },
  }),
  compatible({
    provider: "deepseek",
    basePath: "/v1",
    model: "deepseek-reasoner",
    reasoning: "Let me see.",
    usage: {
      ...PLAIN_USAGE,
      prompt_cache_hit_tokens: 8,
      prompt_cache_miss_tokens: 12,
      completion_tokens_details: { reasoning_tokens: 2 },
    },
  }),
  compatible({
    provider: "moonshot",
    basePath: "/v1",
    model: "moonshot/kimi-k2",
    upstreamModel: "kimi-k2",
    usage: { ...PLAIN_USAGE, cached_tokens: 8 },
    counts: { reasoning: 0 },
    check: ({ body }) => must(Number(body["temperature"] ?? 0) <= 1, "temperature above 1"),
  }),
  compatible({
    provider: "minimax",
    basePath: "/v1",
    beside: { base_resp: { status_code: 0, status_msg: "" } },
    usage: PLAIN_USAGE,
    counts: NO_REASONING,
    errors: {
      "rate-limit": jsonReply({ base_resp: { status_code: 1002, status_msg: "rate limit" } }),
      "bad-key": jsonReply({ base_resp: { status_code: 1004, status_msg: "login fail" } }),
      "bad-request": jsonReply({ base_resp: { status_code: 2013, status_msg: "too long" } }),
    },
  }),
  compatible({ provider: "xiaomi", basePath: "/v1", model: "mimo-v2", reasoning: "Let me see." }),
  compatible({
    provider: "meta",
    basePath: "/v1",
    model: "meta/llama-4",
    upstreamModel: "llama-4",
    usage: PLAIN_USAGE,
    counts: NO_REASONING,
  }),
  compatible({
    provider: "ollama",
    basePath: "/v1",
    usage: PLAIN_USAGE,
    counts: NO_REASONING,
    errors: {
      "bad-request": jsonReply({ error: { message: "too long", type: "api_error", param: null, code: null } }, 400),
    },
  }),
  compatible({
    provider: "vllm",
    basePath: "/v1",
    usage: { ...PLAIN_USAGE, prompt_tokens_details: null },
    counts: NO_REASONING,
    errors: {
      "bad-request": jsonReply(
        { object: "error", message: "too long", type: "BadRequestError", param: null, code: 400 },
        400,
      ),
    },
  }),
  compatible({
    title: "any compatible server",
    provider: "own-server",
    basePath: "/some/where",
    config: { headers: { "X-Team": "blue" } },
    headers: { "x-team": "blue" },
  }),
  compatible({
    title: "azure, v1",
    provider: "azure",
    basePath: "",
    config: { type: "azure" },
    path: "/openai/v1/chat/completions",
    authHeader: ["api-key", KEY],
    errors: { "bad-request": azureFilter() },
    badRequestCode: "content_filter",
  }),
  compatible({
    title: "azure, deployments",
    provider: "azure",
    model: "gpt-4o",
    upstreamModel: "my-gpt-4o",
    basePath: "",
    config: { type: "azure", apiVersion: "2024-10-21", deployments: { "gpt-4o": "my-gpt-4o" } },
    path: "/openai/deployments/my-gpt-4o/chat/completions",
    query: { "api-version": "2024-10-21" },
    authHeader: ["api-key", KEY],
    beside: { prompt_filter_results: [{ prompt_index: 0, content_filter_results: {} }] },
    before: [
      'data: {"id":"","object":"","created":0,"model":"","choices":[],"prompt_filter_results":[{"prompt_index":0}]}\n\n',
    ],
    errors: { "bad-request": azureFilter() },
    badRequestCode: "content_filter",
  }),
];

/** The prompt was filtered ("Content filtering", Azure OpenAI). */
function azureFilter(): WireReply {
  const innererror = { code: "ResponsibleAIPolicyViolation", content_filter_result: { hate: { filtered: true } } };
  return jsonReply(
    { error: { message: "too long", type: null, param: "prompt", code: "content_filter", status: 400, innererror } },
    400,
  );
}

/** Magistral's content: a list of parts, thinking first. */
function thinkingAsParts(reply: JsonObject): JsonObject {
  const choices = objectsAt(reply, "choices").map((choice) => {
    const key = isObject(choice["message"]) ? "message" : "delta";
    const { reasoning_content: thought, content, ...message } = objectAt(choice, key);
    if (thought === undefined) return choice;
    const parts: JsonObject[] = [{ type: "thinking", thinking: [{ type: "text", text: thought }] }];
    if (typeof content === "string") parts.push({ type: "text", text: content });
    return { ...choice, [key]: { ...message, content: parts } };
  });
  return { ...reply, choices };
}
