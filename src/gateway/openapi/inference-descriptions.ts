import * as z from "zod";
import { named } from "./fields.ts";
import type { RouteDescription, RouteSchemas } from "./route.ts";

const inference = (
  path: string,
  summary: string,
  schemas: () => RouteSchemas,
  description?: string,
): RouteDescription => ({
  method: "POST",
  path,
  auth: "client",
  tag: "Inference",
  summary,
  ...(description === undefined ? {} : { description }),
  schemas,
});

const model = () => z.string().describe("Id of a model or an alias; `provider/model` puts that provider first");
const provider = () => z.string().optional().describe("The provider to try first");
const stream = () => z.boolean().default(false).describe("Server-sent events instead of one JSON reply");
const temperature = () => z.number().min(0).max(2).optional();
const topP = () => z.number().min(0).max(1).optional();
const openAiUsage = named("Usage", () =>
  z.looseObject({ prompt_tokens: z.number(), completion_tokens: z.number(), total_tokens: z.number() }),
);
const gatewayUsage = named("GatewayUsage", () =>
  z
    .object({
      provider: z.string(),
      cost_usd: z.number(),
      input_cost_usd: z.number(),
      output_cost_usd: z.number(),
      processing_time_ms: z.number(),
    })
    .describe("Who answered and what it cost, in US dollars with six decimals"),
);
const chatMessage = named("ChatMessage", () =>
  z.looseObject({
    role: z.enum(["system", "developer", "user", "assistant", "tool", "function"]),
    content: z.union([z.string(), z.array(z.looseObject({ type: z.string() })), z.null()]).optional(),
  }),
);
const messageBlock = named("MessageBlock", () => z.looseObject({ type: z.string() }));

const messagesBody = () =>
  z.looseObject({
    model: model(),
    max_tokens: z.number().int().min(1).describe("Anthropic wants it"),
    messages: z.array(
      z.looseObject({ role: z.enum(["user", "assistant"]), content: z.union([z.string(), z.array(messageBlock())]) }),
    ),
    system: z.union([z.string(), z.array(messageBlock())]).optional(),
    stream: stream(),
    tools: z.array(z.looseObject({ name: z.string() })).optional(),
    tool_choice: z.looseObject({ type: z.string() }).optional(),
    thinking: z.looseObject({ type: z.string() }).optional(),
    temperature: z.number().min(0).max(1).optional(),
    top_p: topP(),
    stop_sequences: z.array(z.string()).optional(),
    provider: provider(),
  });

const CHAT = inference(
  "/v1/chat/completions",
  "OpenAI chat completions",
  () => ({
    body: z.looseObject({
      model: model(),
      messages: z.array(chatMessage()).min(1),
      stream: stream(),
      stream_options: z.object({ include_usage: z.boolean().optional() }).optional(),
      temperature: temperature(),
      top_p: topP(),
      n: z.number().int().min(1).optional(),
      max_tokens: z.number().int().min(1).optional(),
      max_completion_tokens: z.number().int().min(1).optional(),
      stop: z.union([z.string(), z.array(z.string()).max(4)]).optional(),
      presence_penalty: z.number().min(-2).max(2).optional(),
      frequency_penalty: z.number().min(-2).max(2).optional(),
      tools: z.array(z.looseObject({ type: z.string() })).optional(),
      tool_choice: z.union([z.string(), z.looseObject({ type: z.string() })]).optional(),
      response_format: z.looseObject({ type: z.string() }).optional(),
      reasoning_effort: z.string().optional(),
      provider: provider(),
      models: z.array(z.string()).optional().describe("Models to fall back on, in order"),
    }),
    reply: z.looseObject({
      id: z.string(),
      object: z.literal("chat.completion"),
      created: z.number(),
      model: z.string(),
      choices: z.array(
        z.looseObject({ index: z.number(), message: chatMessage(), finish_reason: z.string().nullable() }),
      ),
      usage: openAiUsage().optional(),
      gateway_usage: gatewayUsage(),
    }),
  }),
  "Any provider answers, whatever its own format. With `stream: true` the reply is `text/event-stream`: chunks, then `[DONE]`; what breaks a stream is an error chunk before it.",
);

const EMBEDDINGS = inference("/v1/embeddings", "OpenAI embeddings", () => ({
  body: z.looseObject({
    model: model(),
    input: z.union([z.string(), z.array(z.string()), z.array(z.number().int()), z.array(z.array(z.number().int()))]),
    dimensions: z.number().int().min(1).optional(),
    encoding_format: z.enum(["float", "base64"]).optional(),
    provider: provider(),
  }),
  reply: z.looseObject({
    object: z.literal("list"),
    data: z.array(
      z.looseObject({ object: z.string(), index: z.number(), embedding: z.union([z.array(z.number()), z.string()]) }),
    ),
    model: z.string(),
  }),
}));

const COMPLETIONS = inference("/v1/completions", "OpenAI's legacy text completions", () => ({
  body: z.looseObject({
    model: model(),
    prompt: z.union([z.string(), z.array(z.string()), z.array(z.number().int()), z.array(z.array(z.number().int()))]),
    stream: stream(),
    max_tokens: z.number().int().min(0).optional(),
    temperature: temperature(),
    top_p: topP(),
    provider: provider(),
  }),
  reply: z.looseObject({
    id: z.string(),
    object: z.literal("text_completion"),
    choices: z.array(z.looseObject({ text: z.string(), index: z.number(), finish_reason: z.string().nullable() })),
    usage: openAiUsage().optional(),
  }),
}));

