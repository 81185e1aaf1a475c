import type { JsonObject } from "../json.ts";
import type { Provider } from "../providers/provider.ts";
import type { ChunkSource } from "../stream/converter.ts";
import type { TranslatedRequest } from "./translated.ts";

/**
 * A format that providers speak. Translation goes through chat completions: whatever a client sent becomes a chat
 * completion request first, and the provider's answer a chat completion, or the steps of one.
 */
export interface ProviderFormat {
  /** Path of the endpoint at this provider, query included. */
  path(provider: Provider, model: string, stream: boolean): string;
  /**
   * @param chat An extended chat completion request (docs/translation.md, "The pivot"). Not to be changed.
   * @throws GatewayError NOT_TRANSLATABLE, INVALID_REQUEST.
   */
  request(chat: JsonObject, model: string, provider: Provider): TranslatedRequest;
  /** A reader for one stream. */
  source(): ChunkSource;
  /** A whole reply as a chat completion, or undefined when it is no answer. @param created Unix seconds. */
  completion(reply: JsonObject, created: number): JsonObject | undefined;
}
