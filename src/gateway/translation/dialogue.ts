import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";
import type { Dialect } from "../errors.ts";
import type { JsonObject } from "../json.ts";
import type { Provider } from "../providers/provider.ts";
import type { RequestCost } from "../request-record.ts";
import type { StreamConverter, StreamMeter } from "../stream/converter.ts";
import type { TranslatedRequest } from "./translated.ts";

/** A reply for the client, and what accounting reads of it. */
export interface ConvertedReply {
  readonly bytes: Buffer;
  readonly meter: StreamMeter;
}

/** What an endpoint adds whose requests are uploads or whose replies are no JSON. */
export interface MediaSide {
  /** The request as an upload, given its JSON form; as it was where this endpoint takes JSON. */
  requestOptions(options: Dispatcher.DispatchOptions, provider: Provider, model: string): Dispatcher.DispatchOptions;
  /** True where a stream is no text: it cannot say that it broke off, so its connection must. */
  readonly binary: boolean;
  /** An attempt gets at least this long, ms. */
  readonly patienceMs: number;
  /** True once a whole reply turned out to be no JSON. */
  readonly plainText: boolean;
  /** The reply's own headers, from the provider's. */
  replyHeaders(upstream: IncomingHttpHeaders): Record<string, string>;
  /** A whole reply that is no JSON object; undefined where it must be one. */
  convertText?(bytes: Buffer, upstream: IncomingHttpHeaders): ConvertedReply | undefined;
  /** The price where it does not follow from tokens alone; undefined leaves it to the price list. */
  price?(provider: Provider, model: string): RequestCost | undefined;
  /** What it may cost at most, US dollars, where that does not follow from tokens alone; for reservations. */
  worstUsd?(model: string): number;
}

/** One decoded client request, and how it is spoken to a provider: all that routing and the routes need to know of it. */
export interface Dialogue {
  /** Whose errors and streams the client expects. */
  readonly dialect: Dialect;
  readonly stream: boolean;
  /** False where nothing is counted or charged, as for moderations. */
  readonly metered: boolean;
  /** Path of the endpoint at this provider. */
  pathFor(provider: Provider, model: string): string;
  /**
   * The request as this provider takes it.
   * @throws GatewayError NOT_TRANSLATABLE.
   */
  requestFor(provider: Provider, model: string): TranslatedRequest;
  streamConverter(provider: Provider, model: string): StreamConverter;
  /** The client's reply from a provider's JSON, or undefined when that is no answer. */
  convertReply(provider: Provider, bytes: Buffer, reply: JsonObject, model: string): ConvertedReply | undefined;
  estimateInputTokens(): number;
  /** Absent where request and reply are JSON or an event stream. */
  readonly media?: MediaSide;
}
