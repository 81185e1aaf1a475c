import { errorBody, type GatewayError } from "../errors.ts";
import type { JsonObject } from "../json.ts";
import type { ChatDelta, ChunkSink, ReasoningDetail, StreamMeter, ToolCallDelta } from "../stream/converter.ts";
import { FreeformInput } from "../stream/freeform-input.ts";
import { JsonDepth } from "../stream/json-depth.ts";
import { writeResponseUsage } from "../usage/raw-usage.ts";
import { belongsTo, itemOfDetails, openAiId, ownId, reasoningItem, shownItem } from "./reasoning-items.ts";
import {
  callItem,
  endOf,
  messageItem,
  type ResponseHead,
  type ResponseState,
  refusalPart,
  responseObject,
  textPart,
} from "./response.ts";

interface OpenMessage {
  readonly kind: "message";
  readonly id: string;
  readonly outputIndex: number;
  text: string;
  refusal: string;
  readonly logprobs: unknown[];
  /** What stands between the number and the text in an event of a piece of text. */
  textHead: string;
}

interface OpenReasoning {
  readonly kind: "reasoning";
  readonly id: string;
  readonly outputIndex: number;
  /** Its first piece. */
  readonly first: ReasoningDetail;
  /** The piece with its proof, if that has come. */
  readonly details: ReasoningDetail[];
  text: string;
}

interface OpenCall {
  readonly kind: "call";
  readonly id: string;
  readonly outputIndex: number;
  readonly callId: string;
  readonly name: string;
  text: string;
  readonly depth: JsonDepth;
  /** Of a freeform tool: decodes its input. */
  readonly freeform: FreeformInput | undefined;
}

type OpenItem = OpenMessage | OpenReasoning | OpenCall;

const TEXT_DELTA = 'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":';

export interface ResponseSinkOptions {
  readonly head: ResponseHead;
  /** Whether the client wants reasoning's encrypted content. */
  readonly encryptedWanted: boolean;
  /** Told the finished response, with all that its continuation needs, before its last event is written. */
  readonly finished: (response: JsonObject, output: readonly JsonObject[]) => void;
}

/** Writes the events of a streamed response (OpenAI API reference, "Streaming events"). */
export class ResponseSink implements ChunkSink {
  readonly #options: ResponseSinkOptions;
  /** Finished items by output index; undefined while one is open. */
  readonly #output: (JsonObject | undefined)[] = [];
  readonly #open = new Set<OpenItem>();
  /** OpenAI's tool call index → its item. */
  readonly #calls = new Map<number, OpenCall>();
  /** The message or reasoning that goes on; calls may go on beside each other. */
  #current: OpenMessage | OpenReasoning | undefined;
  #sequence = 0;
  #out = "";

  constructor(options: ResponseSinkOptions) {
    this.#options = options;
  }

  take(delta: ChatDelta, _finishReason: string | undefined, meter: StreamMeter): string {
    this.#out = "";
    this.#begin(meter);
    for (const detail of delta.reasoning ?? []) this.#addThought(detail);
    if (delta.reasoningText) this.#addThought({ type: "reasoning.summary", summary: delta.reasoningText });
    if (delta.content) this.#addText(delta.content, delta.logprobs ?? []);
    if (delta.refusal) this.#addRefusal(delta.refusal);
    for (const call of delta.toolCalls ?? []) this.#addCall(call);
    return this.#out;
  }

  #begin(meter: StreamMeter): void {
    if (this.#sequence > 0) return;
    const response = this.#response({ status: "in_progress", model: meter.model ?? "", output: [], usage: null });
    this.#write("response.created", { response });
    this.#write("response.in_progress", { response });
  }

