import { type JsonObject, numberAt, objectAt, objectsAt, parseObject, stringAt } from "../../../src/gateway/json.ts";
import { choiceOf } from "./provider-openai.ts";
import { type Answer, type AskedTurn, COUNTED, type ProviderFormat, pieces } from "./provider-script.ts";

const USAGE = {
  input_tokens: COUNTED.input,
  input_tokens_details: { cached_tokens: COUNTED.cached },
  output_tokens: COUNTED.output,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: COUNTED.input + COUNTED.output,
};
let made = 0;

/** OpenAI's Responses. */
export const responsesFormat: ProviderFormat = {
  read(body) {
    const { input } = body;
    const items = typeof input === "string" ? [{ role: "user", content: input }] : objectsAt(body, "input");
    const isSystem = (item: JsonObject): boolean => item["role"] === "system" || item["role"] === "developer";
    const systems = [stringAt(body, "instructions") ?? "", ...items.filter(isSystem).map(textOf)];
    const format = stringAt(objectAt(objectAt(body, "text"), "format"), "type");
    return {
      system: systems.filter((text) => text !== "").join("\n"),
      turns: items.filter((item) => !isSystem(item)).map(turnOf),
      tools: objectsAt(body, "tools").map((tool) => stringAt(tool, "name") ?? ""),
      choice: choiceOf(body["tool_choice"]),
      oneCall: body["parallel_tool_calls"] === false,
      maxTokens: numberAt(body, "max_output_tokens"),
      temperature: numberAt(body, "temperature"),
      topP: numberAt(body, "top_p"),
      seed: undefined,
      stop: [],
      json: format === "json_schema" ? "schema" : format === "json_object" ? "mode" : undefined,
      reasons: stringAt(objectAt(body, "reasoning"), "effort") !== undefined,
      body,
    };
  },
  whole: (answer) => response(answer, itemsOf(answer)),
  stream(answer) {
    let sequence = 0;
    const event = (type: string, members: JsonObject): string =>
      `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence++, ...members })}\n\n`;
    const items = itemsOf(answer);
    const whole = response(answer, items);
    return [
      event("response.created", { response: { ...whole, status: "in_progress", output: [], usage: null } }),
      ...items.flatMap((item, output_index) => itemEvents(event, output_index, item)),
      event(answer.cutShort === true ? "response.incomplete" : "response.completed", { response: whole }),
    ];
  },
  error: (status) => ({ error: { message: `scripted ${status}`, type: "some_error", param: null, code: null } }),
  errorEvent: () =>
    `event: error\ndata: ${JSON.stringify({ type: "error", sequence_number: 9, code: "server_error", message: "scripted failure", param: null })}\n\n`,
};

function response(answer: Answer, output: readonly JsonObject[]): JsonObject {
  const status = answer.cutShort === true ? "incomplete" : "completed";
  return {
    id: `resp_scripted${made++}`,
    object: "response",
    created_at: 1,
    status,
    error: null,
    incomplete_details: answer.cutShort === true ? { reason: "max_output_tokens" } : null,
    model: "gpt-5-pro",
    output,
    parallel_tool_calls: true,
    tool_choice: "auto",
    tools: [],
    usage: USAGE,
  };
}

function itemsOf({ thinking, text, calls }: Answer): JsonObject[] {
  const items: JsonObject[] = [];
  if (thinking !== undefined) {
    const summary = [{ type: "summary_text", text: thinking.text }];
    items.push({ id: "rs_1", type: "reasoning", summary, encrypted_content: thinking.signature });
  }
  if (text !== undefined) {
    const content = [{ type: "output_text", text, annotations: [], logprobs: [] }];
    items.push({ id: "msg_1", type: "message", status: "completed", role: "assistant", content });
  }
  for (const { id, name, args } of calls ?? []) {
    const about = { id: `fc_${id}`, type: "function_call", status: "completed", call_id: id };
    items.push({ ...about, name, arguments: JSON.stringify(args) });
  }
  return items;
}

function itemEvents(
  event: (type: string, members: JsonObject) => string,
  output_index: number,
  item: JsonObject,
): string[] {
  const at = { item_id: item["id"], output_index };
  const done = event.bind(undefined, "response.output_item.done", { output_index, item });
  const added = (members: JsonObject): string =>
    event("response.output_item.added", { output_index, item: { ...item, status: "in_progress", ...members } });
  if (item["type"] === "message") {
    const part = objectsAt(item, "content")[0]!;
    const text = stringAt(part, "text") ?? "";
    const inPart = { ...at, content_index: 0 };
    return [
      added({ content: [] }),
      event("response.content_part.added", { ...inPart, part: { ...part, text: "" } }),
      ...pieces(text).map((delta) => event("response.output_text.delta", { ...inPart, delta, logprobs: [] })),
      event("response.output_text.done", { ...inPart, text, logprobs: [] }),
      event("response.content_part.done", { ...inPart, part }),
      done(),
    ];
  }
  if (item["type"] === "reasoning") {
    const part = objectsAt(item, "summary")[0]!;
    const text = stringAt(part, "text") ?? "";
    const inPart = { ...at, summary_index: 0 };
    return [
      event("response.output_item.added", { output_index, item: { id: item["id"], type: "reasoning", summary: [] } }),
      event("response.reasoning_summary_part.added", { ...inPart, part: { type: "summary_text", text: "" } }),
      ...pieces(text).map((delta) => event("response.reasoning_summary_text.delta", { ...inPart, delta })),
      event("response.reasoning_summary_text.done", { ...inPart, text }),
      event("response.reasoning_summary_part.done", { ...inPart, part }),
      done(),
    ];
  }
  const text = stringAt(item, "arguments") ?? "";
  return [
    added({ arguments: "" }),
    ...pieces(text).map((delta) => event("response.function_call_arguments.delta", { ...at, delta })),
    event("response.function_call_arguments.done", { ...at, arguments: text, name: item["name"] }),
    done(),
  ];
}

function partsOf(item: JsonObject, member: string): JsonObject[] {
  const content = item[member];
  return typeof content === "string" ? [{ text: content }] : objectsAt(item, member);
}

function textOf(item: JsonObject): string {
  const member = item["type"] === "function_call_output" ? "output" : "content";
  return partsOf(item, member)
    .map((part) => stringAt(part, "text") ?? "")
    .join("");
}

function turnOf(item: JsonObject): AskedTurn {
  const type = stringAt(item, "type") ?? "message";
  const parts = partsOf(item, "content");
  const args = parseObject(stringAt(item, "arguments") ?? "") ?? {};
  const text = textOf(item);
  return {
    role:
      type === "function_call_output" ? "tool" : type === "message" && item["role"] === "user" ? "user" : "assistant",
    text,
    images: parts.flatMap((part) => stringAt(part, "image_url") ?? []),
    documents: parts.flatMap((part) => stringAt(part, "file_data") ?? []),
    calls: type === "function_call" ? [{ name: stringAt(item, "name") ?? "", args }] : [],
    isError: text.startsWith("Error: "),
    signatures: [stringAt(item, "encrypted_content") ?? []].flat(),
  };
}
