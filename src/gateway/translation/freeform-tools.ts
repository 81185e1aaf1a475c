import { type JsonObject, objectAt, objectsAt, stringAt } from "../json.ts";
import { freeformArguments, freeformInput, INPUT_PARAMETER } from "../stream/freeform-input.ts";

/**
 * OpenAI's freeform tools (type `custom`) take a text, not JSON. Where a provider knows functions only, each becomes a
 * function of one text parameter, its grammar a sentence in the description.
 */

/** Names of the freeform tools of a chat completion request. */
export function freeformNames(chat: JsonObject): Set<string> {
  const tools = objectsAt(chat, "tools").filter((tool) => tool["type"] === "custom");
  return new Set(tools.flatMap((tool) => stringAt(objectAt(tool, "custom"), "name") ?? []));
}

/** A freeform tool of chat completions as a function tool of chat completions. */
export function functionOfFreeform(tool: JsonObject): JsonObject {
  const custom = objectAt(tool, "custom");
  const grammar = objectAt(objectAt(custom, "format"), "grammar");
  const definition = stringAt(grammar, "definition");
  const said = stringAt(custom, "description") ?? "";
  const rule =
    definition === undefined
      ? ""
      : `\n\nThe input must match this ${stringAt(grammar, "syntax") ?? ""} grammar:\n${definition}`;
  return {
    type: "function",
    function: {
      name: stringAt(custom, "name") ?? "",
      description: `${said}${rule}`,
      parameters: {
        type: "object",
        properties: {
          [INPUT_PARAMETER]: { type: "string", description: "The whole input of the tool, as plain text." },
        },
        required: [INPUT_PARAMETER],
        additionalProperties: false,
      },
    },
  };
}

/** Name and arguments of a call of either type, a freeform call's input as arguments. */
export function callOf(call: JsonObject): { id: string; name: string; argumentsText: string } {
  const id = stringAt(call, "id") ?? "";
  if (call["type"] === "custom") {
    const custom = objectAt(call, "custom");
    return {
      id,
      name: stringAt(custom, "name") ?? "",
      argumentsText: freeformArguments(stringAt(custom, "input") ?? ""),
    };
  }
  const fn = objectAt(call, "function");
  return { id, name: stringAt(fn, "name") ?? "", argumentsText: stringAt(fn, "arguments") ?? "" };
}

/** A chat completion whose calls of freeform tools are what its client expects. Changes it in place. */
export function restoreFreeform(completion: JsonObject, names: ReadonlySet<string>): void {
  if (names.size === 0) return;
  for (const choice of objectsAt(completion, "choices")) {
    const message = objectAt(choice, "message");
    if (!Array.isArray(message["tool_calls"])) continue;
    message["tool_calls"] = objectsAt(message, "tool_calls").map((call) => {
      const { id, name, argumentsText } = callOf(call);
      if (!names.has(name)) return call;
      return { id, type: "custom", custom: { name, input: freeformInput(argumentsText) } };
    });
  }
}

/** A request whose freeform tools, choices and calls are functions. The same object where there are none. */
export function functionsOnly(chat: JsonObject): JsonObject {
  if (freeformNames(chat).size === 0) return chat;
  const changed: JsonObject = { ...chat };
  changed["tools"] = objectsAt(chat, "tools").map((tool) =>
    tool["type"] === "custom" ? functionOfFreeform(tool) : tool,
  );
  const choice = objectAt(chat, "tool_choice");
  if (choice["type"] === "custom") changed["tool_choice"] = { type: "function", function: choice["custom"] };
  changed["messages"] = objectsAt(chat, "messages").map((message) => {
    if (!objectsAt(message, "tool_calls").some((call) => call["type"] === "custom")) return message;
    return { ...message, tool_calls: objectsAt(message, "tool_calls").map(functionCall) };
  });
  return changed;
}

function functionCall(call: JsonObject): JsonObject {
  if (call["type"] !== "custom") return call;
  const { id, name, argumentsText } = callOf(call);
  return { id, type: "function", function: { name, arguments: argumentsText } };
}
