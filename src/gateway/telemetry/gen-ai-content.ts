import { isObject, type JsonObject, parseObject } from "../json.ts";
import type { CapturedContent } from "../request-record.ts";

/** JSON texts of the conventions' content attributes; absent where the request has none. */
export interface CapturedMessages {
  readonly input: string | undefined;
  readonly output: string | undefined;
  readonly system: string | undefined;
  readonly tools: string | undefined;
}

interface Part {
  readonly type: string;
  readonly [member: string]: unknown;
}

/**
 * Captured content, which is in the client's own format and may be cut, in the conventions' schema: messages of a role
 * and parts. What cannot be read as a chat is one text part.
 */
export function capturedMessages({ input, output }: CapturedContent): CapturedMessages {
  const request = parseObject(input);
  const answer = parseObject(output);
  return {
    input: request === undefined ? textMessage("user", input) : inputMessages(request, input),
    output: answer === undefined ? textMessage("assistant", output) : outputMessages(answer, output),
    system: request?.["system"] === undefined ? undefined : JSON.stringify(partsOf(request["system"])),
    tools: Array.isArray(request?.["tools"]) ? JSON.stringify(request["tools"].map(toolDefinition)) : undefined,
  };
}

function textMessage(role: string, text: string): string | undefined {
  return text === "" ? undefined : JSON.stringify([{ role, parts: [{ type: "text", content: text }] }]);
}

function inputMessages(request: JsonObject, text: string): string | undefined {
  const messages = request["messages"] ?? request["input"];
  if (typeof messages === "string") return textMessage("user", messages);
  if (!Array.isArray(messages)) return textMessage("user", text);
  return JSON.stringify(messages.filter(isObject).map(message));
}

/** Choices of a chat completion, the content of a message, or the output of a response. */
function outputMessages(answer: JsonObject, text: string): string | undefined {
  if (Array.isArray(answer["choices"])) {
    const choices = answer["choices"].filter(isObject).map((choice) => {
      const said = isObject(choice["message"]) ? choice["message"] : { role: "assistant", content: choice["text"] };
      return { ...message(said), finish_reason: String(choice["finish_reason"] ?? "") };
    });
    return JSON.stringify(choices);
  }
  if (Array.isArray(answer["content"])) {
    const finish_reason = String(answer["stop_reason"] ?? "");
    return JSON.stringify([{ role: "assistant", parts: partsOf(answer["content"]), finish_reason }]);
  }
  if (Array.isArray(answer["output"])) return JSON.stringify(answer["output"].filter(isObject).map(message));
  return textMessage("assistant", text);
}

function message(said: JsonObject): { role: string; parts: Part[] } {
  const role = typeof said["role"] === "string" ? said["role"] : "assistant";
  const parts = partsOf(said["content"]);
  if (role === "tool") {
    const id = said["tool_call_id"];
    return { role, parts: [{ type: "tool_call_response", id, response: said["content"] }] };
  }
  if (Array.isArray(said["tool_calls"]))
    for (const call of said["tool_calls"].filter(isObject)) parts.push(toolCall(call));
  return { role, parts };
}

function toolCall(call: JsonObject): Part {
  const named = isObject(call["function"]) ? call["function"] : {};
  return { type: "tool_call", id: call["id"], name: named["name"], arguments: named["arguments"] };
}

function partsOf(content: unknown): Part[] {
  if (content === undefined || content === null) return [];
  if (typeof content === "string") return [{ type: "text", content }];
  if (!Array.isArray(content)) return [{ type: "text", content: JSON.stringify(content) }];
  return content.filter(isObject).map(part);
}

function part(block: JsonObject): Part {
  const { type } = block;
  if (typeof block["text"] === "string") return { type: "text", content: block["text"] };
  if (type === "thinking") return { type: "reasoning", content: block["thinking"] };
  if (type === "tool_use")
    return { type: "tool_call", id: block["id"], name: block["name"], arguments: block["input"] };
  if (type === "tool_result") {
    return { type: "tool_call_response", id: block["tool_use_id"], response: block["content"] };
  }
  // Pictures, sound and documents: what they are, not their bytes.
  return { type: String(type ?? "unknown") };
}

function toolDefinition(tool: unknown): unknown {
  if (!isObject(tool)) return tool;
  const named = isObject(tool["function"]) ? tool["function"] : tool;
  return { type: "function", name: named["name"], description: named["description"] };
}
