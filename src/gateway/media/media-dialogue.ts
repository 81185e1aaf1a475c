import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";
import { GatewayError } from "../errors.ts";
import { isObject, type JsonObject, objectsAt, stringAt } from "../json.ts";
import type { Provider } from "../providers/provider.ts";
import type { PlainCodec } from "../providers/wire.ts";
import type { RequestCost, Telemetry } from "../request-record.ts";
import { type StreamConverter, StreamMeter } from "../stream/converter.ts";
import type { ConvertedReply, Dialogue, MediaSide } from "../translation/dialogue.ts";
import { withoutOwnMembers } from "../translation/formats.ts";
import type { TranslatedRequest } from "../translation/translated.ts";
import { estimateTokens } from "../usage/estimate.ts";
import { BinaryPassThrough } from "./binary-pass-through.ts";
import { MediaEventPassThrough } from "./event-pass-through.ts";
import { type MediaUnits, mediaPriceUsd } from "./media-prices.ts";
import { readMediaUsage, readSeconds } from "./media-usage.ts";
import type { Upload } from "./upload.ts";

/** Bytes of sound in a second where nobody says how long it is: 128 kbit/s. */
const AUDIO_BYTES_PER_SECOND = 16_000;
/** Pictures take minutes at high quality; 25 MB of sound are an hour of speech. */
const PATIENCE_MS = { images: 180_000, text: 120_000, sound: 60_000 } as const;
const HEADER_VALUE = /^[\x20-\x7e]{1,200}$/;

/** One of OpenAI's endpoints for pictures and sound (API reference, "Images" and "Audio"). */
export interface MediaOperation {
  /** Below the provider's base URL. */
  readonly path: string;
  readonly makes: "images" | "text" | "sound";
}

/** Passes a request for pictures or sound, an upload where it is one, to a provider of OpenAI's format and its reply back. */
export class MediaDialogue implements Dialogue, MediaSide {
  readonly dialect = "openai";
  readonly metered = true;
  readonly stream: boolean;
  readonly binary: boolean;
  plainText = false;
  readonly #operation: MediaOperation;
  readonly #body: JsonObject;
  readonly #upload: Upload | undefined;
  readonly #telemetry: Pick<Telemetry, "event">;
  #images = 0;
  #seconds: number | undefined;
  #countedInTokens = false;

  constructor(
    operation: MediaOperation,
    body: JsonObject,
    upload: Upload | undefined,
    telemetry: Pick<Telemetry, "event">,
  ) {
    this.#operation = operation;
    this.#body = body;
    this.#upload = upload;
    this.#telemetry = telemetry;
    const events = operation.makes === "sound" ? body["stream_format"] === "sse" : isTrue(body["stream"]);
    this.binary = operation.makes === "sound" && !events;
    this.stream = events || this.binary;
  }