  #addThought(detail: ReasoningDetail): void {
    let item = this.#current;
    if (item?.kind !== "reasoning" || !belongsTo(detail, item.details.length === 0 ? [item.first] : item.details)) {
      const text = detail.text ?? detail.summary;
      if (text === "" && detail.signature === undefined) return;
      const place = this.#place("rs");
      const id = openAiId([detail]) ?? place.id;
      item = this.#add({ kind: "reasoning", ...place, id, first: detail, details: [], text: "" });
      this.#current = item;
    }
    if (detail.type === "reasoning.encrypted" || detail.signature !== undefined) item.details.push(detail);
    const delta = detail.text ?? detail.summary ?? "";
    if (delta === "") return;
    const at = { ...placeIn(item), summary_index: 0 };
    if (item.text === "") {
      this.#write("response.reasoning_summary_part.added", { ...at, part: { type: "summary_text", text: "" } });
    }
    item.text += delta;
    this.#write("response.reasoning_summary_text.delta", { ...at, delta });
  }

  #message(): OpenMessage {
    if (this.#current?.kind === "message") return this.#current;
    const item = this.#add({
      kind: "message",
      ...this.#place("msg"),
      text: "",
      refusal: "",
      logprobs: [],
      textHead: "",
    });
    this.#current = item;
    return item;
  }

  #addText(delta: string, logprobs: readonly unknown[]): void {
    const item = this.#message();
    if (item.text === "") {
      const at = { ...placeIn(item), content_index: 0 };
      this.#write("response.content_part.added", { ...at, part: textPart("") });
      item.textHead = `,${JSON.stringify(at).slice(1, -1)},"delta":`;
    }
    item.text += delta;
    item.logprobs.push(...logprobs);
    // Nearly every chunk ends here, so the event is not built as an object.
    const told = logprobs.length === 0 ? "[]" : JSON.stringify(logprobs);
    this.#out += `${TEXT_DELTA}${this.#sequence++}${item.textHead}${JSON.stringify(delta)},"logprobs":${told}}\n\n`;
  }

  #addRefusal(delta: string): void {
    const item = this.#message();
    const at = { ...placeIn(item), content_index: refusalIndex(item) };
    if (item.refusal === "") this.#write("response.content_part.added", { ...at, part: refusalPart("") });
    item.refusal += delta;
    this.#write("response.refusal.delta", { ...at, delta });
  }

  /** Several calls may be open, since providers may interleave them; a call whose JSON is whole closes with the next item. */
  #addCall(piece: ToolCallDelta): void {
    let item = this.#calls.get(piece.index);
    if (item === undefined) {
      const name = piece.name ?? "";
      const freeform = this.#options.head.freeform.has(name) ? new FreeformInput() : undefined;
      const place = this.#place(freeform === undefined ? "fc" : "ctc");
      const callId = piece.id || place.id;
      item = this.#add({ kind: "call", ...place, callId, name, text: "", depth: new JsonDepth(), freeform });
      this.#calls.set(piece.index, item);
    }
    const delta = piece.arguments;
    if (!delta || !this.#open.has(item)) return;
    item.text += delta;
    item.depth.push(delta);
    if (item.freeform === undefined) {
      this.#write("response.function_call_arguments.delta", { ...placeIn(item), delta });
      return;
    }
    const input = item.freeform.push(delta);
    if (input !== "") this.#write("response.custom_tool_call_input.delta", { ...placeIn(item), delta: input });
  }

  /** Where the next item goes; what is complete closes before it. */
  #place(prefix: string): { id: string; outputIndex: number } {
    for (const item of this.#open) if (item.kind !== "call" || item.depth.complete) this.#close(item);
    const outputIndex = this.#output.length;
    this.#output.push(undefined);
    return { id: ownId(prefix, this.#options.head.idSeed, outputIndex), outputIndex };
  }

  #add<Item extends OpenItem>(item: Item): Item {
    this.#open.add(item);
    this.#write("response.output_item.added", {
      output_index: item.outputIndex,
      item: itemObject(item, "in_progress"),
    });
    return item;
  }

  #close(item: OpenItem): void {
    this.#open.delete(item);
    if (item === this.#current) this.#current = undefined;
    if (item.kind === "call") this.#closeCall(item);
    else if (item.kind === "reasoning") this.#closeReasoning(item);
    else this.#closeMessage(item);
    const done = itemObject(item, "completed");
    this.#output[item.outputIndex] = done;
    const shown = shownItem(done, this.#options.encryptedWanted);
    this.#write("response.output_item.done", { output_index: item.outputIndex, item: shown });
  }

  #closeCall(item: OpenCall): void {
    if (item.freeform === undefined) {
      item.text ||= "{}";
      this.#write("response.function_call_arguments.done", { ...placeIn(item), name: item.name, arguments: item.text });
      return;
    }
    const rest = item.freeform.rest();
    if (rest !== "") this.#write("response.custom_tool_call_input.delta", { ...placeIn(item), delta: rest });
    this.#write("response.custom_tool_call_input.done", {
      ...placeIn(item),
      input: itemObject(item, "completed")["input"],
    });
  }

  #closeReasoning(item: OpenReasoning): void {
    if (item.text === "") return;
    const at = { ...placeIn(item), summary_index: 0 };
    this.#write("response.reasoning_summary_text.done", { ...at, text: item.text });
    this.#write("response.reasoning_summary_part.done", { ...at, part: { type: "summary_text", text: item.text } });
  }

  #closeMessage(item: OpenMessage): void {
    const { text, refusal, logprobs } = item;
    if (text !== "") {
      const at = { ...placeIn(item), content_index: 0 };
      this.#write("response.output_text.done", { ...at, text, logprobs });
      this.#write("response.content_part.done", { ...at, part: textPart(text, logprobs) });
    }
    if (refusal !== "") {
      const at = { ...placeIn(item), content_index: refusalIndex(item) };
      this.#write("response.refusal.done", { ...at, refusal });
      this.#write("response.content_part.done", { ...at, part: refusalPart(refusal) });
    }
  }

  end(meter: StreamMeter): string {
    this.#out = "";
    this.#begin(meter);
    if (this.#output.length === 0) this.#message(); // A response without any item is none that clients expect.
    for (const item of this.#open) this.#close(item);
    const output = this.#output as JsonObject[];
    const end = endOf(meter.finishReason);
    const usage = meter.usage === undefined ? null : writeResponseUsage(meter.usage);
    const response = this.#response({ ...end, model: meter.model ?? "", output, usage });
    this.#options.finished(response, output);
    this.#write(end.status === "incomplete" ? "response.incomplete" : "response.completed", { response });
    return this.#out;
  }

  /** As OpenAI does: an `error` event, which makes its client throw, then the response as failed. */
  fail(error: GatewayError, requestId: string, meter: StreamMeter): string {
    this.#out = "";
    this.#begin(meter);
    const output = this.#output.filter((item) => item !== undefined);
    const usage = meter.usage === undefined ? null : writeResponseUsage(meter.usage);
    const failure = failureOf(error);
    const response = this.#response({ status: "failed", model: meter.model ?? "", output, usage, error: failure });
    this.#out += failureEvents(error, requestId, this.#sequence, response);
    this.#sequence += 2;
    return this.#out;
  }

  #response(state: ResponseState): JsonObject {
    const output = state.output.map((item) => shownItem(item, this.#options.encryptedWanted));
    return responseObject(this.#options.head, { ...state, output });
  }

  #write(type: string, members: JsonObject): void {
    this.#out += `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: this.#sequence++, ...members })}\n\n`;
  }
}

/** `error` of a failed response. */
export function failureOf(error: GatewayError): { code: string; message: string } {
  return { code: error.status === 429 ? "rate_limit_exceeded" : "server_error", message: error.message };
}

/** The two events that end a broken stream. `error.error` beside OpenAI's own members is what makes its client throw. */
export function failureEvents(error: GatewayError, requestId: string, sequence: number, response: JsonObject): string {
  const { error: body } = errorBody(error, "openai", requestId) as { error: JsonObject };
  const first = { type: "error", sequence_number: sequence, code: body["code"], message: error.message };
  const failed = { type: "response.failed", sequence_number: sequence + 1, response };
  return (
    `event: error\ndata: ${JSON.stringify({ ...first, param: error.param, error: body })}\n\n` +
    `event: response.failed\ndata: ${JSON.stringify(failed)}\n\n`
  );
}

function placeIn(item: OpenItem): { item_id: string; output_index: number } {
  return { item_id: item.id, output_index: item.outputIndex };
}

/** A refusal stands behind the text, if there is any. */
function refusalIndex(item: OpenMessage): number {
  return item.text === "" ? 0 : 1;
}

function itemObject(item: OpenItem, status: "in_progress" | "completed"): JsonObject {
  if (item.kind === "message") {
    const content = item.text === "" ? [] : [textPart(item.text, item.logprobs)];
    if (item.refusal !== "") content.push(refusalPart(item.refusal));
    return messageItem(item.id, content, status);
  }
  if (item.kind === "reasoning") {
    const { encrypted_content: encrypted } = itemOfDetails(item.id, item.details);
    return reasoningItem(item.id, item.text, encrypted as string | undefined);
  }
  const said = { callId: item.callId, name: item.name, argumentsText: item.text };
  return callItem(item.id, said, item.freeform !== undefined, status);
}