const MODERATIONS = inference("/v1/moderations", "OpenAI moderations; neither counted nor charged", () => ({
  body: z.looseObject({
    model: z.string().optional(),
    input: z.union([z.string(), z.array(z.union([z.string(), z.looseObject({ type: z.string() })]))]),
  }),
  reply: z.looseObject({
    id: z.string(),
    model: z.string(),
    results: z.array(z.looseObject({ flagged: z.boolean() })),
  }),
}));

const RERANK = inference("/v1/rerank", "Order documents by their relevance to a query", () => ({
  body: z.looseObject({
    model: model(),
    query: z.string(),
    documents: z
      .array(z.union([z.string(), z.looseObject({})]))
      .min(1)
      .max(10_000),
    top_n: z.number().int().min(1).optional(),
  }),
  reply: z.looseObject({ results: z.array(z.looseObject({ index: z.number(), relevance_score: z.number() })) }),
}));

const RESPONSES = inference(
  "/v1/responses",
  "OpenAI responses",
  () => ({
    body: z.looseObject({
      model: model(),
      input: z.union([z.string(), z.array(z.looseObject({}))]),
      instructions: z.string().nullable().optional(),
      previous_response_id: z
        .string()
        .nullable()
        .optional()
        .describe("One of the responses of this key that are still kept"),
      stream: stream(),
      store: z.boolean().optional(),
      max_output_tokens: z.number().int().min(1).optional(),
      tools: z.array(z.looseObject({ type: z.string() })).optional(),
      temperature: temperature(),
      top_p: topP(),
      provider: provider(),
    }),
    reply: storedResponse(),
  }),
  "Held as a chat with any provider.",
);

const storedResponse = named("Response", () =>
  z.looseObject({
    id: z.string(),
    object: z.literal("response"),
    status: z.string(),
    model: z.string(),
    output: z.array(z.looseObject({ type: z.string() })),
  }),
);

const responseParams = () => z.object({ id: z.string() });

const RESPONSE_READ: RouteDescription = {
  ...RESPONSES,
  method: "GET",
  path: "/v1/responses/{id}",
  summary: "A response that is still kept",
  schemas: () => ({ params: responseParams(), reply: storedResponse() }),
};
const RESPONSE_DELETE: RouteDescription = {
  ...RESPONSE_READ,
  method: "DELETE",
  summary: "Forget a response",
  schemas: () => ({
    params: responseParams(),
    reply: z.object({ id: z.string(), object: z.literal("response"), deleted: z.literal(true) }),
  }),
};

const RESPONSE_CANCEL: RouteDescription = {
  ...RESPONSE_READ,
  method: "POST",
  path: "/v1/responses/{id}/cancel",
  summary: "Cancel a response that runs in the background; here none does",
};
const RESPONSE_ITEMS: RouteDescription = {
  ...RESPONSE_READ,
  path: "/v1/responses/{id}/input_items",
  summary: "What was sent for a response that is still kept",
  schemas: () => ({
    params: responseParams(),
    reply: z.looseObject({ object: z.literal("list"), data: z.array(z.looseObject({ type: z.string() })) }),
  }),
};
const RESPONSE_TOKENS: RouteDescription = {
  ...RESPONSES,
  path: "/v1/responses/input_tokens",
  summary: "How many input tokens a response would have",
  schemas: () => ({
    body: z.looseObject({ model: model(), input: z.union([z.string(), z.array(z.looseObject({}))]) }),
    reply: z.looseObject({ object: z.string(), input_tokens: z.number() }),
  }),
};

const MESSAGES = inference(
  "/v1/messages",
  "Anthropic messages",
  () => ({
    body: messagesBody(),
    reply: z.looseObject({
      id: z.string(),
      type: z.literal("message"),
      role: z.literal("assistant"),
      model: z.string(),
      content: z.array(messageBlock()),
      stop_reason: z.string().nullable(),
      usage: z.looseObject({ input_tokens: z.number(), output_tokens: z.number() }),
    }),
  }),
  "Any provider answers, whatever its own format. With `stream: true` the reply is Anthropic's events; what breaks a stream is an `error` event.",
);

const COUNT_TOKENS = inference(
  "/v1/messages/count_tokens",
  "How many input tokens a message has",
  () => ({ body: messagesBody().partial({ max_tokens: true }), reply: z.object({ input_tokens: z.number() }) }),
  "Anthropic's own count where the provider is Anthropic, else an estimate (`x-gatewayz-token-count: estimate`).",
);

/** The routes that write to the socket themselves. */
export const inferenceDescriptions: readonly RouteDescription[] = [
  CHAT,
  MESSAGES,
  COUNT_TOKENS,
  RESPONSES,
  RESPONSE_READ,
  RESPONSE_DELETE,
  RESPONSE_CANCEL,
  RESPONSE_ITEMS,
  RESPONSE_TOKENS,
  EMBEDDINGS,
  COMPLETIONS,
  MODERATIONS,
  RERANK,
];
