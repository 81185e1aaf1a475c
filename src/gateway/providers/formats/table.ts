import type { ProviderType } from "../../../config/provider-schema.ts";
import type { Quirks } from "../quirks.ts";
import type { Wire } from "../wire.ts";
import { anthropicWire } from "./anthropic.ts";
import { azureWire } from "./azure.ts";
import { bedrockWire } from "./bedrock.ts";
import { cohereWire } from "./cohere.ts";
import { falWire } from "./fal.ts";
import { geminiWire } from "./gemini.ts";
import { openAiWire } from "./openai.ts";
import { SseChunkAdjuster } from "./sse-chunk-adjuster.ts";
import { vertexWire } from "./vertex.ts";

/** The wire of a type by model: only Vertex serves models of several formats. */
const WIRES: Readonly<Record<ProviderType, (model: string) => Wire>> = {
  openai: () => openAiWire,
  anthropic: () => anthropicWire,
  gemini: () => geminiWire,
  vertex: vertexWire,
  bedrock: () => bedrockWire,
  azure: () => azureWire,
  cohere: () => cohereWire,
  fal: () => falWire,
};

/** How a provider of this type and these quirks is spoken to, by model. */
export function wireOf(type: ProviderType, quirks: Quirks): (model: string) => Wire {
  const { adjustReply, adjustChunk } = quirks;
  // Most providers have nothing to adjust, and their bytes pass untouched.
  if (type !== "openai" || (adjustReply === undefined && adjustChunk === undefined)) return WIRES[type];
  const adapted: Wire = {
    ...openAiWire,
    ...(adjustReply && { adjustReply }),
    ...(adjustChunk && { streamRewriter: () => new SseChunkAdjuster(adjustChunk.mark, adjustChunk.adjust) }),
  };
  return () => adapted;
}
