import {
  isObject,
  type JsonObject,
  numberAt,
  objectAt,
  objectsAt,
  parseObject,
  stringAt,
} from "../../../src/gateway/json.ts";
import { type Answer, type AskedTurn, COUNTED, type ProviderFormat, pieces } from "./provider-script.ts";

const BASE = { id: "chatcmpl-1", created: 1, model: "m-1" };
const USAGE = {
  prompt_tokens: COUNTED.input,
  completion_tokens: COUNTED.output,
  total_tokens: COUNTED.input + COUNTED.output,
  prompt_tokens_details: { cached_tokens: COUNTED.cached },
};

/** OpenAI's chat completions, as a compatible server speaks them. */
export const chatFormat: ProviderFormat = {
  read(body) {
    const messages = objectsAt(body, "messages");
    const isSystem = (message: JsonObject): boolean => message["role"] === "system" || message["role"] === "developer";
    const format = stringAt(objectAt(body, "response_format"), "type");
    return {
      system: messages.filter(isSystem).map(textOf).join("\n"),
      turns: messages.filter((message) => !isSystem(message)).map(turnOf),
      tools: objectsAt(body, "tools").map((tool) => stringAt(objectAt(tool, "function"), "name") ?? ""),
      choice: choiceOf(body["tool_choice"]),
      oneCall: body["parallel_tool_calls"] === false,
      maxTokens: numberAt(body, "max_tokens") ?? numberAt(body, "max_completion_tokens"),
      temperature: numberAt(body, "temperature"),
      topP: numberAt(body, "top_p"),
      seed: numberAt(body, "seed"),
      stop: stopOf(body["stop"]),
      json: format === "json_schema" ? "schema" : format === "json_object" ? "mode" : undefined,
      reasons: body["reasoning_effort"] !== undefined,
      body,
    };
  },
  whole(answer) {
    const message: JsonObject = { role: "assistant", content: answer.text ?? null, refusal: null };
    if (answer.thinking !== undefined) message["reasoning_content"] = answer.thinking.text;
    if (answer.calls !== undefined) message["tool_calls"] = answer.calls.map(callOf);
    const choices = [{ index: 0, message, logprobs: null, finish_reason: finishOf(answer) }];
    return { ...BASE, object: "chat.completion", choices, usage: USAGE };
  },
  stream(answer) {
    const deltas: JsonObject[] = [{ role: "assistant", content: "" }];
    for (const piece of pieces(answer.thinking?.text ?? "")) deltas.push({ reasoning_content: piece });
    for (const piece of pieces(answer.text ?? "")) deltas.push({ content: piece });
    // As OpenAI does: the name first, the arguments of several calls in turn.
    for (const [index, call] of (answer.calls ?? []).entries()) {
      const { id, type, function: fn } = callOf(call);
      deltas.push({ tool_calls: [{ index, id, type, function: { name: fn.name, arguments: "" } }] });
      for (const piece of pieces(fn.arguments)) {
        deltas.push({ tool_calls: [{ index, function: { arguments: piece } }] });
      }
    }
    return [
      ...deltas.map((delta) => chunk([{ index: 0, delta, logprobs: null, finish_reason: null }], null)),
      chunk([{ index: 0, delta: {}, logprobs: null, finish_reason: finishOf(answer) }], null),
      chunk([], USAGE),
      "data: [DONE]\n\n",
    ];
  },
  error: (status) => ({ error: { message: `scripted ${status}`, type: "some_error", param: null, code: null } }),
  errorEvent: () => `data: ${JSON.stringify({ error: { message: "scripted failure", type: "server_error" } })}\n\n`,
};

function chunk(choices: readonly JsonObject[], usage: JsonObject | null): string {
  return `data: ${JSON.stringify({ ...BASE, object: "chat.completion.chunk", choices, usage })}\n\n`;
}

function callOf({ id, name, args }: { id: string; name: string; args: JsonObject }): {
  id: string;
  type: string;
  function: { name: string; arguments: string };
} {
  return { id, type: "function", function: { name, arguments: JSON.stringify(args) } };
}

function finishOf({ calls, cutShort }: Answer): string {
  if (cutShort === true) return "length";
  return calls === undefined ? "stop" : "tool_calls";
}

function partsOf(message: JsonObject): JsonObject[] {
  const { content } = message;
  return typeof content === "string" ? [{ type: "text", text: content }] : objectsAt(message, "content");
}

function textOf(message: JsonObject): string {
  return partsOf(message)
    .map((part) => stringAt(part, "text") ?? "")
    .join("");
}

function turnOf(message: JsonObject): AskedTurn {
  const parts = partsOf(message);
  const text = textOf(message);
  return {
    role: message["role"] as AskedTurn["role"],
    text,
    images: parts.flatMap((part) => stringAt(objectAt(part, "image_url"), "url") ?? []),
    documents: parts.flatMap((part) => stringAt(objectAt(part, "file"), "file_data") ?? []),
    calls: objectsAt(message, "tool_calls").map((call) => ({
      name: stringAt(objectAt(call, "function"), "name") ?? "",
      args: parseObject(stringAt(objectAt(call, "function"), "arguments") ?? "") ?? {},
    })),
    isError: text.startsWith("Error: "),
    signatures: [],
  };
}

/** `tool_choice` of chat completions and of Responses. */
export function choiceOf(choice: unknown): string | undefined {
  if (typeof choice === "string") return choice;
  return isObject(choice) ? "named" : undefined;
}

function stopOf(stop: unknown): string[] {
  if (typeof stop === "string") return [stop];
  return Array.isArray(stop) ? (stop as string[]) : [];
}
