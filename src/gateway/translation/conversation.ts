import type { Dialect } from "../errors.ts";
import { isObject, type JsonObject, objectAt, objectsAt, parseObject, stringAt } from "../json.ts";
import type { Provider } from "../providers/provider.ts";
import { AnthropicPassThrough, anthropicContentChars } from "../stream/anthropic-pass-through.ts";
import { AnthropicToOpenAi } from "../stream/anthropic-to-openai.ts";
import { type StreamConverter, StreamMeter } from "../stream/converter.ts";
import { deltaChars, OpenAiPassThrough } from "../stream/openai-pass-through.ts";
import { OpenAiToAnthropic } from "../stream/openai-to-anthropic.ts";
import { estimateInputTokens } from "../usage/estimate.ts";
import { readAnthropicUsage, readOpenAiUsage } from "../usage/raw-usage.ts";
import { chatRequestToMessages } from "./chat-request.ts";
import type { ConvertedReply, Dialogue } from "./dialogue.ts";
import { openAiFinishReason } from "./finish-reasons.ts";
import { messagesRequestToChat } from "./messages-request.ts";
import { completionToMessage, messageToCompletion } from "./replies.ts";
import type { TranslatedRequest } from "./translated.ts";

/** Members of a chat request that are the gateway's own and that no provider knows. */
const OWN_MEMBERS = ["provider", "models", "auto_web_search", "web_search_threshold", "auto_routing"] as const;

/** A chat completion or message, and how it is spoken to a provider of either format. */
export class Conversation implements Dialogue {
  readonly metered = true;
  readonly dialect: Dialect;
  readonly body: JsonObject;
  readonly stream: boolean;
  /** True when the client wants the usage chunk of an OpenAI stream. */
  readonly #usageWanted: boolean;
  /** 32 hex digits, for ids that the gateway has to invent. */
  readonly #idSeed: string;

  constructor(dialect: Dialect, body: JsonObject, idSeed: string) {
    this.dialect = dialect;
    this.body = body;
    this.stream = body["stream"] === true;
    this.#usageWanted = objectAt(body, "stream_options")["include_usage"] === true;
    this.#idSeed = idSeed;
  }

  pathFor(provider: Provider, model: string): string {
    return provider.wire(model).chatPath(provider, model, this.stream);
  }

  requestFor(provider: Provider, model: string): TranslatedRequest {
    const wire = provider.wire(model);
    const translated = this.#translated(provider, model, wire.native);
    const dropped = wire.finishChat(translated.body, provider, model);
    return dropped.length === 0 ? translated : { body: translated.body, dropped: [...translated.dropped, ...dropped] };
  }

  #translated(provider: Provider, model: string, native: Dialect | undefined): TranslatedRequest {
    if (native === this.dialect) return { body: withoutOwnMembers(this.body, model), dropped: [] };
    return native === "anthropic"
      ? chatRequestToMessages(this.body, model, provider.name)
      : messagesRequestToChat(this.body, model, provider.name);
  }

  streamConverter(provider: Provider, model: string): StreamConverter {
    if (provider.wire(model).native === "anthropic") {
      if (this.dialect === "anthropic") return new AnthropicPassThrough();
      return new AnthropicToOpenAi(this.#usageWanted, Math.floor(Date.now() / 1_000));
    }
    if (this.dialect === "openai") return new OpenAiPassThrough(this.#usageWanted);
    return new OpenAiToAnthropic(this.#messageId, this.estimateInputTokens());
  }

  convertReply(provider: Provider, bytes: Buffer, reply: JsonObject, model: string): ConvertedReply | undefined {
    const { native } = provider.wire(model);
    const meter = native === "anthropic" ? meterMessage(reply) : meterCompletion(reply);
    if (meter === undefined) return undefined;
    if (native === this.dialect) return { bytes, meter };
    const translated =
      this.dialect === "openai"
        ? messageToCompletion(reply, Math.floor(Date.now() / 1_000))
        : completionToMessage(reply, this.#messageId);
    return { bytes: Buffer.from(JSON.stringify(translated)), meter };
  }

  estimateInputTokens(): number {
    return estimateInputTokens(this.body);
  }

  get #messageId(): string {
    return `msg_${this.#idSeed.slice(0, 24)}`;
  }
}

/** The body with the provider's id of the model and without the gateway's own members. */
export function withoutOwnMembers(body: JsonObject, model: string): JsonObject {
  const copy: JsonObject = { ...body, model };
  for (const name of OWN_MEMBERS) delete copy[name];
  return copy;
}

function meterCompletion(completion: JsonObject): StreamMeter | undefined {
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

function meterMessage(message: JsonObject): StreamMeter | undefined {
  if (!Array.isArray(message["content"]) || stringAt(message, "role") !== "assistant") return undefined;
  const meter = new StreamMeter();
  meter.responseId = stringAt(message, "id");
  meter.model = stringAt(message, "model");
  meter.finishReason = openAiFinishReason(stringAt(message, "stop_reason") ?? "end_turn");
  meter.usage = readAnthropicUsage(objectAt(message, "usage"));
  for (const block of objectsAt(message, "content")) meter.outputChars += anthropicContentChars(block);
  return meter;
}

/** The JSON object of a provider's reply, or undefined when it is none. */
export function replyObject(bytes: Buffer): JsonObject | undefined {
  return parseObject(bytes.toString("utf8"));
}
