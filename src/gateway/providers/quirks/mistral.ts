import { createHash } from "node:crypto";
import { isObject, type JsonObject, objectAt, objectsAt, stringAt } from "../../json.ts";
import type { Quirks } from "../quirks.ts";

/** Mistral's validation: "must be a-z, A-Z, 0-9, with a length of 9". */
const TOOL_CALL_ID = /^[a-zA-Z0-9]{9}$/;
/** Its schema forbids members that it does not know; these have no counterpart. */
const UNKNOWN = ["user", "logit_bias", "logprobs", "top_logprobs", "service_tier", "store", "metadata", "verbosity"];

/** Mistral ("Chat completion API"): a strict schema, names of its own, nine-letter tool call ids, thinking as parts. */
export const mistral: Quirks = {
  streamUsage: "always",
  adjustChat(body) {
    delete body["stream_options"];
    rename(body, "max_completion_tokens", "max_tokens");
    rename(body, "seed", "random_seed");
    if (body["tool_choice"] === "required") body["tool_choice"] = "any";
    body["messages"] = objectsAt(body, "messages").map(ownMessage);
    const dropped = UNKNOWN.filter((name) => body[name] !== undefined);
    for (const name of dropped) delete body[name];
    return dropped;
  },
  adjustReply(reply) {
    return objectsAt(reply, "choices").filter((choice) => partsToText(objectAt(choice, "message"))).length > 0;
  },
  adjustChunk: {
    mark: '"thinking"',
    adjust(chunk) {
      for (const choice of objectsAt(chunk, "choices")) partsToText(objectAt(choice, "delta"));
    },
  },
};

function rename(body: JsonObject, from: string, to: string): void {
  if (body[from] === undefined) return;
  body[to] ??= body[from];
  delete body[from];
}

function ownMessage(message: JsonObject): JsonObject {
  const own: JsonObject = { ...message };
  if (own["role"] === "developer") own["role"] = "system";
  for (const name of ["refusal", "audio", "reasoning_content", "annotations"]) delete own[name];
  if (own["role"] !== "tool") delete own["name"];
  const id = stringAt(own, "tool_call_id");
  if (id !== undefined) own["tool_call_id"] = toolCallId(id);
  if (Array.isArray(own["tool_calls"])) {
    own["tool_calls"] = objectsAt(own, "tool_calls").map((call) => ({
      ...call,
      id: toolCallId(stringAt(call, "id") ?? ""),
    }));
  }
  return own;
}

/** Mistral's own ids pass; another provider's becomes nine signs of its hash, the same for a call and its result. */
function toolCallId(id: string): string {
  if (TOOL_CALL_ID.test(id)) return id;
  return createHash("sha256")
    .update(id)
    .digest("base64")
    .replaceAll(/[^a-zA-Z0-9]/g, "")
    .slice(0, 9);
}

/** Magistral writes `content: [{type: "thinking", thinking: [{text}]}, {type: "text", text}]`. */
function partsToText(message: JsonObject): boolean {
  const parts = message["content"];
  if (!Array.isArray(parts)) return false;
  let text = "";
  let thinking = "";
  for (const part of parts.filter(isObject)) {
    text += stringAt(part, "text") ?? "";
    for (const thought of objectsAt(part, "thinking")) thinking += stringAt(thought, "text") ?? "";
  }
  message["content"] = text;
  if (thinking !== "") message["reasoning_content"] = thinking;
  return true;
}
