import type { Dialect } from "../errors.ts";
import { type JsonObject, objectAt, objectsAt, parseObject, stringAt } from "../json.ts";
import type { Provider } from "../providers/provider.ts";
import { AnthropicPassThrough, anthropicContentChars } from "../stream/anthropic-pass-through.ts";
import { ChatSink } from "../stream/chat-sink.ts";
import { type StreamConverter, StreamMeter } from "../stream/converter.ts";
import { MessagesSink } from "../stream/messages-sink.ts";
import { OpenAiPassThrough } from "../stream/openai-pass-through.ts";
import { TranslatedStream } from "../stream/translated-stream.ts";
import { estimateInputTokens } from "../usage/estimate.ts";
import { readAnthropicUsage } from "../usage/raw-usage.ts";
import type { ConvertedReply, Dialogue } from "./dialogue.ts";
import { openAiFinishReason } from "./finish-reasons.ts";
import {
  createdNow,
  finished,
  formatOf,
  meterCompletion,
  type Speaking,
  thinkingFormatOf,
  withoutOwnMembers,
} from "./formats.ts";
import { freeformNames, restoreFreeform } from "./freeform-tools.ts";
import { messagesRequestToChat } from "./messages-request.ts";
import { withoutForeignThinking } from "./reasoning.ts";
import { completionToMessage } from "./replies.ts";
import type { TranslatedRequest } from "./translated.ts";

/** A chat completion or message, and how it is spoken to any provider. */
export class Conversation implements Dialogue {
  readonly metered = true;
  readonly dialect: Dialect;
  readonly body: JsonObject;
  readonly stream: boolean;
  /** True when the client wants the usage chunk of an OpenAI stream. */
  readonly #usageWanted: boolean;
  /** True when Claude's client wants the model to think, in a way that Responses can say. */
  readonly #thinks: boolean;
  /** 32 hex digits, for ids that the gateway has to invent. */
  readonly #idSeed: string;

  constructor(dialect: Dialect, body: JsonObject, idSeed: string) {
    this.dialect = dialect;
    this.body = body;
    this.stream = body["stream"] === true;
    this.#usageWanted = objectAt(body, "stream_options")["include_usage"] === true;
    this.#thinks = dialect === "anthropic" && wantsThinking(body);
    this.#idSeed = idSeed;
  }

  pathFor(provider: Provider, model: string): string {
    return this.#formatOf(provider, model).path(provider, model, this.stream);
  }

  requestFor(provider: Provider, model: string): TranslatedRequest {
    const format = this.#formatOf(provider, model);
    if (this.#isNative(format)) {
      const own = withoutOwnMembers(this.body, model);
      const request = this.dialect === "anthropic" ? withoutForeignThinking(own) : { body: own, dropped: [] };
      return finished(request, model, provider);
    }
    const { body: chat, dropped } = this.#asChat(provider, model);
    const translated = format.request(chat, model, provider);
    return dropped.length === 0 ? translated : { body: translated.body, dropped: [...dropped, ...translated.dropped] };
  }

  #asChat(provider: Provider, model: string): TranslatedRequest {
    if (this.dialect === "openai") return { body: withoutOwnMembers(this.body, model), dropped: [] };
    return messagesRequestToChat(this.body, model, provider.name);
  }

  #formatOf(provider: Provider, model: string): Speaking {
    return this.#thinks ? thinkingFormatOf(provider, model) : formatOf(provider, model);
  }

  #isNative({ speech }: Speaking): boolean {
    return speech === (this.dialect === "openai" ? "chat" : "messages");
  }

  streamConverter(provider: Provider, model: string): StreamConverter {
    const format = this.#formatOf(provider, model);
    if (this.dialect === "anthropic") {
      if (this.#isNative(format)) return new AnthropicPassThrough();
      return new TranslatedStream(format.source(), new MessagesSink(this.#messageId, this.estimateInputTokens()));
    }
    if (this.#isNative(format)) return new OpenAiPassThrough(this.#usageWanted);
    const sink = new ChatSink(this.#usageWanted, createdNow(), freeformNames(this.body));
    return new TranslatedStream(format.source(), sink);
  }

  convertReply(provider: Provider, bytes: Buffer, reply: JsonObject, model: string): ConvertedReply | undefined {
    const format = this.#formatOf(provider, model);
    if (format.speech === "messages" && this.dialect === "anthropic") {
      const meter = meterMessage(reply);
      return meter === undefined ? undefined : { bytes, meter };
    }
    const completion = format.completion(reply, createdNow());
    const meter = completion === undefined ? undefined : meterCompletion(completion);
    if (completion === undefined || meter === undefined) return undefined;
    if (this.#isNative(format)) return { bytes, meter };
    return { bytes: Buffer.from(JSON.stringify(this.#replyOf(completion))), meter };
  }

  #replyOf(completion: JsonObject): JsonObject {
    if (this.dialect === "anthropic") {
      return completionToMessage(completion, this.#messageId, this.estimateInputTokens());
    }
    restoreFreeform(completion, freeformNames(this.body));
    return completion;
  }

  estimateInputTokens(): number {
    return estimateInputTokens(this.body);
  }

  get #messageId(): string {
    return `msg_${this.#idSeed.slice(0, 24)}`;
  }
}

/** Responses have no stop sequences. */
function wantsThinking(body: JsonObject): boolean {
  const type = stringAt(objectAt(body, "thinking"), "type");
  const stops = body["stop_sequences"];
  return type !== undefined && type !== "disabled" && !(Array.isArray(stops) && stops.length > 0);
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
