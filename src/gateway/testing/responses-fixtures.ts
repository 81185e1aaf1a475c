import type { JsonObject } from "../json.ts";
import { anthropicEvent } from "./fixture-provider.ts";

const RESPONSE_USAGE = {
  input_tokens: 20,
  input_tokens_details: { cached_tokens: 8 },
  output_tokens: 9,
  output_tokens_details: { reasoning_tokens: 4 },
  total_tokens: 29,
};

const REASONING = {
  id: "rs_68a1",
  type: "reasoning",
  summary: [{ type: "summary_text", text: "They ask for the weather." }],
  encrypted_content: "gAAAAAencrypted",
};
const MESSAGE = {
  id: "msg_68a2",
  type: "message",
  status: "completed",
  role: "assistant",
  content: [{ type: "output_text", text: "Looking.", annotations: [], logprobs: [] }],
};
const callOf = (id: string, city: string): JsonObject => ({
  id: `fc_${id}`,
  type: "function_call",
  status: "completed",
  call_id: `call_${id}`,
  name: "get_weather",
  arguments: JSON.stringify({ city }),
});

/** Reasoning, a text, two calls: as OpenAI's /v1/responses answers (API reference, "Responses"). */
export const RESPONSE: JsonObject = {
  id: "resp_68a0",
  object: "response",
  created_at: 1,
  status: "completed",
  error: null,
  incomplete_details: null,
  model: "gpt-5-pro",
  output: [REASONING, MESSAGE, callOf("a", "Oslo"), callOf("b", "Rome")],
  usage: RESPONSE_USAGE,
};

/** Writes events that are numbered from 0. */
function eventWriter(): (type: string, members: JsonObject) => string {
  let sequence = 0;
  return (type, members) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence++, ...members })}\n\n`;
}

const event = eventWriter();

/** A message of one text, in these pieces. */
function messageEvents(
  write: ReturnType<typeof eventWriter>,
  output_index: number,
  item: typeof MESSAGE,
  pieces: readonly string[],
): string[] {
  const at = { item_id: item.id, output_index, content_index: 0 };
  const [part] = item.content;
  return [
    write("response.output_item.added", { output_index, item: { ...item, status: "in_progress", content: [] } }),
    write("response.content_part.added", { ...at, part: { ...part, text: "" } }),
    ...pieces.map((delta) => write("response.output_text.delta", { ...at, delta, logprobs: [] })),
    write("response.output_text.done", { ...at, text: part!.text, logprobs: [] }),
    write("response.content_part.done", { ...at, part }),
    write("response.output_item.done", { output_index, item }),
  ];
}

const callEvents = (at: number, item: JsonObject): string[] => {
  const where = { item_id: item["id"], output_index: at };
  const text = item["arguments"] as string;
  return [
    event("response.output_item.added", { output_index: at, item: { ...item, status: "in_progress", arguments: "" } }),
    event("response.function_call_arguments.delta", { ...where, delta: text.slice(0, 5) }),
    event("response.function_call_arguments.delta", { ...where, delta: text.slice(5) }),
    event("response.function_call_arguments.done", { ...where, arguments: text }),
    event("response.output_item.done", { output_index: at, item }),
  ];
};

/** The same as a stream ("Streaming events"). */
export const RESPONSE_STREAM: readonly string[] = [
  event("response.created", { response: { ...RESPONSE, status: "in_progress", output: [], usage: null } }),
  event("response.output_item.added", { output_index: 0, item: { id: "rs_68a1", type: "reasoning", summary: [] } }),
  event("response.reasoning_summary_part.added", {
    item_id: "rs_68a1",
    output_index: 0,
    summary_index: 0,
    part: { type: "summary_text", text: "" },
  }),
  ...["They ask for ", "the weather."].map((delta) =>
    event("response.reasoning_summary_text.delta", { item_id: "rs_68a1", output_index: 0, summary_index: 0, delta }),
  ),
  event("response.output_item.done", { output_index: 0, item: REASONING }),
  ...messageEvents(event, 1, MESSAGE, ["Look", "ing."]),
  ...callEvents(2, callOf("a", "Oslo")),
  ...callEvents(3, callOf("b", "Rome")),
  event("response.completed", { response: RESPONSE }),
];

const HELLO_USAGE = {
  input_tokens: 20,
  input_tokens_details: { cached_tokens: 8 },
  output_tokens: 5,
  output_tokens_details: { reasoning_tokens: 2 },
  total_tokens: 25,
};
const HELLO_ITEM = {
  ...MESSAGE,
  content: [{ type: "output_text", text: "Hello world", annotations: [], logprobs: [] }],
};

/** "Hello world" from a provider's Responses. */
export const HELLO_RESPONSE: JsonObject = { ...RESPONSE, output: [HELLO_ITEM], usage: HELLO_USAGE };

const helloEvent = eventWriter();

/** The same as a stream. */
export const HELLO_RESPONSE_STREAM: readonly string[] = [
  helloEvent("response.created", { response: { ...HELLO_RESPONSE, status: "in_progress", output: [], usage: null } }),
  ...messageEvents(helloEvent, 0, HELLO_ITEM, ["Hello", " world"]),
  helloEvent("response.completed", { response: HELLO_RESPONSE }),
];

const SIGNED = { type: "thinking", thinking: "They ask for the weather.", signature: "c2lnbmVk" };
const ENCRYPTED = { type: "redacted_thinking", data: "ZW5jcnlwdGVk" };
const USE = { type: "tool_use", id: "toolu_a", name: "get_weather", input: { city: "Oslo" } };

/** Signed thinking, encrypted thinking, a text and a call: as Claude answers with extended thinking. */
export const THINKING_MESSAGE: JsonObject = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-sonnet-4-5",
  content: [SIGNED, ENCRYPTED, { type: "text", text: "Looking." }, USE],
  stop_reason: "tool_use",
  stop_sequence: null,
  usage: { input_tokens: 10, output_tokens: 9, output_tokens_details: { thinking_tokens: 4 } },
};

const delta = (index: number, members: JsonObject): string =>
  anthropicEvent("content_block_delta", { index, delta: members });
const start = (index: number, block: JsonObject): string =>
  anthropicEvent("content_block_start", { index, content_block: block });
const stop = (index: number): string => anthropicEvent("content_block_stop", { index });

/** The same as a stream. */
export const THINKING_STREAM: readonly string[] = [
  anthropicEvent("message_start", { message: { ...THINKING_MESSAGE, content: [], stop_reason: null } }),
  start(0, { type: "thinking", thinking: "", signature: "" }),
  delta(0, { type: "thinking_delta", thinking: "They ask for " }),
  anthropicEvent("ping"),
  delta(0, { type: "thinking_delta", thinking: "the weather." }),
  delta(0, { type: "signature_delta", signature: SIGNED.signature }),
  stop(0),
  start(1, ENCRYPTED),
  stop(1),
  start(2, { type: "text", text: "" }),
  delta(2, { type: "text_delta", text: "Looking." }),
  stop(2),
  start(3, { ...USE, input: {} }),
  delta(3, { type: "input_json_delta", partial_json: "" }),
  delta(3, { type: "input_json_delta", partial_json: '{"city":' }),
  delta(3, { type: "input_json_delta", partial_json: '"Oslo"}' }),
  stop(3),
  anthropicEvent("message_delta", {
    delta: { stop_reason: "tool_use", stop_sequence: null },
    usage: { output_tokens: 9, output_tokens_details: { thinking_tokens: 4 } },
  }),
  anthropicEvent("message_stop"),
];
