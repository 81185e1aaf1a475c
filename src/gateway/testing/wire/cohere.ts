import { type JsonObject, objectAt, objectsAt } from "../../json.ts";
import {
  jsonReply,
  must,
  mustPost,
  sseReply,
  type WireFixture,
  type WireReply,
  type WireRequest,
} from "./wire-server.ts";

const KEY = "co-test-0123456789";
const USAGE = {
  billed_units: { input_tokens: 20, output_tokens: 5 },
  tokens: { input_tokens: 95, output_tokens: 7 },
  cached_tokens: 8,
};
const PLAN = "Let me see.";
const CALLS = ["Oslo", "Rome"].map((city, index) => ({
  id: `get_weather_${index}`,
  type: "function",
  function: { name: "get_weather", arguments: JSON.stringify({ city }) },
}));

function event(type: string, members: JsonObject = {}): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`;
}

const inMessage = (message: JsonObject): JsonObject => ({ delta: { message } });

function streamedText(): WireReply {
  return sseReply([
    event("message-start", {
      id: "c14c80c3",
      ...inMessage({ role: "assistant", content: [], tool_plan: "", tool_calls: [] }),
    }),
    event("content-start", { index: 0, ...inMessage({ content: { type: "thinking", thinking: "" } }) }),
    event("content-delta", { index: 0, ...inMessage({ content: { thinking: PLAN } }) }),
    event("content-end", { index: 0 }),
    event("content-start", { index: 1, ...inMessage({ content: { type: "text", text: "" } }) }),
    event("content-delta", { index: 1, ...inMessage({ content: { text: "Hello" } }) }),
    event("content-delta", { index: 1, ...inMessage({ content: { text: " world" } }) }),
    event("content-end", { index: 1 }),
    event("message-end", { delta: { finish_reason: "COMPLETE", usage: USAGE } }),
  ]);
}

function streamedCalls(): WireReply {
  return sseReply([
    event("message-start", { id: "c14c80c3", ...inMessage({ role: "assistant" }) }),
    event("tool-plan-delta", inMessage({ tool_plan: PLAN })),
    ...CALLS.flatMap((call, index) => [
      event("tool-call-start", {
        index,
        ...inMessage({ tool_calls: { ...call, function: { ...call.function, arguments: "" } } }),
      }),
      event("tool-call-delta", {
        index,
        ...inMessage({ tool_calls: { function: { arguments: call.function.arguments.slice(0, 4) } } }),
      }),
      event("tool-call-delta", {
        index,
        ...inMessage({ tool_calls: { function: { arguments: call.function.arguments.slice(4) } } }),
      }),
      event("tool-call-end", { index }),
    ]),
    event("message-end", { delta: { finish_reason: "TOOL_CALL", usage: USAGE } }),
  ]);
}

function answer({ scenario, body }: WireRequest): WireReply {
  switch (scenario) {
    case "rate-limit":
      return jsonReply(
        { id: "e1", message: "You are using a Trial key, which is limited to 20 API calls / minute." },
        429,
        {
          "retry-after": "7",
        },
      );
    case "bad-key":
      return jsonReply({ id: "e1", message: "invalid api token" }, 401);
    case "bad-request":
      return jsonReply({ id: "e1", message: "too long" }, 400);
    case "tools": {
      if (body["stream"] === true) return streamedCalls();
      const message = { role: "assistant", tool_plan: PLAN, tool_calls: CALLS };
      return jsonReply({ id: "c14c80c3", finish_reason: "TOOL_CALL", message, usage: USAGE });
    }
    default: {
      if (body["stream"] === true) return streamedText();
      const content = [
        { type: "thinking", thinking: PLAN },
        { type: "text", text: "Hello world" },
      ];
      return jsonReply({
        id: "c14c80c3",
        finish_reason: "COMPLETE",
        message: { role: "assistant", content },
        usage: USAGE,
      });
    }
  }
}

export const COHERE: readonly WireFixture[] = [
  {
    title: "cohere",
    provider: "cohere",
    model: "command-a-03-2025",
    usage: { input: 20, output: 5, cacheRead: 8, cacheWrite: 0, reasoning: 0 },
    reasoning: PLAN,
    config: (url) => ({ type: "cohere", baseUrl: url, apiKey: KEY, models: ["command-a-03-2025"] }),
    check(request) {
      mustPost(request, "/v2/chat", "authorization", `Bearer ${KEY}`);
      const { body, scenario } = request;
      must(typeof body["stream"] === "boolean", "stream is required");
      for (const name of ["top_p", "stop", "stream_options", "max_completion_tokens", "n"]) {
        must(body[name] === undefined, `unknown field ${name}`);
      }
      if (scenario !== "tools") return;
      const messages = objectsAt(body, "messages");
      const call = messages.flatMap((message) => objectsAt(message, "tool_calls"))[0];
      const result = messages.find((message) => message["role"] === "tool");
      must(call !== undefined && result?.["tool_call_id"] === call["id"], "the history lost its call or result");
      must(objectAt(objectsAt(body, "tools")[0] ?? {}, "function")["name"] === "get_weather", "the tool is missing");
    },
    answer,
  },
];
