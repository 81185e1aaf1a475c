import { isObject, type JsonObject, numberAt, objectAt, stringAt } from "../json.ts";
import type { InferenceRequest } from "../request-record.ts";

/** What a record keeps of a client's own texts. */
const STOPS_MAX = 8;
const STOP_CHARS_MAX = 64;
const ID_CHARS_MAX = 128;
const EFFORTS: ReadonlySet<string> = new Set(["none", "minimal", "low", "medium", "high", "xhigh", "max"]);

type Parameters = Pick<
  InferenceRequest,
  "topK" | "seed" | "choiceCount" | "stopSequences" | "outputType" | "conversationId" | "reasoningEffort"
>;

/** Parameters of a checked body that only traces tell, in the words of any format; absent where the client sent none. */
export function parametersOf(body: JsonObject): Parameters {
  const topK = numberAt(body, "top_k");
  const seed = numberAt(body, "seed");
  const choiceCount = numberAt(body, "n");
  const stopSequences = stopsOf(body["stop"] ?? body["stop_sequences"]);
  const outputType = outputTypeOf(body);
  const conversationId = conversationOf(body["conversation"]);
  const reasoningEffort = effortOf(body);
  return {
    ...(topK !== undefined && { topK }),
    ...(seed !== undefined && { seed }),
    ...(choiceCount !== undefined && { choiceCount }),
    ...(stopSequences !== undefined && { stopSequences }),
    ...(outputType !== undefined && { outputType }),
    ...(conversationId !== undefined && { conversationId }),
    ...(reasoningEffort !== undefined && { reasoningEffort }),
  };
}

function stopsOf(stop: unknown): readonly string[] | undefined {
  const stops = typeof stop === "string" ? [stop] : Array.isArray(stop) ? stop : [];
  if (stops.length === 0) return undefined;
  return stops.slice(0, STOPS_MAX).map((text) => String(text).slice(0, STOP_CHARS_MAX));
}

/** Chat completions' `response_format`, or Responses' `text.format`. */
function outputTypeOf(body: JsonObject): string | undefined {
  const type =
    stringAt(objectAt(body, "response_format"), "type") ?? stringAt(objectAt(objectAt(body, "text"), "format"), "type");
  if (type === undefined) return undefined;
  return type === "text" ? "text" : type.startsWith("json") ? "json" : undefined;
}

/** Responses' `conversation`: an id, or an object that has one. */
function conversationOf(conversation: unknown): string | undefined {
  const id = isObject(conversation) ? conversation["id"] : conversation;
  return typeof id === "string" ? id.slice(0, ID_CHARS_MAX) : undefined;
}

/** `reasoning_effort` of chats, `reasoning.effort` of Responses, `output_config.effort` of messages. */
function effortOf(body: JsonObject): string | undefined {
  const effort =
    stringAt(body, "reasoning_effort") ??
    stringAt(objectAt(body, "reasoning"), "effort") ??
    stringAt(objectAt(body, "output_config"), "effort");
  return effort !== undefined && EFFORTS.has(effort) ? effort : undefined;
}
