import { ChatAnthropic } from "@langchain/anthropic";
import {
  AIMessage,
  type AIMessageChunk,
  type BaseMessage,
  HumanMessage,
  SystemMessage,
  ToolMessage,
} from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
import { type JsonObject, objectAt, stringAt } from "../../../src/gateway/json.ts";
import {
  ANSWER_SCHEMA,
  type Call,
  type Client,
  ClientFailure,
  type ClientWire,
  type Question,
  type Reply,
  type Turn,
  WEATHER,
} from "./dialogue.ts";

/** LangChain JS (`@langchain/openai` in both formats, `@langchain/anthropic`). */
export function langChainClients(url: string): Client[] {
  return (["chat", "responses", "messages"] as const).map((wire) => ({
    id: `LangChain ${wire}`,
    wire,
    ask: (question) => asked(() => ask(url, wire, question)),
  }));
}

async function ask(url: string, wire: ClientWire, question: Question): Promise<Reply> {
  const model = wire === "messages" ? anthropicModel(url, question) : openAiModel(url, wire, question);
  const options = callOptions(wire, question);
  const messages = question.turns.map((turn) => messageOf(turn, wire));
  if (question.system !== undefined) messages.unshift(new SystemMessage(question.system));
  if (!question.stream) return replyOf((await model.invoke(messages, options)) as AIMessage);
  let whole: AIMessageChunk | undefined;
  for await (const chunk of await model.stream(messages, options)) {
    whole = whole === undefined ? chunk : whole.concat(chunk);
    question.onText?.(whole.text);
  }
  if (whole === undefined) throw new Error("an empty stream");
  return replyOf(whole);
}

function openAiModel(url: string, wire: ClientWire, question: Question): ChatOpenAI {
  return new ChatOpenAI({
    model: question.model,
    apiKey: question.apiKey ?? "",
    configuration: { baseURL: `${url}/v1` },
    maxRetries: question.retries ?? 0,
    useResponsesApi: wire === "responses",
    streamUsage: question.streamUsage ?? false,
    ...(question.maxTokens === undefined ? {} : { maxTokens: question.maxTokens }),
    ...(question.temperature === undefined ? {} : { temperature: question.temperature }),
    ...(question.topP === undefined ? {} : { topP: question.topP }),
    ...(question.reasons && wire === "responses"
      ? { reasoning: { effort: "medium", summary: "auto" }, zdrEnabled: true }
      : {}),
  });
}

function anthropicModel(url: string, question: Question): ChatAnthropic {
  return new ChatAnthropic({
    model: question.model,
    apiKey: question.apiKey ?? "",
    anthropicApiUrl: url,
    maxRetries: question.retries ?? 0,
    maxTokens: question.maxTokens ?? 4_000,
    ...(question.temperature === undefined ? {} : { temperature: question.temperature }),
    ...(question.topP === undefined ? {} : { topP: question.topP }),
    ...(question.reasons ? { thinking: { type: "enabled", budget_tokens: 2_000 } } : {}),
  });
}

function callOptions(wire: ClientWire, question: Question): object {
  const { tools, signal, stop } = question;
  const choices = {
    auto: "auto",
    required: wire === "messages" ? "any" : "required",
    none: "none",
    named: WEATHER.name,
  };
  const tool = {
    type: "function",
    function: { name: WEATHER.name, description: WEATHER.description, parameters: WEATHER.schema },
  };
  const schema = { type: "json_schema", json_schema: { name: "answer", schema: ANSWER_SCHEMA, strict: true } };
  const output = { outputConfig: { format: { type: "json_schema", schema: ANSWER_SCHEMA } } };
  const format = { response_format: question.json === "mode" ? { type: "json_object" } : schema };
  return {
    ...(signal === undefined ? {} : { signal }),
    ...(stop === undefined ? {} : { stop: [...stop] }),
    ...(question.seed === undefined ? {} : { seed: question.seed }),
    ...(tools === undefined
      ? {}
      : { tools: [wire === "messages" ? anthropicTool() : tool], tool_choice: choices[tools] }),
    ...(question.oneCall ? { parallel_tool_calls: false } : {}),
    ...(question.json === undefined ? {} : wire === "messages" ? output : format),
    ...(question.reasons && wire === "chat" ? { reasoning_effort: "medium" } : {}),
  };
}

function anthropicTool(): JsonObject {
  return { name: WEATHER.name, description: WEATHER.description, input_schema: WEATHER.schema };
}

function messageOf(turn: Turn, wire: ClientWire): BaseMessage {
  switch (turn.role) {
    case "user": {
      if (turn.image === undefined && turn.pdf === undefined) return new HumanMessage(turn.text);
      const content: JsonObject[] = [{ type: "text", text: turn.text }];
      if (turn.image !== undefined) content.push({ type: "image_url", image_url: { url: turn.image } });
      if (turn.pdf !== undefined) content.push(pdfPart(turn.pdf, wire));
      return new HumanMessage({ content: content as never });
    }
    case "assistant": {
      const calls = (turn.calls ?? []).map(({ id, name, args }) => ({ id, name, args, type: "tool_call" as const }));
      return new AIMessage({ content: turn.text ?? "", tool_calls: calls });
    }
    case "kept":
      return turn.answer.kept as AIMessage;
    case "tool":
      return new ToolMessage({
        content: turn.text,
        tool_call_id: turn.call.id,
        status: turn.isError ? "error" : "success",
      });
  }
}

function pdfPart(pdf: string, wire: ClientWire): JsonObject {
  const data = pdf.slice(pdf.indexOf(",") + 1);
  if (wire === "messages") return { type: "document", source: { type: "base64", media_type: "application/pdf", data } };
  if (wire === "responses") return { type: "input_file", filename: "a.pdf", file_data: pdf };
  return { type: "file", source_type: "base64", mime_type: "application/pdf", data, metadata: { filename: "a.pdf" } };
}

function replyOf(message: AIMessage | AIMessageChunk): Reply {
  const metadata = message.response_metadata as JsonObject;
  const finish = stringAt(metadata, "finish_reason") ?? stringAt(metadata, "stop_reason");
  const delta = stringAt(message.additional_kwargs as JsonObject, "stop_reason");
  const calls = (message.tool_calls ?? []).map(({ id, name, args }): Call => ({ id: id ?? "", name, args }));
  const cut = ["length", "max_tokens"].includes(finish ?? delta ?? "");
  const incomplete = stringAt(objectAt(metadata, "incomplete_details"), "reason") === "max_output_tokens";
  const usage = message.usage_metadata;
  return {
    text: message.text,
    reasoning: message.contentBlocks
      .map((block) => (block.type === "reasoning" ? String(block.reasoning) : ""))
      .join(""),
    calls,
    finish: cut || incomplete ? "length" : calls.length > 0 ? "calls" : "stop",
    usage: usage && {
      input: usage.input_tokens,
      output: usage.output_tokens,
      cached: usage.input_token_details?.cache_read,
    },
    requestId: undefined,
    dropped: undefined,
    kept: message,
  };
}

async function asked(ask: () => Promise<Reply>): Promise<Reply> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const {
      status,
      headers,
      error: body,
    } = error as Error & {
      status?: number;
      headers?: Headers;
      error?: JsonObject;
    };
    const inner = (body?.["error"] ?? body ?? {}) as JsonObject;
    throw new ClientFailure(error.message, {
      status,
      kind: error.constructor.name,
      code: inner["gateway_code"] as string | undefined,
      retryAfter: headers?.get?.("retry-after") ?? undefined,
      requestId: headers?.get?.("x-request-id") ?? undefined,
    });
  }
}
