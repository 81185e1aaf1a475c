import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import {
  APICallError,
  generateText,
  jsonSchema,
  type LanguageModel,
  type ModelMessage,
  Output,
  RetryError,
  streamText,
  tool,
} from "ai";
import type { JsonObject } from "../../../src/gateway/json.ts";
import {
  ANSWER_SCHEMA,
  type Client,
  ClientFailure,
  type ClientWire,
  type Question,
  type Reply,
  type Turn,
  WEATHER,
} from "./dialogue.ts";

/** Vercel's AI SDK (`ai` with `@ai-sdk/openai` and `@ai-sdk/anthropic`). */
export function aiSdkClients(url: string): Client[] {
  const makers: Readonly<Record<ClientWire, (question: Question) => LanguageModel>> = {
    chat: ({ model, apiKey }) => createOpenAI(settings(url, apiKey)).chat(model),
    responses: ({ model, apiKey }) => createOpenAI(settings(url, apiKey)).responses(model),
    messages: ({ model, apiKey }) => createAnthropic(settings(url, apiKey))(model),
  };
  return (["chat", "responses", "messages"] as const).map((wire) => ({
    id: `AI SDK ${wire}`,
    wire,
    ask: (question) => asked(() => ask(makers[wire](question), question, wire)),
  }));
}

function settings(url: string, apiKey: string | undefined): { baseURL: string; apiKey: string } {
  return { baseURL: `${url}/v1`, apiKey: apiKey ?? "" };
}

async function ask(model: LanguageModel, question: Question, wire: ClientWire): Promise<Reply> {
  const get_weather = tool({ description: WEATHER.description, inputSchema: jsonSchema(schemaOf(WEATHER.schema)) });
  const { tools } = question;
  const request = {
    model,
    messages: question.turns.flatMap(messagesOf),
    ...(question.system === undefined ? {} : { system: question.system }),
    maxRetries: question.retries ?? 0,
    ...(question.maxTokens === undefined ? {} : { maxOutputTokens: question.maxTokens }),
    ...(question.temperature === undefined ? {} : { temperature: question.temperature }),
    ...(question.topP === undefined ? {} : { topP: question.topP }),
    ...(question.seed === undefined ? {} : { seed: question.seed }),
    ...(question.stop === undefined ? {} : { stopSequences: [...question.stop] }),
    ...(question.json === undefined
      ? {}
      : {
          output:
            question.json === "mode" ? Output.json() : Output.object({ schema: jsonSchema(schemaOf(ANSWER_SCHEMA)) }),
        }),
    ...(question.signal === undefined ? {} : { abortSignal: question.signal }),
    ...(tools === undefined ? {} : { tools: { get_weather }, toolChoice: tools === "named" ? NAMED : tools }),
    providerOptions: { openai: openAiOptions(question, wire), anthropic: anthropicOptions(question) },
  };
  if (!question.stream) {
    const result = await generateText(request);
    return replyOf(result, result.response.headers);
  }
  const failures: unknown[] = [];
  const result = streamText({ ...request, onError: ({ error }) => void failures.push(error) });
  let text = "";
  for await (const part of result.fullStream) {
    if (part.type === "error") throw part.error;
    if (part.type !== "text-delta") continue;
    text += part.text;
    question.onText?.(text);
  }
  const told = {
    text: await result.text,
    reasoningText: await result.reasoningText,
    toolCalls: await result.toolCalls,
    finishReason: await result.finishReason,
    usage: await result.usage,
    response: await result.response,
  };
  return replyOf(told, told.response.headers);
}

/** Its type of schemas wants literals. */
function schemaOf(schema: object): Parameters<typeof jsonSchema>[0] {
  return schema as Parameters<typeof jsonSchema>[0];
}

const NAMED = { type: "tool" as const, toolName: "get_weather" as const };

function openAiOptions(question: Question, wire: ClientWire): Record<string, string | boolean | string[]> {
  return {
    // The fixtures' names are no reasoning models to it, and it would leave the rest out.
    ...(question.reasons ? { reasoningEffort: "medium", forceReasoning: true } : {}),
    ...(question.reasons && wire === "responses"
      ? { reasoningSummary: "auto", store: false, include: ["reasoning.encrypted_content"] }
      : {}),
    ...(question.oneCall ? { parallelToolCalls: false } : {}),
  };
}

