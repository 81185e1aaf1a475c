import {
  isObject,
  type JsonObject,
  numberAt,
  objectAt,
  objectsAt,
  parseObject,
  stringAt,
} from "../../../src/gateway/json.ts";
import type { Reply, Usage } from "./dialogue.ts";

/** A vendor's whole answer in the table's words: what the official clients return, and what curl prints. */
type Content = Omit<Reply, "requestId" | "dropped">;

export function fromCompletion(completion: JsonObject): Content {
  const choice = objectsAt(completion, "choices")[0] ?? {};
  const message = objectAt(choice, "message");
  const finish = stringAt(choice, "finish_reason");
  return {
    text: stringAt(message, "content") ?? "",
    reasoning: stringAt(message, "reasoning_content") ?? "",
    calls: objectsAt(message, "tool_calls").map((call) => ({
      id: stringAt(call, "id") ?? "",
      name: stringAt(objectAt(call, "function"), "name") ?? "",
      args: parseObject(stringAt(objectAt(call, "function"), "arguments") ?? "") ?? {},
    })),
    finish: finish === "tool_calls" ? "calls" : finish === "length" ? "length" : "stop",
    usage: usageOf(completion, "prompt_tokens", "completion_tokens", "prompt_tokens_details"),
    kept: message,
  };
}

export function fromResponse(response: JsonObject): Content {
  const output = objectsAt(response, "output");
  const calls = output.filter((item) => item["type"] === "function_call");
  const cutShort = stringAt(objectAt(response, "incomplete_details"), "reason") === "max_output_tokens";
  const texts = (type: string, member: string): string =>
    output
      .filter((item) => item["type"] === type)
      .flatMap((item) => objectsAt(item, member))
      .map((part) => stringAt(part, "text") ?? "")
      .join("");
  return {
    text: texts("message", "content"),
    reasoning: texts("reasoning", "summary"),
    calls: calls.map((call) => ({
      id: stringAt(call, "call_id") ?? "",
      name: stringAt(call, "name") ?? "",
      args: parseObject(stringAt(call, "arguments") ?? "") ?? {},
    })),
    finish: cutShort ? "length" : calls.length > 0 ? "calls" : "stop",
    usage: usageOf(response, "input_tokens", "output_tokens", "input_tokens_details"),
    kept: output,
  };
}

export function fromMessage(message: JsonObject): Content {
  const blocks = objectsAt(message, "content");
  const stop = stringAt(message, "stop_reason");
  const usage = objectAt(message, "usage");
  const cached = numberAt(usage, "cache_read_input_tokens") ?? 0;
  const input = (numberAt(usage, "input_tokens") ?? 0) + cached + (numberAt(usage, "cache_creation_input_tokens") ?? 0);
  const texts = (type: string): string =>
    blocks
      .filter((block) => block["type"] === type)
      .map((block) => stringAt(block, type) ?? "")
      .join("");
  return {
    text: texts("text"),
    reasoning: texts("thinking"),
    calls: blocks
      .filter((block) => block["type"] === "tool_use")
      .map((block) => ({
        id: stringAt(block, "id") ?? "",
        name: stringAt(block, "name") ?? "",
        args: objectAt(block, "input"),
      })),
    finish: stop === "tool_use" ? "calls" : stop === "max_tokens" ? "length" : "stop",
    usage: { input, output: numberAt(usage, "output_tokens") ?? 0, cached },
    kept: blocks,
  };
}

function usageOf(holder: JsonObject, input: string, output: string, details: string): Usage | undefined {
  const usage = objectAt(holder, "usage");
  const total = numberAt(usage, input);
  if (total === undefined) return undefined;
  return {
    input: total,
    output: numberAt(usage, output) ?? 0,
    cached: numberAt(objectAt(usage, details), "cached_tokens"),
  };
}

/** Names in `x-gatewayz-dropped-params`. */
export function droppedIn(headers: { get(name: string): string | null }): string[] {
  return (headers.get("x-gatewayz-dropped-params") ?? "").split(/,\s*/).filter((name) => name !== "");
}

/** The chunks of a streamed completion, put together as OpenAI's reference says, OpenRouter's reasoning included. */
export function fromChunks(chunks: readonly JsonObject[]): Content {
  const message: JsonObject = { role: "assistant", content: "", reasoning_content: "" };
  const calls: { id: string; type: string; function: { name: string; arguments: string } }[] = [];
  const details: JsonObject[] = [];
  let finish: unknown;
  for (const chunk of chunks) {
    const choice = objectsAt(chunk, "choices")[0] ?? {};
    const delta = objectAt(choice, "delta");
    for (const member of ["content", "reasoning_content"]) message[member] += stringAt(delta, member) ?? "";
    details.push(...objectsAt(delta, "reasoning_details"));
    for (const piece of objectsAt(delta, "tool_calls")) {
      const index = piece["index"] as number;
      const { name, arguments: args } = objectAt(piece, "function");
      const id = stringAt(piece, "id") ?? "";
      calls[index] ??= { id, type: "function", function: { name: name as string, arguments: "" } };
      calls[index].function.arguments += (args as string | undefined) ?? "";
    }
    finish = choice["finish_reason"] ?? finish;
  }
  if (calls.length > 0) message["tool_calls"] = calls;
  if (details.length > 0) message["reasoning_details"] = details;
  const usage = chunks.findLast((chunk) => isObject(chunk["usage"]))?.["usage"];
  return fromCompletion({ choices: [{ message, finish_reason: finish }], usage });
}
