import { isObject, type JsonObject, objectAt, objectsAt, stringAt } from "../json.ts";
import { modelKind } from "../providers/model-kind.ts";
import type { Provider } from "../providers/provider.ts";
import { chatToResponses } from "../responses/chat-to-responses.ts";
import { responseToCompletion } from "../responses/reply.ts";
import { AnthropicSource } from "../stream/anthropic-source.ts";
import { StreamMeter } from "../stream/converter.ts";
import { deltaChars } from "../stream/openai-pass-through.ts";
import { OpenAiSource } from "../stream/openai-source.ts";
import { ResponsesSource } from "../stream/responses-source.ts";
import { readOpenAiUsage } from "../usage/raw-usage.ts";
import { chatRequestToMessages } from "./chat-request.ts";
import { functionsOnly } from "./freeform-tools.ts";
import { lowerChat } from "./lower-chat.ts";
import type { ProviderFormat } from "./provider-format.ts";
import { takesEffort } from "./reasoning-effort.ts";
import { messageToCompletion } from "./replies.ts";
import { GATEWAY_MEMBERS, type TranslatedRequest } from "./translated.ts";

/** Which of the formats that clients speak, too, a provider speaks about a model; `other` goes through its adapter. */
type Speech = "chat" | "messages" | "responses" | "other";

export interface Speaking extends ProviderFormat {
  readonly speech: Speech;
}

/** Below the base URL. */
const RESPONSES = "/responses";

const chat: Speaking = {
  speech: "chat",
  path: (provider, model, stream) => provider.wire(model).chatPath(provider, model, stream),
  request: (body, model, provider) => finished(lowerChat(functionsOnly(body), model, provider), model, provider),
  source: () => new OpenAiSource(),
  completion: (reply) => (isObject(objectsAt(reply, "choices")[0]?.["message"]) ? reply : undefined),
};

const messages: Speaking = {
  speech: "messages",
  path: chat.path,
  request: (body, model, provider) => finished(chatRequestToMessages(body, model, provider.name), model, provider),
  source: () => new AnthropicSource(),
  completion: (reply, created) => {
    const sane = Array.isArray(reply["content"]) && stringAt(reply, "role") === "assistant";
    return sane ? messageToCompletion(reply, created) : undefined;
  },
};

const responses: Speaking = {
  speech: "responses",
  path: (provider, model) =>
    provider.wire(model).plain(RESPONSES)?.path(provider, model) ?? provider.basePath + RESPONSES,
  request: (body, model, provider) => asResponses(chatToResponses(body, model, provider.name), model, provider),
  source: () => new ResponsesSource(),
  completion: responseToCompletion,
};

/** How this provider is spoken to by those who hold a chat. */
export function formatOf(provider: Provider, model: string): Speaking {
  const { native, format } = provider.wire(model);
  if (format !== undefined) {
    const { request } = format;
    return {
      speech: "other",
      path: chat.path,
      request: (body, id, to) => request(functionsOnly(body), id, to),
      source: () => format.source(model),
      completion: (reply, created) => format.completion(reply, created, model),
    };
  }
  if (native === "anthropic") return messages;
  return hasResponses(provider, model) && modelKind(model) === "responses" ? responses : chat;
}

/**
 * The same for a client that wants a model to think: OpenAI's reasoning comes back, encrypted, by Responses only, and is
 * lost between the calls of tools otherwise.
 */
export function thinkingFormatOf(provider: Provider, model: string): Speaking {
  return hasResponses(provider, model) && takesEffort(model) ? responses : formatOf(provider, model);
}

/** The provider's own Responses endpoint, or undefined where it has none. */
export function responsesPath(provider: Provider, model: string): string | undefined {
  return hasResponses(provider, model) ? responses.path(provider, model, false) : undefined;
}

/** A Responses request as this provider takes it. */
export function asResponses(translated: TranslatedRequest, model: string, provider: Provider): TranslatedRequest {
  const coded = provider.wire(model).plain(RESPONSES)?.encode(translated.body, provider, model);
  return coded === undefined ? translated : { body: coded.body, dropped: [...translated.dropped, ...coded.dropped] };
}

function hasResponses(provider: Provider, model: string): boolean {
  // The simulator has chat completions only.
  return provider.quirks.responses === true && !provider.simulated && provider.wire(model).native === "openai";
}

/** The last changes of the provider's own. */
export function finished(translated: TranslatedRequest, model: string, provider: Provider): TranslatedRequest {
  const dropped = provider.wire(model).finishChat(translated.body, provider, model);
  return dropped.length === 0 ? translated : { body: translated.body, dropped: [...translated.dropped, ...dropped] };
}

/** The body with the provider's id of the model and without the gateway's own members. */
export function withoutOwnMembers(body: JsonObject, model: string): JsonObject {
  const copy: JsonObject = { ...body, model };
  for (const name of GATEWAY_MEMBERS) delete copy[name];
  return copy;
}

/** What accounting reads of a whole chat completion; undefined when it is none. */
export function meterCompletion(completion: JsonObject): StreamMeter | undefined {
  const choices = objectsAt(completion, "choices");
  const first = choices[0];
  if (first === undefined || !isObject(first["message"])) return undefined;
  const meter = new StreamMeter();
  meter.responseId = stringAt(completion, "id");
  meter.model = stringAt(completion, "model");
  meter.finishReason = stringAt(first, "finish_reason");
  if (isObject(completion["usage"])) meter.usage = readOpenAiUsage(completion["usage"]);
  for (const choice of choices) meter.outputChars += deltaChars(objectAt(choice, "message"));
  return meter;
}

/** Unix seconds. */
export function createdNow(): number {
  return Math.floor(Date.now() / 1_000);
}
