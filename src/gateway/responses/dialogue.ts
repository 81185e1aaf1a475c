import { GatewayError } from "../errors.ts";
import { type JsonObject, objectsAt, stringAt } from "../json.ts";
import type { Provider } from "../providers/provider.ts";
import { type StreamConverter, StreamMeter } from "../stream/converter.ts";
import { TranslatedStream } from "../stream/translated-stream.ts";
import type { ConvertedReply, Dialogue } from "../translation/dialogue.ts";
import {
  asResponses,
  createdNow,
  formatOf,
  meterCompletion,
  responsesPath,
  withoutOwnMembers,
} from "../translation/formats.ts";
import { freeformNames } from "../translation/freeform-tools.ts";
import type { TranslatedRequest } from "../translation/translated.ts";
import { estimateInputTokens } from "../usage/estimate.ts";
import { meterResponse, ResponsesPassThrough } from "./pass-through.ts";
import { shownItem, withoutForeignReasoning } from "./reasoning-items.ts";
import { includes, inputItems, responsesToChat } from "./request.ts";
import { completionToResponse, type ResponseHead } from "./response.ts";
import { ResponseSink } from "./sink.ts";
import type { StoredItem, StoredResponse } from "./store.ts";

export interface ResponsesDialogueOptions {
  readonly request: JsonObject;
  /** The response that it continues, if it is known here. */
  readonly previous: StoredResponse | undefined;
  /** Finds an item of an earlier answer by its id. */
  readonly itemOf: (id: string) => StoredItem | undefined;
  /** 32 hex digits, for the ids. */
  readonly idSeed: string;
  /** Told the finished response, unless the client does not want it kept. */
  readonly finished: (stored: StoredResponse) => void;
}

/**
 * A Responses request: passed on as it is where the provider has that endpoint, else held as a chat with whatever
 * provider serves the model.
 */
export class ResponsesDialogue implements Dialogue {
  readonly dialect = "openai";
  readonly metered = true;
  readonly stream: boolean;
  readonly #options: ResponsesDialogueOptions;
  readonly #head: ResponseHead;
  readonly #encryptedWanted: boolean;
  /** Everything before the answer. */
  readonly #input: readonly JsonObject[];

  /** @throws GatewayError INVALID_REQUEST for a reference to an item of another key. */
  constructor(options: ResponsesDialogueOptions) {
    const { request, idSeed, previous } = options;
    this.#options = options;
    this.stream = request["stream"] === true;
    const tools = objectsAt(request, "tools").map((tool) => ({ ...tool, custom: tool }));
    const id = `resp_${idSeed}`;
    this.#head = { id, idSeed, createdAt: createdNow(), request, freeform: freeformNames({ tools }) };
    this.#encryptedWanted = includes(request, "reasoning.encrypted_content");
    const before = previous === undefined ? [] : [...previous.input, ...previous.output];
    this.#input = [...before, ...inputItems(request["input"]).map((item) => this.#resolved(item)?.item ?? item)];
  }

  /** What a reference refers to; undefined for other items, and for references that only a provider can know. */
  #resolved(item: JsonObject): StoredItem | undefined {
    const id = stringAt(item, "id");
    if (item["type"] !== "item_reference" || id === undefined) return undefined;
    const found = this.#options.itemOf(id);
    if (found?.others === true) {
      const reason = `Item with id ${JSON.stringify(id.slice(0, 100))} not found.`;
      throw new GatewayError("INVALID_REQUEST", { reason }, { param: "input" });
    }
    return found;
  }

  pathFor(provider: Provider, model: string): string {
    return responsesPath(provider, model) ?? formatOf(provider, model).path(provider, model, this.stream);
  }

  requestFor(provider: Provider, model: string): TranslatedRequest {
    if (responsesPath(provider, model) !== undefined) return this.#nativeRequest(provider, model);
    const { request, previous } = this.#options;
    const previousId = stringAt(request, "previous_response_id");
    if (previousId !== undefined && previous === undefined) {
      throw new GatewayError("PREVIOUS_RESPONSE_NOT_FOUND", { id: previousId }, { param: "previous_response_id" });
    }
    const { body: chat, dropped } = responsesToChat(request, this.#input, provider.name);
    const translated = formatOf(provider, model).request(chat, model, provider);
    return { body: translated.body, dropped: [...dropped, ...translated.dropped] };
  }

  /** What the provider keeps itself is continued by its id; what only we know is written out. */
  #nativeRequest(provider: Provider, model: string): TranslatedRequest {
    const { request, previous } = this.#options;
    const body = withoutOwnMembers(request, model);
    if (previous !== undefined && previous.keptBy !== provider.name) {
      delete body["previous_response_id"];
      body["input"] = withoutForeignReasoning(this.#input);
    } else if (Array.isArray(body["input"])) {
      const items = inputItems(body["input"]).map((item) => {
        const found = this.#resolved(item);
        return found === undefined || found.keptBy === provider.name ? item : found.item;
      });
      body["input"] = withoutForeignReasoning(items);
    }
    return asResponses({ body, dropped: [] }, model, provider);
  }

  streamConverter(provider: Provider, model: string): StreamConverter {
    if (responsesPath(provider, model) !== undefined) {
      return new ResponsesPassThrough((response) => this.#rememberNative(response, provider));
    }
    const sink = new ResponseSink({
      head: this.#head,
      encryptedWanted: this.#encryptedWanted,
      finished: (response, output) => this.#remember(response, output),
    });
    return new TranslatedStream(formatOf(provider, model).source(), sink);
  }

  convertReply(provider: Provider, bytes: Buffer, reply: JsonObject, model: string): ConvertedReply | undefined {
    if (responsesPath(provider, model) !== undefined) {
      if (!Array.isArray(reply["output"])) return undefined;
      const meter = new StreamMeter();
      meterResponse(meter, reply);
      this.#rememberNative(reply, provider);
      return { bytes, meter };
    }
    const completion = formatOf(provider, model).completion(reply, createdNow());
    const meter = completion === undefined ? undefined : meterCompletion(completion);
    if (completion === undefined || meter === undefined) return undefined;
    const response = completionToResponse(completion, this.#head);
    const output = objectsAt(response, "output");
    response["output"] = output.map((item) => shownItem(item, this.#encryptedWanted));
    this.#remember(response, output);
    return { bytes: Buffer.from(JSON.stringify(response)), meter };
  }

  estimateInputTokens(): number {
    const { request } = this.#options;
    const messages = this.#input.map(({ content, output, input, arguments: argumentsText }) => {
      return { content: content ?? output ?? input ?? argumentsText };
    });
    return estimateInputTokens({ system: request["instructions"], messages, tools: request["tools"] });
  }

  #remember(response: JsonObject, output: readonly JsonObject[], keptBy?: string): void {
    const { request, finished } = this.#options;
    if (request["store"] !== false) finished({ response, input: this.#input, output, keptBy });
  }

  #rememberNative(response: JsonObject, { name }: Provider): void {
    this.#remember(response, objectsAt(response, "output"), name);
  }
}
