import type { IncomingHttpHeaders } from "node:http";
import type { Dialect } from "../errors.ts";
import type { JsonObject } from "../json.ts";
import type { ChunkSource } from "../stream/converter.ts";
import type { ProviderFormat } from "../translation/provider-format.ts";
import type { TranslatedRequest } from "../translation/translated.ts";
import type { Credential } from "./credential.ts";
import type { Provider } from "./provider.ts";

/** What a provider says went wrong, in one form for all formats. The text is as it came: make it safe before showing it. */
export interface ProviderProblem {
  readonly status: number;
  readonly message: string | undefined;
  /** The request member at fault. */
  readonly param: string | undefined;
  /** The provider's word for it, in OpenAI's spelling where there is one. */
  readonly code: string | undefined;
  /** Where the body tells what the header does not. */
  readonly retryAfterSeconds: number | undefined;
}

/** Rewrites a provider's stream, event by event, before anything else reads it. */
export interface StreamRewriter {
  /** Bytes of an unfinished event, as text. */
  readonly unreadText: string;
  /** Events for the bytes, maybe none. Never throws: garbage passes and is counted behind it. */
  push(bytes: Buffer): Buffer | string;
}

/** An endpoint without dialects: `/embeddings`, `/rerank`, … as OpenAI (or, for rerank, Cohere) names it. */
export interface PlainCodec {
  path(provider: Provider, model: string): string;
  /** `body` is the caller's own copy. @throws GatewayError NOT_TRANSLATABLE. */
  encode(body: JsonObject, provider: Provider, model: string): TranslatedRequest;
  /** The reply in the endpoint's own shape; undefined when it is no answer. Absent: it is so already. */
  decode?(reply: JsonObject, model: string): JsonObject | undefined;
}

export interface UnsignedRequest {
  readonly method: string;
  /** Path and query below the origin. */
  readonly path: string;
  readonly body: string | undefined;
}

/** A format that is neither of the dialects. */
export interface NativeFormat {
  /** As ProviderFormat's. */
  readonly request: ProviderFormat["request"];
  /** A reader for one stream. @param model Shown where the stream does not name its model. */
  source(model: string): ChunkSource;
  /** A whole reply as a chat completion, or undefined when it is no answer. @param created Unix seconds. */
  completion(reply: JsonObject, created: number, model: string): JsonObject | undefined;
}

/** How a provider is spoken to: the table entry behind its type and the model. */
export interface Wire {
  /** The dialect that it speaks by itself; undefined: everything goes through `format`. */
  readonly native: Dialect | undefined;
  /** Present where `native` is undefined. */
  readonly format?: NativeFormat;
  /** Media type of a stream: the beginning of its `content-type`. */
  readonly streamType: string;
  chatPath(provider: Provider, model: string, stream: boolean): string;
  /**
   * Last changes to a chat body of the native dialect; `body` is the caller's own copy and may be changed.
   * @returns names of members that were left out.
   * @throws GatewayError NOT_TRANSLATABLE.
   */
  finishChat(body: JsonObject, provider: Provider, model: string): readonly string[];
  /** Changes a whole reply in place, before anything else reads it. @returns whether it did; if not, its bytes may pass. */
  adjustReply?(reply: JsonObject): boolean;
  /** Absent: the stream may pass as bytes. */
  streamRewriter?(): StreamRewriter;
  /** Where the endpoint `path` is; undefined when the provider has none. */
  plain(path: string): PlainCodec | undefined;
  /** Counts input tokens exactly; absent: the provider cannot. */
  readonly countTokens?: {
    path(provider: Provider, model: string): string;
    /** From the body of an Anthropic `count_tokens` request. @throws GatewayError NOT_TRANSLATABLE. */
    encode(body: JsonObject, provider: Provider, model: string): JsonObject;
    decode(reply: JsonObject): number | undefined;
  };
  /** Path of the model list; undefined where it cannot be asked. */
  modelsPath(provider: Provider): string | undefined;
  /** Ids of the list; undefined when the text is no list. */
  readModelIds(text: string): string[] | undefined;
  /**
   * Headers that carry the credential. Asynchronous only where a token is fetched or a request signed.
   * @throws UpstreamError when no token can be had.
   */
  authorize(
    provider: Provider,
    credential: Credential,
    request: UnsignedRequest,
  ): Record<string, string> | Promise<Record<string, string>>;
  /** The failure behind a status that is not 2xx. */
  readProblem(status: number, headers: IncomingHttpHeaders, bodyText: string): ProviderProblem;
}
