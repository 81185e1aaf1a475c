/** Our request types (contract section 8) as the GenAI conventions' operations; others keep their own name. */
const OPERATIONS: Readonly<Record<string, string>> = {
  chat_completion: "chat",
  text_completion: "text_completion",
  embedding: "embeddings",
  image_generation: "generate_content",
  audio_transcription: "generate_content",
  audio_generation: "generate_content",
};

/** Our provider names where the conventions have a well-known value that differs; others keep their own name. */
const PROVIDERS: Readonly<Record<string, string>> = {
  bedrock: "aws.bedrock",
  "aws-bedrock": "aws.bedrock",
  azure: "azure.ai.openai",
  "azure-openai": "azure.ai.openai",
  gemini: "gcp.gemini",
  google: "gcp.gemini",
  "google-gemini": "gcp.gemini",
  "google-vertex": "gcp.vertex_ai",
  vertex: "gcp.vertex_ai",
  mistral: "mistral_ai",
  moonshot: "moonshot_ai",
  xai: "x_ai",
};

export function genAiOperation(requestType: string): string {
  return Object.hasOwn(OPERATIONS, requestType) ? OPERATIONS[requestType]! : requestType;
}

export function genAiProvider(provider: string): string {
  return Object.hasOwn(PROVIDERS, provider) ? PROVIDERS[provider]! : provider;
}
