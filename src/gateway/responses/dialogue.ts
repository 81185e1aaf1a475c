import { type JsonObject, objectsAt, parseObject } from "../json.ts";
import type { Provider } from "../providers/provider.ts";
import type { StreamConverter } from "../stream/converter.ts";
import { Conversation } from "../translation/conversation.ts";
import type { ConvertedReply, Dialogue } from "../translation/dialogue.ts";
import type { TranslatedRequest } from "../translation/translated.ts";
import { inputMessages, responsesToChat } from "./request.ts";
import { completionToResponse, type ResponseHead } from "./response.ts";
import { ResponseStream } from "./stream.ts";

export interface ResponsesDialogueOptions {
  readonly request: JsonObject;
  /** Messages of the responses before this one. */
  readonly history: readonly JsonObject[];
  /** 32 hex digits, for the ids. */
  readonly idSeed: string;
  /** Told the finished response, and the chat up to and including it. */
  readonly finished: (response: JsonObject, messages: readonly JsonObject[]) => void;
}

/** A Responses request, held as a chat with whatever provider serves the model. */
export class ResponsesDialogue implements Dialogue {
  readonly dialect = "openai";
  readonly metered = true;
  readonly #options: ResponsesDialogueOptions;
  readonly #chat: Conversation;
  readonly #dropped: readonly string[];
  readonly #head: ResponseHead;

  /** @throws GatewayError INVALID_REQUEST for what a chat cannot say. */
  constructor(options: ResponsesDialogueOptions) {
    const { request, history, idSeed } = options;
    const { body, dropped } = responsesToChat(request, history);
    this.#options = options;
    this.#dropped = dropped;
    this.#chat = new Conversation("openai", { ...body, stream_options: { include_usage: true } }, idSeed);
    this.#head = { id: `resp_${idSeed}`, createdAt: Math.floor(Date.now() / 1_000), request };
  }

  get stream(): boolean {
    return this.#chat.stream;
  }

  pathFor(provider: Provider, model: string): string {
    return this.#chat.pathFor(provider, model);
  }

  requestFor(provider: Provider, model: string): TranslatedRequest {
    const { body, dropped } = this.#chat.requestFor(provider, model);
    if (!this.stream) delete body["stream_options"]; // OpenAI refuses it where nothing streams.
    return { body, dropped: [...this.#dropped, ...dropped.filter((name) => name !== "stream_options")] };
  }

  streamConverter(provider: Provider, model: string): StreamConverter {
    return new ResponseStream({
      inner: this.#chat.streamConverter(provider, model),
      head: this.#head,
      idOf: this.#idOf,
      finished: (response) => this.#remember(response),
    });
  }

  convertReply(provider: Provider, bytes: Buffer, reply: JsonObject, model: string): ConvertedReply | undefined {
    const converted = this.#chat.convertReply(provider, bytes, reply, model);
    if (converted === undefined) return undefined;
    const completion = converted.bytes === bytes ? reply : (parseObject(converted.bytes.toString("utf8")) ?? {});
    const response = completionToResponse(completion, this.#head, this.#idOf);
    this.#remember(response);
    return { bytes: Buffer.from(JSON.stringify(response)), meter: converted.meter };
  }

  estimateInputTokens(): number {
    return this.#chat.estimateInputTokens();
  }

  readonly #idOf = (prefix: string, index: number): string => `${prefix}_${this.#options.idSeed}${index}`;

  #remember(response: JsonObject): void {
    const { request, history, finished } = this.#options;
    if (request["store"] === false) return;
    const answered = inputMessages(objectsAt(response, "output"));
    finished(response, [...history, ...inputMessages(request["input"]), ...answered]);
  }
}
