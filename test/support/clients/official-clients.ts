import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import type { JsonObject } from "../../../src/gateway/json.ts";
import { type Client, ClientFailure, type Question, type Reply } from "./dialogue.ts";
import { chatBody, messagesBody, responsesBody } from "./wire-bodies.ts";
import { droppedIn, fromChunks, fromCompletion, fromMessage, fromResponse } from "./wire-replies.ts";

/** The vendors' own clients: `openai` in both of its formats, `@anthropic-ai/sdk`; streams through their helpers. */

interface Answered {
  readonly response: Response;
  readonly request_id?: string | null | undefined;
}

export function openAiClient(url: string, { apiKey, retries }: Pick<Question, "apiKey" | "retries">): OpenAI {
  return new OpenAI({ baseURL: `${url}/v1`, apiKey: apiKey ?? "", maxRetries: retries ?? 0 });
}

export function anthropicClient(url: string, { apiKey, retries }: Pick<Question, "apiKey" | "retries">): Anthropic {
  return new Anthropic({ baseURL: url, apiKey: apiKey ?? "", maxRetries: retries ?? 0 });
}

export function openAiChat(url: string): Client {
  return {
    id: "openai chat",
    wire: "chat",
    ask: (question) =>
      asked(async () => {
        const { completions } = openAiClient(url, question).chat;
        const body = chatBody(question);
        const options = { signal: question.signal ?? null };
        if (!question.stream) {
          const answered = await completions
            .create(body as unknown as OpenAI.ChatCompletionCreateParamsNonStreaming, options)
            .withResponse();
          return { ...fromCompletion(answered.data as unknown as JsonObject), ...about(answered) };
        }
        if (question.reasons) return readChunks(completions, body, question);
        const stream = completions.stream(body as unknown as OpenAI.ChatCompletionCreateParamsStreaming, options);
        let usage: unknown;
        stream.on("content", (_delta, snapshot) => question.onText?.(snapshot));
        stream.on("chunk", (chunk) => {
          usage = chunk.usage ?? usage;
        });
        const completion = (await stream.finalChatCompletion()) as unknown as JsonObject;
        const told = fromCompletion({ ...completion, usage });
        return { ...told, requestId: undefined, dropped: undefined };
      }),
  };
}

/** By hand, since the helper's snapshot knows no reasoning. */
async function readChunks(
  completions: OpenAI["chat"]["completions"],
  body: JsonObject,
  question: Question,
): Promise<Reply> {
  const params = body as unknown as OpenAI.ChatCompletionCreateParamsStreaming;
  const answered = await completions.create(params, { signal: question.signal ?? null }).withResponse();
  const chunks: JsonObject[] = [];
  for await (const chunk of answered.data) chunks.push(chunk as unknown as JsonObject);
  return { ...fromChunks(chunks), ...about(answered) };
}

export function openAiResponses(url: string): Client {
  return {
    id: "openai responses",
    wire: "responses",
    ask: (question) =>
      asked(async () => {
        const { responses } = openAiClient(url, question);
        const options = { signal: question.signal ?? null };
        const body = responsesBody(question);
        if (!question.stream) {
          const answered = await responses
            .create(body as unknown as OpenAI.Responses.ResponseCreateParamsNonStreaming, options)
            .withResponse();
          return { ...fromResponse(answered.data as unknown as JsonObject), ...about(answered) };
        }
        const stream = responses.stream(body as unknown as Parameters<typeof responses.stream>[0], options);
        let text = "";
        stream.on("response.output_text.delta", ({ delta }) => {
          text += delta;
          question.onText?.(text);
        });
        const response = await stream.finalResponse();
        return { ...fromResponse(response as unknown as JsonObject), requestId: undefined, dropped: undefined };
      }),
  };
}

export function anthropicMessages(url: string): Client {
  return {
    id: "anthropic",
    wire: "messages",
    ask: (question) =>
      asked(async () => {
        const { messages } = anthropicClient(url, question);
        const options = { signal: question.signal ?? null };
        const body = messagesBody(question);
        if (!question.stream) {
          const answered = await messages
            .create(body as unknown as Anthropic.MessageCreateParamsNonStreaming, options)
            .withResponse();
          return { ...fromMessage(answered.data as unknown as JsonObject), ...about(answered) };
        }
        const stream = messages.stream(body as unknown as Anthropic.MessageStreamParams, options);
        stream.on("text", (_delta, snapshot) => question.onText?.(snapshot));
        const message = (await stream.finalMessage()) as unknown as JsonObject;
        const { response, request_id } = await stream.withResponse();
        return { ...fromMessage(message), ...about({ response, request_id }) };
      }),
  };
}

function about({ response, request_id }: Answered): Pick<Reply, "requestId" | "dropped"> {
  return { requestId: request_id ?? undefined, dropped: droppedIn(response.headers) };
}

/** @throws ClientFailure in place of the clients' own errors. */
async function asked(ask: () => Promise<Reply>): Promise<Reply> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof OpenAI.APIError || error instanceof Anthropic.APIError)) throw error;
    const { status, message, headers } = error as InstanceType<typeof OpenAI.APIError>;
    const body = (error as { error?: JsonObject }).error ?? {};
    const inner = (body["error"] ?? body) as JsonObject;
    throw new ClientFailure(message, {
      status,
      kind: error.constructor.name,
      code: inner["gateway_code"] as string | undefined,
      retryAfter: headers?.get("retry-after") ?? undefined,
      requestId: error.requestID ?? undefined,
    });
  }
}
