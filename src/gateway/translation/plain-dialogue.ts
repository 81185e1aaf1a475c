import { GatewayError } from "../errors.ts";
import { isObject, type JsonObject, objectAt, objectsAt, stringAt } from "../json.ts";
import type { Provider } from "../providers/provider.ts";
import { type StreamConverter, StreamMeter } from "../stream/converter.ts";
import { OpenAiPassThrough } from "../stream/openai-pass-through.ts";
import { estimateTokens } from "../usage/estimate.ts";
import { readOpenAiUsage } from "../usage/raw-usage.ts";
import type { ConvertedReply, Dialogue } from "./dialogue.ts";
import { withoutOwnMembers } from "./formats.ts";
import type { TranslatedRequest } from "./translated.ts";

/** An endpoint that exists in OpenAI's format only. */
export interface PlainOperation {
  /** Below the provider's base URL. */
  readonly path: string;
  /** The member that makes a reply an answer. */
  readonly answerIn: "data" | "choices" | "results";
  /** The member whose text is counted when the provider reports no usage. */
  readonly textIn: string;
  /** False where providers charge nothing. */
  readonly metered: boolean;
}

/** Passes a request to a provider of OpenAI's format and its reply back, both unchanged; others cannot say it. */
export class PlainDialogue implements Dialogue {
  readonly dialect = "openai";
  readonly stream: boolean;
  readonly #operation: PlainOperation;
  readonly #body: JsonObject;

  constructor(operation: PlainOperation, body: JsonObject, stream: boolean) {
    this.#operation = operation;
    this.#body = body;
    this.stream = stream;
  }

  get metered(): boolean {
    return this.#operation.metered;
  }

  pathFor(provider: Provider, model: string): string {
    const codec = provider.wire(model).plain(this.#operation.path);
    return codec?.path(provider, model) ?? `${provider.basePath}${this.#operation.path}`;
  }

  requestFor(provider: Provider, model: string): TranslatedRequest {
    const codec = provider.wire(model).plain(this.#operation.path);
    if (codec === undefined) {
      const detail = { what: `POST /v1${this.#operation.path}`, provider: provider.name };
      throw new GatewayError("NOT_TRANSLATABLE", { ...detail, hint: "it has no such endpoint." });
    }
    const body = withoutOwnMembers(this.#body, model);
    if (this.stream) body["stream_options"] = { ...objectAt(body, "stream_options"), include_usage: true };
    return codec.encode(body, provider, model);
  }

  streamConverter(): StreamConverter {
    return new OpenAiPassThrough(objectAt(this.#body, "stream_options")["include_usage"] === true);
  }

  convertReply(provider: Provider, bytes: Buffer, reply: JsonObject, model: string): ConvertedReply | undefined {
    const decode = provider.wire(model).plain(this.#operation.path)?.decode;
    if (decode === undefined) return this.#meteredReply(bytes, reply);
    const own = decode(reply, model);
    return own && this.#meteredReply(Buffer.from(JSON.stringify(own)), own);
  }

  #meteredReply(bytes: Buffer, reply: JsonObject): ConvertedReply | undefined {
    if (!Array.isArray(reply[this.#operation.answerIn])) return undefined;
    const meter = new StreamMeter();
    meter.responseId = stringAt(reply, "id");
    meter.model = stringAt(reply, "model");
    if (isObject(reply["usage"])) meter.usage = readOpenAiUsage(reply["usage"]);
    for (const choice of objectsAt(reply, "choices")) {
      meter.finishReason ??= stringAt(choice, "finish_reason");
      meter.outputChars += stringAt(choice, "text")?.length ?? 0;
    }
    return { bytes, meter };
  }

  estimateInputTokens(): number {
    return tokensOf(this.#body["query"]) + tokensOf(this.#body[this.#operation.textIn]);
  }
}

/** Tokens of a text, of an array of texts, or of token numbers, which count one each. */
function tokensOf(value: unknown): number {
  if (typeof value === "string") return estimateTokens(value);
  if (typeof value === "number") return 1;
  if (Array.isArray(value)) return value.reduce<number>((sum, part) => sum + tokensOf(part), 0);
  return isObject(value) ? tokensOf(value["text"]) : 0;
}