function anthropicOptions(
  question: Question,
): Record<string, boolean | string | { type: string; budgetTokens: number }> {
  return {
    ...(question.reasons ? { thinking: { type: "enabled", budgetTokens: 2_000 } } : {}),
    ...(question.oneCall ? { disableParallelToolUse: true } : {}),
    ...(question.json === "schema" ? { structuredOutputMode: "outputFormat" } : {}),
  };
}

interface Result {
  readonly text: string;
  readonly reasoningText: string | undefined;
  readonly toolCalls: readonly { toolCallId: string; toolName: string; input: unknown }[];
  readonly finishReason: string;
  readonly usage: {
    readonly inputTokens: number | undefined;
    readonly outputTokens: number | undefined;
    readonly inputTokenDetails: { readonly cacheReadTokens: number | undefined };
  };
  readonly response: { readonly messages: unknown };
}

function replyOf(result: Result, headers: Record<string, string> | undefined): Reply {
  const { inputTokens: input, outputTokens: output, inputTokenDetails: details } = result.usage;
  return {
    text: result.text,
    reasoning: result.reasoningText ?? "",
    calls: result.toolCalls.map((call) => ({
      id: call.toolCallId,
      name: call.toolName,
      args: call.input as JsonObject,
    })),
    finish: result.finishReason === "tool-calls" ? "calls" : result.finishReason === "length" ? "length" : "stop",
    usage: input === undefined || output === undefined ? undefined : { input, output, cached: details.cacheReadTokens },
    requestId: headers?.["x-request-id"],
    dropped: (headers?.["x-gatewayz-dropped-params"] ?? "").split(/,\s*/).filter((name) => name !== ""),
    kept: result.response.messages,
  };
}

function messagesOf(turn: Turn): ModelMessage[] {
  switch (turn.role) {
    case "user": {
      const content: Exclude<Extract<ModelMessage, { role: "user" }>["content"], string> = [
        { type: "text", text: turn.text },
      ];
      if (turn.image !== undefined) {
        const isInline = turn.image.startsWith("data:");
        content.push({ type: "image", image: isInline ? turn.image : new URL(turn.image) });
      }
      if (turn.pdf !== undefined) {
        const data = turn.pdf.slice(turn.pdf.indexOf(",") + 1);
        content.push({ type: "file", data, mediaType: "application/pdf", filename: "a.pdf" });
      }
      return [{ role: "user", content }];
    }
    case "assistant": {
      const content: Exclude<Extract<ModelMessage, { role: "assistant" }>["content"], string> = [];
      if (turn.text !== undefined) content.push({ type: "text", text: turn.text });
      for (const { id, name, args } of turn.calls ?? []) {
        content.push({ type: "tool-call", toolCallId: id, toolName: name, input: args });
      }
      return [{ role: "assistant", content }];
    }
    case "kept":
      return turn.answer.kept as ModelMessage[];
    case "tool": {
      const output = { type: turn.isError ? ("error-text" as const) : ("text" as const), value: turn.text };
      const { id: toolCallId, name: toolName } = turn.call;
      return [{ role: "tool", content: [{ type: "tool-result", toolCallId, toolName, output }] }];
    }
  }
}

async function asked(ask: () => Promise<Reply>): Promise<Reply> {
  try {
    return await ask();
  } catch (thrown) {
    const error = RetryError.isInstance(thrown) ? thrown.lastError : thrown;
    if (APICallError.isInstance(error)) {
      const data = error.data as { error?: JsonObject } | undefined;
      throw new ClientFailure(error.message, {
        status: error.statusCode,
        kind: error.name,
        code: codeIn(error.responseBody) ?? (data?.error?.["gateway_code"] as string | undefined),
        retryAfter: error.responseHeaders?.["retry-after"],
        requestId: error.responseHeaders?.["x-request-id"],
      });
    }
    // An error within a stream comes as what was in its event.
    const message = error instanceof Error ? error.message : JSON.stringify(error);
    const kind = error instanceof Error ? error.name : "error part";
    throw new ClientFailure(message, {
      status: undefined,
      kind,
      code: codeIn(message),
      retryAfter: undefined,
      requestId: undefined,
    });
  }
}

function codeIn(text: string | undefined): string | undefined {
  return /"gateway_code":"(\w+)"/.exec(text ?? "")?.[1];
}
