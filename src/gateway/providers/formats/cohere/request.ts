import { isObject, type JsonObject, numberAt, objectAt, objectsAt, stringAt } from "../../../json.ts";
import { reasoningOf, reasoningText } from "../../../translation/reasoning.ts";
import { droppedMembers, refuse, type TranslatedRequest } from "../../../translation/translated.ts";
import { contentParts, contentText } from "../chat-parts.ts";

const HANDLED: ReadonlySet<string> = new Set([
  ...["model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature", "top_p"],
  ...["top_k", "stop", "n", "seed", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs", "tools"],
  ...["tool_choice", "response_format", "reasoning_effort", "reasoning", "thinking", "modalities", "audio"],
  ...["functions", "function_call", "documents", "citation_options", "safety_mode", "strict_tools"],
]);
/** OpenAI's name → Cohere's, where the value passes as it is. */
const NUMBERS = [
  ["temperature", "temperature"],
  ["top_p", "p"],
  ["top_k", "k"],
  ["seed", "seed"],
  ["presence_penalty", "presence_penalty"],
  ["frequency_penalty", "frequency_penalty"],
] as const;
/** Cohere's own members, which its clients may send through. */
const OWN = ["documents", "citation_options", "safety_mode", "strict_tools"] as const;

/**
 * A chat completion request as the body of Cohere's `/v2/chat`. Rules: docs/providers.md.
 * @throws GatewayError NOT_TRANSLATABLE.
 */
export function cohereRequest(chat: JsonObject, model: string, provider: string): TranslatedRequest {
  if ((numberAt(chat, "n") ?? 1) > 1) refuse("n above 1", provider, "send one request per answer.", "n");
  if ((numberAt(chat, "top_logprobs") ?? 0) > 0) refuse("top_logprobs", provider, "use logprobs.", "top_logprobs");
  if (isObject(chat["audio"])) refuse("Audio output", provider, "it answers in text.", "audio");
  if (Array.isArray(chat["functions"])) refuse("functions", provider, "use tools instead.", "functions");
  const body: JsonObject = {
    model,
    messages: objectsAt(chat, "messages").map((message) => ownMessage(message, provider)),
    stream: chat["stream"] === true,
  };
  for (const [from, to] of NUMBERS) if (numberAt(chat, from) !== undefined) body[to] = chat[from];
  for (const name of OWN) if (chat[name] !== undefined) body[name] = chat[name];
  const maxTokens = numberAt(chat, "max_completion_tokens") ?? numberAt(chat, "max_tokens");
  if (maxTokens !== undefined) body["max_tokens"] = maxTokens;
  const { stop } = chat;
  if (typeof stop === "string") body["stop_sequences"] = [stop];
  else if (Array.isArray(stop) && stop.length > 0) body["stop_sequences"] = stop;
  if (chat["logprobs"] === true) body["logprobs"] = true;
  const format = objectAt(chat, "response_format");
  const formatType = stringAt(format, "type");
  if (formatType === "json_object") body["response_format"] = { type: "json_object" };
  if (formatType === "json_schema") {
    body["response_format"] = { type: "json_object", json_schema: objectAt(objectAt(format, "json_schema"), "schema") };
  }
  addThinking(body, chat, model);
  addTools(body, chat, provider);
  return { body, dropped: droppedMembers(chat, HANDLED) };
}

function ownMessage(message: JsonObject, provider: string): JsonObject {
  const role = stringAt(message, "role");
  switch (role) {
    case "system":
    case "developer":
      return { role: "system", content: contentText(message["content"]) };
    case "user":
      return { role, content: userContent(message["content"], provider) };
    case "assistant":
      return assistantMessage(message);
    case "tool":
      return { role, tool_call_id: stringAt(message, "tool_call_id") ?? "", content: contentText(message["content"]) };
    default:
      return refuse(`Role "${role}"`, provider, "use system, user, assistant or tool.", "messages");
  }
}

function userContent(content: unknown, provider: string): unknown {
  if (typeof content === "string") return content;
  return contentParts(content).map((part) => {
    const type = stringAt(part, "type");
    if (type === "text") return { type, text: stringAt(part, "text") ?? "" };
    if (type === "image_url") return { type, image_url: objectAt(part, "image_url") };
    return refuse(`Content of type "${type ?? "unknown"}"`, provider, "send text or images.", "messages");
  });
}

/** What a model thought before its calls goes back as its `tool_plan`, where Cohere keeps it. */
function assistantMessage(message: JsonObject): JsonObject {
  const text = contentText(message["content"]);
  const calls = objectsAt(message, "tool_calls").map((call) => ({
    id: stringAt(call, "id") ?? "",
    type: "function",
    function: {
      name: stringAt(objectAt(call, "function"), "name") ?? "",
      arguments: stringAt(objectAt(call, "function"), "arguments") || "{}",
    },
  }));
  if (calls.length === 0) return { role: "assistant", content: text };
  const { details, text: thought } = reasoningOf(message);
  const plan = thought ?? reasoningText(details);
  const own: JsonObject = { role: "assistant", tool_calls: calls };
  if (text !== "") own["content"] = text;
  if (plan !== "") own["tool_plan"] = plan;
  return own;
}

function addThinking(body: JsonObject, chat: JsonObject, model: string): void {
  if (!model.includes("reasoning")) return; // Others refuse the member.
  const unified = objectAt(chat, "reasoning");
  const own = objectAt(chat, "thinking");
  const effort = stringAt(chat, "reasoning_effort") ?? stringAt(unified, "effort");
  if (effort === "none" || stringAt(own, "type") === "disabled" || unified["enabled"] === false) {
    body["thinking"] = { type: "disabled" };
    return;
  }
  const budget = numberAt(own, "budget_tokens") ?? numberAt(unified, "max_tokens");
  if (budget !== undefined) body["thinking"] = { type: "enabled", token_budget: budget };
}

function addTools(body: JsonObject, chat: JsonObject, provider: string): void {
  const tools = objectsAt(chat, "tools").map((tool) => {
    if (stringAt(tool, "type") !== "function") {
      refuse(`A tool of type "${stringAt(tool, "type")}"`, provider, "use tools of type function.", "tools");
    }
    const { name, description, parameters } = objectAt(tool, "function");
    return { type: "function", function: { name, description, parameters: parameters ?? { type: "object" } } };
  });
  if (tools.length === 0) return;
  const choice = chat["tool_choice"];
  const named = isObject(choice) ? stringAt(objectAt(choice, "function"), "name") : undefined;
  // One tool offered and one demanded are the same: Cohere cannot name it otherwise.
  body["tools"] = named === undefined ? tools : tools.filter((tool) => tool.function.name === named);
  if (named !== undefined || choice === "required") body["tool_choice"] = "REQUIRED";
  else if (choice === "none") body["tool_choice"] = "NONE";
}
