import type { JsonObject } from "../json.ts";
import type { Provider } from "../providers/provider.ts";
import type { ChunkSource } from "../stream/converter.ts";
import type { TranslatedRequest } from "./translated.ts";

/**
 * A format that providers speak. All of them are reached through chat completions: whatever a client sent becomes a
 * chat completion request first, and the provider's answer a chat completion, or the steps of one.
 */
export interface WireFormat {
  /** Path of the endpoint at this provider, query included. */
  path(provider: Provider, model: string, stream: boolean): string;
  /**
   * @param chat A chat completion request with `stream` and everything else of the client's but without its model. It
   *   may carry what docs/translation.md calls extended: `reasoning_details`, `cache_control`, images in tool messages,
   *   `is_error` on tool messages, file parts whose `file_data` is an http(s) URL. Not to be changed.
   * @throws GatewayError NOT_TRANSLATABLE.
   */
  request(chat: JsonObject, model: string, provider: Provider): TranslatedRequest;
  /** A reader for one stream. */
  source(): ChunkSource;
  /** A whole reply as a chat completion, or undefined when it is no answer. @param created Unix seconds. */
  completion(reply: JsonObject, created: number): JsonObject | undefined;
}
