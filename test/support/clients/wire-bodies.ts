import type { JsonObject } from "../../../src/gateway/json.ts";
import { ANSWER_SCHEMA, type Question, type Turn, WEATHER } from "./dialogue.ts";

/** A question as the body of each vendor's endpoint: for the official clients, and for curl. */

const defined = (members: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
const listed = (kept: unknown): JsonObject[] => (Array.isArray(kept) ? kept : [kept]) as JsonObject[];
/** `data:application/pdf;base64,…` → its base64. */
const base64Of = (dataUrl: string): string => dataUrl.slice(dataUrl.indexOf(",") + 1);

export function chatBody(question: Question): JsonObject {
  const messages: JsonObject[] = question.system === undefined ? [] : [{ role: "system", content: question.system }];
  messages.push(...question.turns.flatMap(chatMessages));
  const tool = {
    type: "function",
    function: { name: WEATHER.name, description: WEATHER.description, parameters: WEATHER.schema },
  };
  const schema = { name: "answer", schema: ANSWER_SCHEMA, strict: true };
  return defined({
    model: question.model,
    messages,
    stream: question.stream,
    stream_options: question.streamUsage ? { include_usage: true } : undefined,
    tools: question.tools && [tool],
    tool_choice: question.tools === "named" ? { type: "function", function: { name: WEATHER.name } } : question.tools,
    parallel_tool_calls: question.oneCall ? false : undefined,
    max_tokens: question.maxTokens,
    temperature: question.temperature,
    top_p: question.topP,
    seed: question.seed,
    stop: question.stop,
    response_format:
      question.json &&
      (question.json === "mode" ? { type: "json_object" } : { type: "json_schema", json_schema: schema }),
    reasoning_effort: question.reasons ? "medium" : undefined,
  });
}

function chatMessages(turn: Turn): JsonObject[] {
  switch (turn.role) {
    case "user": {
      if (turn.image === undefined && turn.pdf === undefined) return [{ role: "user", content: turn.text }];
      const parts: JsonObject[] = [{ type: "text", text: turn.text }];
      if (turn.image !== undefined) parts.push({ type: "image_url", image_url: { url: turn.image } });
      if (turn.pdf !== undefined) parts.push({ type: "file", file: { filename: "a.pdf", file_data: turn.pdf } });
      return [{ role: "user", content: parts }];
    }
    case "assistant": {
      const calls = turn.calls?.map(({ id, name, args }) => ({
        id,
        type: "function",
        function: { name, arguments: JSON.stringify(args) },
      }));
      return [defined({ role: "assistant", content: turn.text ?? null, tool_calls: calls })];
    }
    case "kept":
      return listed(turn.answer.kept);
    case "tool":
      return [{ role: "tool", tool_call_id: turn.call.id, content: turn.text }];
  }
}

export function responsesBody(question: Question): JsonObject {
  const schema = { type: "json_schema", name: "answer", schema: ANSWER_SCHEMA, strict: true };
  const tool = {
    type: "function",
    name: WEATHER.name,
    description: WEATHER.description,
    parameters: WEATHER.schema,
    strict: true,
  };
  return defined({
    model: question.model,
    instructions: question.system,
    input: question.turns.flatMap(responseItems),
    stream: question.stream,
    tools: question.tools && [tool],
    tool_choice: question.tools === "named" ? { type: "function", name: WEATHER.name } : question.tools,
    parallel_tool_calls: question.oneCall ? false : undefined,
    max_output_tokens: question.maxTokens,
    temperature: question.temperature,
    top_p: question.topP,
    text: question.json && { format: question.json === "mode" ? { type: "json_object" } : schema },
    reasoning: question.reasons ? { effort: "medium", summary: "auto" } : undefined,
    include: question.reasons ? ["reasoning.encrypted_content"] : undefined,
    store: question.reasons ? false : undefined,
  });
}

function responseItems(turn: Turn): JsonObject[] {
  switch (turn.role) {
    case "user": {
      const content: JsonObject[] = [{ type: "input_text", text: turn.text }];
      if (turn.image !== undefined) content.push({ type: "input_image", image_url: turn.image, detail: "auto" });
      if (turn.pdf !== undefined) content.push({ type: "input_file", filename: "a.pdf", file_data: turn.pdf });
      return [{ role: "user", content }];
    }
    case "assistant": {
      const items: JsonObject[] = turn.text === undefined ? [] : [{ role: "assistant", content: turn.text }];
      for (const { id, name, args } of turn.calls ?? []) {
        items.push({ type: "function_call", call_id: id, name, arguments: JSON.stringify(args) });
      }
      return items;
    }
    case "kept":
      return listed(turn.answer.kept);
    case "tool":
      return [{ type: "function_call_output", call_id: turn.call.id, output: turn.text }];
  }
}

export function messagesBody(question: Question): JsonObject {
  const choices = { auto: "auto", required: "any", none: "none", named: "tool" };
  const choice = question.tools && {
    type: choices[question.tools],
    ...(question.tools === "named" ? { name: WEATHER.name } : {}),
    ...(question.oneCall ? { disable_parallel_tool_use: true } : {}),
  };
  return defined({
    model: question.model,
    max_tokens: question.maxTokens ?? 4_000,
    system: question.system,
    messages: question.turns.flatMap(anthropicMessages),
    stream: question.stream,
    tools: question.tools && [{ name: WEATHER.name, description: WEATHER.description, input_schema: WEATHER.schema }],
    tool_choice: choice,
    temperature: question.temperature,
    top_p: question.topP,
    stop_sequences: question.stop,
    output_config: question.json && { format: { type: "json_schema", schema: ANSWER_SCHEMA } },
    thinking: question.reasons ? { type: "enabled", budget_tokens: 2_000, display: "summarized" } : undefined,
  });
}

function anthropicMessages(turn: Turn): JsonObject[] {
  switch (turn.role) {
    case "user": {
      const content: JsonObject[] = [];
      if (turn.image !== undefined) content.push({ type: "image", source: imageSource(turn.image) });
      if (turn.pdf !== undefined) {
        const source = { type: "base64", media_type: "application/pdf", data: base64Of(turn.pdf) };
        content.push({ type: "document", source });
      }
      content.push({ type: "text", text: turn.text });
      return [{ role: "user", content }];
    }
    case "assistant": {
      const content: JsonObject[] = turn.text === undefined ? [] : [{ type: "text", text: turn.text }];
      for (const { id, name, args } of turn.calls ?? []) content.push({ type: "tool_use", id, name, input: args });
      return [{ role: "assistant", content }];
    }
    case "kept":
      return [{ role: "assistant", content: turn.answer.kept }];
    case "tool": {
      const { call, text, isError } = turn;
      const result = defined({ type: "tool_result", tool_use_id: call.id, content: text, is_error: isError });
      return [{ role: "user", content: [result] }];
    }
  }
}

function imageSource(url: string): JsonObject {
  const inline = /^data:([^;]+);base64,/.exec(url);
  if (inline === null) return { type: "url", url };
  return { type: "base64", media_type: inline[1], data: base64Of(url) };
}