  get patienceMs(): number {
    return PATIENCE_MS[this.#operation.makes];
  }

  get media(): MediaSide {
    return this;
  }

  pathFor(provider: Provider, model: string): string {
    return this.#codec(provider, model)?.path(provider, model) ?? `${provider.basePath}${this.#operation.path}`;
  }

  requestFor(provider: Provider, model: string): TranslatedRequest {
    const codec = this.#codec(provider, model);
    if (codec === undefined) {
      const detail = { what: `POST /v1${this.#operation.path}`, provider: provider.name };
      throw new GatewayError("NOT_TRANSLATABLE", { ...detail, hint: "it has no such endpoint." });
    }
    const body = this.#upload === undefined ? withoutOwnMembers(this.#body, model) : { model };
    return codec.encode(body, provider, model);
  }

  /** Undefined for providers of other formats, which have endpoints of their own for pictures and sound. */
  #codec(provider: Provider, model: string): PlainCodec | undefined {
    const wire = provider.wire(model);
    return wire.native === "openai" ? wire.plain(this.#operation.path) : undefined;
  }

  requestOptions(options: Dispatcher.DispatchOptions, provider: Provider, model: string): Dispatcher.DispatchOptions {
    const headers = { ...(options.headers as Record<string, string>) };
    headers["accept"] = this.binary ? "*/*" : this.stream ? "text/event-stream" : "application/json, text/*";
    if (this.#upload === undefined) return { ...options, headers };
    const named = this.requestFor(provider, model).body["model"]; // Azure has names of its own.
    this.#upload.change(this.#body);
    const { contentType, bytes, body } = this.#upload.encode(typeof named === "string" ? named : model);
    headers["content-type"] = contentType;
    headers["content-length"] = String(bytes);
    return { ...options, headers, body };
  }

  replyHeaders(upstream: IncomingHttpHeaders): Record<string, string> {
    const type = upstream["content-type"];
    return typeof type === "string" && HEADER_VALUE.test(type) ? { "content-type": type } : {};
  }

  streamConverter(): StreamConverter {
    if (this.binary) return new BinaryPassThrough();
    return new MediaEventPassThrough((event) => this.#readDone(event));
  }

  /** Subtitles and plain text are answers of a transcription too. */
  convertText(bytes: Buffer, upstream: IncomingHttpHeaders): ConvertedReply | undefined {
    if (this.#operation.makes !== "text" || isJson(upstream)) return undefined;
    this.plainText = true;
    return { bytes, meter: new StreamMeter() };
  }

  convertReply(provider: Provider, bytes: Buffer, reply: JsonObject, model: string): ConvertedReply | undefined {
    const decode = this.#codec(provider, model)?.decode;
    if (decode === undefined) return this.#readReply(bytes, reply);
    const own = decode(reply, model);
    return own && this.#readReply(Buffer.from(JSON.stringify(own)), own);
  }

  #readReply(bytes: Buffer, reply: JsonObject): ConvertedReply | undefined {
    const answered = this.#operation.makes === "images" ? Array.isArray(reply["data"]) : "text" in reply;
    if (!answered) return undefined;
    const meter = new StreamMeter();
    meter.model = stringAt(reply, "model");
    meter.usage = readMediaUsage(reply);
    this.#images = objectsAt(reply, "data").length;
    this.#seconds = readSeconds(reply);
    this.#countedInTokens = meter.usage !== undefined;
    return { bytes, meter };
  }

  price(_provider: Provider, model: string): RequestCost | undefined {
    if (this.#countedInTokens) return undefined;
    const { usd, known } = mediaPriceUsd(model, this.#units());
    this.#telemetry.event("priceLookup", { model, known, cacheHit: true });
    const made = this.#operation.makes === "images";
    return { inputUsd: made ? 0 : usd, outputUsd: made ? usd : 0, totalUsd: usd, defaultPricing: !known };
  }

  worstUsd(model: string): number {
    const units = this.#units();
    const images = Math.max(1, Number(this.#body["n"]) || 1);
    return mediaPriceUsd(model, units.images === undefined ? units : { ...units, images }).usd;
  }

  estimateInputTokens(): number {
    const text = stringAt(this.#body, "prompt") ?? stringAt(this.#body, "input");
    return text === undefined ? 0 : estimateTokens(text);
  }

  #units(): MediaUnits {
    const { makes } = this.#operation;
    if (makes === "sound") return { characters: stringAt(this.#body, "input")?.length ?? 0 };
    if (makes === "text") return { seconds: this.#seconds ?? this.#estimatedSeconds() };
    const size = stringAt(this.#body, "size")?.toLowerCase();
    const quality = stringAt(this.#body, "quality");
    return { images: this.#images, ...(size && { size }), ...(quality && { quality }) };
  }

  #estimatedSeconds(): number {
    const bytes = this.#upload?.files.reduce((sum, { spool }) => sum + spool.bytes, 0) ?? 0;
    return bytes / AUDIO_BYTES_PER_SECOND;
  }

  #readDone(event: JsonObject): void {
    if (isObject(event["usage"])) this.#countedInTokens = readMediaUsage(event) !== undefined;
    this.#seconds = readSeconds(event) ?? this.#seconds;
    if (this.#operation.makes === "images") this.#images++;
  }
}

/** Fields of an upload are texts. */
function isTrue(value: unknown): boolean {
  return value === true || value === "true";
}

function isJson(headers: IncomingHttpHeaders): boolean {
  return headers["content-type"]?.toLowerCase().startsWith("application/json") === true;
}
