import { isObject, type JsonObject, objectAt, objectsAt, parseObject, stringAt } from "../json.ts";
import { eventData, SseSplitter } from "../stream/sse-splitter.ts";

/** Output items of one answer that are put together; more are left out. */
const ITEMS_MAX = 128;

/** The last word of a text that was cut off: maybe half a secret that nobody would recognise. */
const LAST_WORD = /[^\s"'<>(){}[\],;]{1,4096}$/;

/**
 * What a model answered, put together so that redaction sees whole texts: in a stream an address or a key comes in pieces.
 * @param bytes A reply in any of the client formats: JSON, or server-sent events.
 * @param whole False where the bytes are only the beginning.
 * @returns Messages as OpenAI writes them (`role`, `content`, `tool_calls`) or Anthropic (`content` blocks), Responses'
 *   output items, or the whole reply where it is something else.
 */
export function answerMessages(bytes: Buffer, stream: boolean, whole: boolean): unknown {
  if (stream) return streamedMessages(bytes, whole);
  const text = bytes.toString("utf8");
  const reply = parseObject(text);
  if (reply === undefined) return withoutBrokenEnd(text, whole);
  if (Array.isArray(reply["choices"])) {
    return objectsAt(reply, "choices").map(
      (choice) => choice["message"] ?? { role: "assistant", content: choice["text"] },
    );
  }
  if (Array.isArray(reply["content"]) && typeof reply["role"] === "string") {
    return [{ role: reply["role"], content: reply["content"] }];
  }
  if (Array.isArray(reply["output"])) return reply["output"];
  return reply;
}

interface Call {
  id?: string;
  name: string;
  arguments: string;
}

/** One choice of a streamed answer, or the answer of a format that has only one. */
class Assembly {
  content = "";
  reasoning = "";
  readonly calls = new Map<number, Call>();

  call(index: number): Call {
    const known = this.calls.get(index) ?? { name: "", arguments: "" };
    if (this.calls.size < ITEMS_MAX) this.calls.set(index, known);
    return known;
  }

  message(whole: boolean): JsonObject {
    const calls = [...this.calls.values()].map(({ id, name, arguments: text }) => {
      return { id, type: "function", function: { name, arguments: withoutBrokenEnd(text, whole) } };
    });
    return {
      role: "assistant",
      content: withoutBrokenEnd(this.content, whole),
      ...(this.reasoning === "" ? {} : { reasoning_content: withoutBrokenEnd(this.reasoning, whole) }),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    };
  }
}

function withoutBrokenEnd(text: string, whole: boolean): string {
  return whole ? text : text.replace(LAST_WORD, "");
}

function streamedMessages(bytes: Buffer, whole: boolean): unknown {
  const choices = new Map<number, Assembly>();
  let output: unknown;
  const of = (index: number): Assembly => {
    const known = choices.get(index) ?? new Assembly();
    if (choices.size < ITEMS_MAX) choices.set(index, known);
    return known;
  };
  new SseSplitter().push(bytes, (event) => {
    const data = parseObject(eventData(event) ?? "");
    if (data === undefined) return;
    if (Array.isArray(data["choices"])) addChunk(data, of);
    else if (
      isObject(data["response"]) &&
      Array.isArray(data["response"]["output"]) &&
      data["response"]["output"].length > 0
    )
      output = data["response"]["output"];
    else addEvent(data, of(0));
  });
  return output ?? [...choices.values()].map((choice) => choice.message(whole));
}

/** A chunk of OpenAI's chat or text completions. */
function addChunk(chunk: JsonObject, of: (index: number) => Assembly): void {
  for (const choice of objectsAt(chunk, "choices")) {
    const assembly = of(indexOf(choice));
    const delta = objectAt(choice, "delta");
    assembly.content += stringAt(delta, "content") ?? stringAt(choice, "text") ?? "";
    assembly.reasoning += stringAt(delta, "reasoning_content") ?? stringAt(delta, "reasoning") ?? "";
    for (const part of objectsAt(delta, "tool_calls")) {
      const call = assembly.call(indexOf(part));
      const id = stringAt(part, "id");
      if (id !== undefined) call.id = id;
      call.name += stringAt(objectAt(part, "function"), "name") ?? "";
      call.arguments += stringAt(objectAt(part, "function"), "arguments") ?? "";
    }
  }
}

/** An event of Anthropic's messages, or of a Responses stream whose end is missing. */
function addEvent(event: JsonObject, assembly: Assembly): void {
  const block = objectAt(event, "content_block");
  if (stringAt(block, "type") === "tool_use") {
    const call = assembly.call(indexOf(event));
    call.id = stringAt(block, "id") ?? "";
    call.name = stringAt(block, "name") ?? "";
  }
  const { delta } = event;
  if (typeof delta === "string") {
    if (event["type"] === "response.output_text.delta") assembly.content += delta;
    return;
  }
  if (!isObject(delta)) return;
  assembly.content += stringAt(delta, "text") ?? "";
  assembly.reasoning += stringAt(delta, "thinking") ?? "";
  const json = stringAt(delta, "partial_json");
  if (json !== undefined) assembly.call(indexOf(event)).arguments += json;
}

function indexOf(value: JsonObject): number {
  const { index } = value;
  return typeof index === "number" ? index : 0;
}
