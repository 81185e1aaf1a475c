import { GatewayError } from "../../errors.ts";
import { type JsonObject, objectAt, objectsAt, parseObject, stringAt } from "../../json.ts";

/** Names of the calls in a chat, by id: some formats want the name beside a tool's result, which OpenAI's does not carry. */
export function toolNames(messages: readonly JsonObject[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const message of messages) {
    for (const call of objectsAt(message, "tool_calls")) {
      const id = stringAt(call, "id");
      const name = stringAt(objectAt(call, "function"), "name");
      if (id !== undefined && name !== undefined) names.set(id, name);
    }
  }
  return names;
}

/**
 * The arguments of a tool call as an object.
 * @throws GatewayError INVALID_REQUEST when they are none.
 */
export function argumentsOf(call: JsonObject): JsonObject {
  const text = stringAt(objectAt(call, "function"), "arguments") ?? "";
  const input = text.trim() === "" ? {} : parseObject(text);
  if (input === undefined) {
    const reason = `The arguments of tool call ${JSON.stringify(stringAt(call, "id") ?? "")} are no JSON object.`;
    throw new GatewayError("INVALID_REQUEST", { reason }, { param: "messages" });
  }
  return input;
}

/** Parts of a message's content, a plain string as one text part. */
export function contentParts(content: unknown): JsonObject[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }];
  return objectsAt({ content }, "content");
}

/** All texts of a message's content, joined. */
export function contentText(content: unknown): string {
  return contentParts(content)
    .map((part) => stringAt(part, "text") ?? stringAt(part, "refusal") ?? "")
    .join("");
}

const DATA_URL = /^data:([a-z]+\/[a-z0-9.+-]+)?(?:;[a-z0-9=-]+)*;base64,/i;

/** Media type and base64 text of a data URL; undefined when it is none. */
export function readDataUrl(url: string): { readonly mediaType: string; readonly data: string } | undefined {
  const match = DATA_URL.exec(url);
  if (match === null) return undefined;
  return { mediaType: (match[1] ?? "application/octet-stream").toLowerCase(), data: url.slice(match[0].length) };
}
