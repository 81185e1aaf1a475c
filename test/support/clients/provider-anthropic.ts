import { type JsonObject, numberAt, objectAt, objectsAt, stringAt } from "../../../src/gateway/json.ts";
import { type Answer, type AskedTurn, COUNTED, type ProviderFormat, pieces } from "./provider-script.ts";

const USAGE = {
  input_tokens: COUNTED.input - COUNTED.cached,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: COUNTED.cached,
  output_tokens: COUNTED.output,
};
const CHOICES: Readonly<Record<string, string>> = { auto: "auto", any: "required", none: "none", tool: "named" };

/** Anthropic's messages. */
export const messagesFormat: ProviderFormat = {
  read(body) {
    const { system } = body;
    const choice = objectAt(body, "tool_choice");
    const thinking = stringAt(objectAt(body, "thinking"), "type");
    const texts = objectsAt(body, "system").map((block) => stringAt(block, "text") ?? "");
    return {
      system: typeof system === "string" ? system : texts.join("\n"),
      turns: objectsAt(body, "messages").flatMap(turnsOf),
      tools: objectsAt(body, "tools").map((tool) => stringAt(tool, "name") ?? ""),
      choice: CHOICES[stringAt(choice, "type") ?? ""],
      oneCall: choice["disable_parallel_tool_use"] === true,
      maxTokens: numberAt(body, "max_tokens"),
      temperature: numberAt(body, "temperature"),
      topP: numberAt(body, "top_p"),
      seed: undefined,
      stop: (body["stop_sequences"] as string[] | undefined) ?? [],
      json: objectAt(body, "output_config")["format"] === undefined ? undefined : "schema",
      reasons: thinking === "enabled" || thinking === "adaptive",
      body,
    };
  },
  whole: (answer) => message(answer, blocksOf(answer)),
  stream(answer) {
    const empty = { ...message(answer, []), stop_reason: null, usage: { ...USAGE, output_tokens: 1 } };
    return [
      event("message_start", { message: empty }),
      event("ping", {}),
      ...blocksOf(answer).flatMap((block, index) => blockEvents(index, block)),
      event("message_delta", {
        delta: { stop_reason: stopOf(answer), stop_sequence: null },
        usage: { output_tokens: COUNTED.output },
      }),
      event("message_stop", {}),
    ];
  },
  error: (status) => ({
    type: "error",
    error: { type: status === 529 ? "overloaded_error" : "api_error", message: `scripted ${status}` },
  }),
  errorEvent: () => event("error", { error: { type: "api_error", message: "scripted failure" } }),
};

function event(type: string, members: JsonObject): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`;
}

function message(answer: Answer, content: readonly JsonObject[]): JsonObject {
  const about = { id: "msg_1", type: "message", role: "assistant", model: "claude-sonnet-4-5" };
  return { ...about, content, stop_reason: stopOf(answer), stop_sequence: null, usage: USAGE };
}

function stopOf({ calls, cutShort }: Answer): string {
  if (cutShort === true) return "max_tokens";
  return calls === undefined ? "end_turn" : "tool_use";
}

function blocksOf({ thinking, text, calls }: Answer): JsonObject[] {
  const blocks: JsonObject[] = [];
  if (thinking !== undefined) {
    blocks.push({ type: "thinking", thinking: thinking.text, signature: thinking.signature });
  }
  if (text !== undefined) blocks.push({ type: "text", text });
  for (const { id, name, args } of calls ?? []) blocks.push({ type: "tool_use", id, name, input: args });
  return blocks;
}

function blockEvents(index: number, block: JsonObject): string[] {
  const delta = (delta: JsonObject): string => event("content_block_delta", { index, delta });
  const start = (members: JsonObject): string =>
    event("content_block_start", { index, content_block: { ...block, ...members } });
  const stop = event("content_block_stop", { index });
  switch (block["type"]) {
    case "thinking":
      return [
        start({ thinking: "", signature: "" }),
        ...pieces(block["thinking"] as string).map((thinking) => delta({ type: "thinking_delta", thinking })),
        delta({ type: "signature_delta", signature: block["signature"] }),
        stop,
      ];
    case "text":
      return [
        start({ text: "" }),
        ...pieces(block["text"] as string).map((text) => delta({ type: "text_delta", text })),
        stop,
      ];
    default:
      return [
        start({ input: {} }),
        ...pieces(JSON.stringify(block["input"])).map((partial_json) =>
          delta({ type: "input_json_delta", partial_json }),
        ),
        stop,
      ];
  }
}

const NOTHING = { text: "", images: [], documents: [], calls: [], isError: false, signatures: [] };

function blocksIn(holder: JsonObject): JsonObject[] {
  const { content } = holder;
  return typeof content === "string" ? [{ type: "text", text: content }] : objectsAt(holder, "content");
}

/** Tool results are turns of their own here. */
function turnsOf(message: JsonObject): AskedTurn[] {
  const blocks = blocksIn(message);
  const isResult = (block: JsonObject): boolean => block["type"] === "tool_result";
  const results = blocks.filter(isResult).map(
    (block): AskedTurn => ({
      ...NOTHING,
      role: "tool",
      text: textOf(blocksIn(block)),
      isError: block["is_error"] === true,
    }),
  );
  const others = blocks.filter((block) => !isResult(block));
  if (others.length === 0) return results;
  const sources = (type: string): string[] =>
    others
      .filter((block) => block["type"] === type)
      .map((block) => {
        const source = objectAt(block, "source");
        return stringAt(source, "url") ?? `data:${source["media_type"]};base64,${source["data"]}`;
      });
  const turn: AskedTurn = {
    role: message["role"] as AskedTurn["role"],
    text: textOf(others),
    images: sources("image"),
    documents: sources("document"),
    calls: others
      .filter((block) => block["type"] === "tool_use")
      .map((block) => ({ name: stringAt(block, "name") ?? "", args: objectAt(block, "input") })),
    isError: false,
    signatures: others.flatMap((block) => stringAt(block, "signature") ?? []),
  };
  return [...results, turn];
}

function textOf(blocks: readonly JsonObject[]): string {
  return blocks.map((block) => stringAt(block, "text") ?? "").join("");
}
