import { type JsonObject, objectsAt } from "../../json.ts";
import {
  jsonReply,
  must,
  mustPost,
  sseReply,
  type WireFixture,
  type WireReply,
  type WireRequest,
} from "./wire-server.ts";

const KEY = "sk-ant-test-0123456789";
const USAGE = { input_tokens: 10, cache_creation_input_tokens: 2, cache_read_input_tokens: 8, output_tokens: 5 };
export const ANTHROPIC_COUNTS = { input: 20, output: 5, cacheRead: 8, cacheWrite: 2, reasoning: 0 };
export const ANTHROPIC_REASONING = "Let me see.";

const THINKING = { type: "thinking", thinking: ANTHROPIC_REASONING, signature: "c2lnbmVk" };
const TOOLS = ["Oslo", "Rome"].map((city, index) => ({
  type: "tool_use",
  id: `toolu_${index}`,
  name: "get_weather",
  input: { city },
}));

function event(type: string, members: JsonObject = {}): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`;
}

function message(content: readonly JsonObject[], reason: string): JsonObject {
  const about = { id: "msg_1", type: "message", role: "assistant", model: "claude-sonnet-4-5" };
  return { ...about, content, stop_reason: reason, stop_sequence: null, usage: USAGE };
}

function streamedBlock(block: JsonObject, index: number): string[] {
  const deltas: JsonObject[] = [];
  let start: JsonObject = { type: "text", text: "" };
  if (block["type"] === "thinking") {
    start = { type: "thinking", thinking: "", signature: "" };
    deltas.push({ type: "thinking_delta", thinking: block["thinking"] });
    deltas.push({ type: "signature_delta", signature: block["signature"] });
  } else if (block["type"] === "tool_use") {
    start = { ...block, input: {} };
    const json = JSON.stringify(block["input"]);
    for (const piece of ["", json.slice(0, 5), json.slice(5)])
      deltas.push({ type: "input_json_delta", partial_json: piece });
  } else {
    for (const text of String(block["text"]).split(/(?= )/)) deltas.push({ type: "text_delta", text });
  }
  return [
    event("content_block_start", { index, content_block: start }),
    ...deltas.map((delta) => event("content_block_delta", { index, delta })),
    event("content_block_stop", { index }),
  ];
}

function streamed(content: readonly JsonObject[], reason: string): WireReply {
  const usage = { ...USAGE, output_tokens: 1 };
  return sseReply([
    event("message_start", { message: { ...message([], reason), stop_reason: null, usage } }),
    event("ping"),
    ...content.flatMap(streamedBlock),
    event("message_delta", { delta: { stop_reason: reason, stop_sequence: null }, usage: { output_tokens: 5 } }),
    event("message_stop"),
  ]);
}

function failure(type: string, text: string): JsonObject {
  return { type: "error", error: { type, message: text }, request_id: "req_1" };
}

/** Anthropic's answers, whoever serves them. */
export function anthropicAnswer({ scenario, body }: WireRequest, isStream = body["stream"] === true): WireReply {
  switch (scenario) {
    case "rate-limit":
      return jsonReply(failure("rate_limit_error", "Rate limit reached"), 429, { "retry-after": "7" });
    case "bad-key":
      return jsonReply(failure("authentication_error", "invalid x-api-key"), 401);
    case "bad-request":
      return jsonReply(failure("invalid_request_error", "too long"), 400);
    case "tools":
      return isStream ? streamed(TOOLS, "tool_use") : jsonReply(message(TOOLS, "tool_use"));
    default: {
      const content = [THINKING, { type: "text", text: "Hello world" }];
      return isStream ? streamed(content, "end_turn") : jsonReply(message(content, "end_turn"));
    }
  }
}

/** @throws Error for a body that the Messages API would refuse. */
export function checkAnthropicBody({ body, scenario }: WireRequest): void {
  must(typeof body["max_tokens"] === "number", "max_tokens is missing");
  const messages = objectsAt(body, "messages");
  must(messages[0]?.["role"] === "user", "the first message is not the user's");
  const alternate = messages.every((one, index) => one["role"] !== messages[index - 1]?.["role"]);
  must(alternate, "roles do not alternate");
  if (scenario !== "tools") return;
  const blocks = messages.flatMap((one) => objectsAt(one, "content"));
  const use = blocks.find((block) => block["type"] === "tool_use");
  const result = blocks.find((block) => block["type"] === "tool_result");
  must(use !== undefined && result !== undefined, "the history lost its call or result");
  must(use["id"] === result["tool_use_id"], "result and call have different ids");
  must(objectsAt(body, "tools")[0]?.["name"] === "get_weather", "the tool is missing");
}

export const ANTHROPIC: readonly WireFixture[] = [
  {
    title: "anthropic",
    provider: "anthropic",
    model: "claude-sonnet-4-5",
    usage: ANTHROPIC_COUNTS,
    reasoning: ANTHROPIC_REASONING,
    config: (url) => ({ type: "anthropic", baseUrl: url, apiKey: KEY, models: ["claude-sonnet-4-5"] }),
    check(request) {
      mustPost(request, "/v1/messages", "x-api-key", KEY);
      must(request.headers["anthropic-version"] === "2023-06-01", "anthropic-version is missing");
      must(request.headers.authorization === undefined, "a bearer token beside the key");
      must(request.body["model"] === "claude-sonnet-4-5", "wrong model");
      checkAnthropicBody(request);
    },
    answer: (request) => anthropicAnswer(request),
  },
];
