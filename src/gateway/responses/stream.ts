import { errorBody, type GatewayError } from "../errors.ts";
import { type JsonObject, numberAt, objectAt, objectsAt, parseObject, stringAt } from "../json.ts";
import { STREAM_TOOL_CALLS_MAX } from "../limits.ts";
import type { StreamConverter, StreamedProviderError, StreamMeter } from "../stream/converter.ts";
import { eventData, SseSplitter } from "../stream/sse-splitter.ts";
import {
  callItem,
  contentPart,
  endOf,
  messageItem,
  type ResponseHead,
  reasoningItem,
  responseObject,
  writeResponseUsage,
} from "./response.ts";

interface OpenItem {
  readonly kind: "message" | "reasoning" | "call";
  readonly id: string;
  readonly outputIndex: number;
  readonly callId: string;
  readonly name: string;
  text: string;
  refusal: string;
  /** The finished item; undefined while it is open. */
  done: JsonObject | undefined;
}

export interface ResponseStreamOptions {
  /** Turns the provider's stream into chat chunks, usage included. */
  readonly inner: StreamConverter;
  readonly head: ResponseHead;
  readonly idOf: (prefix: string, index: number) => string;
  /** Told the finished response, before its last event is written. */
  readonly finished: (response: JsonObject) => void;
}

/** Turns chat chunks into the events of a streamed response (OpenAI API reference, "Streaming events"). */
export class ResponseStream implements StreamConverter {
  readonly #options: ResponseStreamOptions;
  readonly #inner: StreamConverter;
  readonly #splitter = new SseSplitter();
  readonly #items: OpenItem[] = [];
  /** OpenAI's tool call index → its item. */
  readonly #calls = new Map<number, OpenItem>();
  #sequence = 0;
  #out = "";

  constructor(options: ResponseStreamOptions) {
    this.#options = options;
    this.#inner = options.inner;
  }

  get meter(): StreamMeter {
    return this.#inner.meter;
  }

  get started(): boolean {
    return this.#inner.started;
  }

  get finished(): boolean {
    return this.#inner.finished;
  }

  get terminated(): boolean {
    return this.#inner.terminated;
  }

  get providerError(): StreamedProviderError | undefined {
    return this.#inner.providerError;
  }

  get unreadText(): string {
    return this.#inner.unreadText;
  }

  push(chunk: Buffer): string {
    this.#out = "";
    this.#take(this.#inner.push(chunk));
    return this.#out;
  }

  end(): string {
    this.#out = "";
    this.#take(this.#inner.end());
    for (const item of this.#items) this.#close(item);
    const { status, reason } = endOf(this.meter.finishReason);
    const response = this.#response(status, reason);
    this.#options.finished(response);
    this.#write(status === "incomplete" ? "response.incomplete" : "response.completed", { response });
    return this.#out;
  }

  /** `error` beside OpenAI's own members is what makes its client throw. */
  fail(error: GatewayError, requestId: string): string {
    this.#out = "";
    const { error: body } = errorBody(error, "openai", requestId) as { error: JsonObject };
    this.#write("error", { code: body["code"], message: error.message, param: error.param, error: body });
    return this.#out;
  }

  #take(chunks: Buffer | string): void {
    if (chunks.length === 0) return;
    this.#splitter.push(Buffer.from(chunks as string), (event) => {
      const data = eventData(event);
      const chunk = data === undefined ? undefined : parseObject(data);
      if (chunk !== undefined) this.#takeChunk(chunk);
    });
  }

  #takeChunk(chunk: JsonObject): void {
    if (this.#sequence === 0) {
      this.#write("response.created", { response: this.#response("in_progress", null) });
      this.#write("response.in_progress", { response: this.#response("in_progress", null) });
    }
    const choice = objectsAt(chunk, "choices").find((candidate) => (candidate["index"] ?? 0) === 0);
    if (choice === undefined) return;
    const delta = objectAt(choice, "delta");
    const thought = stringAt(delta, "reasoning_content") ?? stringAt(delta, "reasoning");
    if (thought) this.#addThought(thought);
    for (const key of ["content", "refusal"] as const) {
      const text = stringAt(delta, key);
      if (text) this.#addText(key, text);
    }
    for (const call of objectsAt(delta, "tool_calls")) this.#addCall(call);
  }

  #addThought(delta: string): void {
    const item = this.#current("reasoning") ?? this.#open("reasoning", "rs");
    const at = { item_id: item.id, output_index: item.outputIndex, summary_index: 0 };
    if (item.text === "") {
      this.#write("response.reasoning_summary_part.added", { ...at, part: { type: "summary_text", text: "" } });
    }
    item.text += delta;
    this.#write("response.reasoning_summary_text.delta", { ...at, delta });
  }

  #addText(kind: "content" | "refusal", delta: string): void {
    const item = this.#current("message") ?? this.#open("message", "msg");
    const at = { item_id: item.id, output_index: item.outputIndex, content_index: 0 };
    if (item.text === "" && item.refusal === "") {
      const part = kind === "refusal" ? { type: "refusal", refusal: "" } : contentPart("", "");
      this.#write("response.content_part.added", { ...at, part });
    }
    if (kind === "refusal") {
      item.refusal += delta;
      this.#write("response.refusal.delta", { ...at, delta });
      return;
    }
    item.text += delta;
    this.#write("response.output_text.delta", { ...at, delta, logprobs: [] });
  }

  /** Calls stay open until the end, since providers may interleave them. */
  #addCall(call: JsonObject): void {
    const index = numberAt(call, "index") ?? 0;
    const fn = objectAt(call, "function");
    let item = this.#calls.get(index);
    if (item === undefined) {
      if (this.#calls.size >= STREAM_TOOL_CALLS_MAX) return;
      item = this.#open("call", "fc", stringAt(call, "id"), stringAt(fn, "name"));
      this.#calls.set(index, item);
    }
    const delta = stringAt(fn, "arguments");
    if (!delta) return;
    item.text += delta;
    const at = { item_id: item.id, output_index: item.outputIndex };
    this.#write("response.function_call_arguments.delta", { ...at, delta });
  }

  /** The open item, if it is of this kind: text and thoughts are one item until something else begins. */
  #current(kind: OpenItem["kind"]): OpenItem | undefined {
    const last = this.#items.at(-1);
    return last?.kind === kind && last.done === undefined ? last : undefined;
  }

  #open(kind: OpenItem["kind"], prefix: string, callId?: string, name?: string): OpenItem {
    const last = this.#items.at(-1);
    if (last !== undefined && last.kind !== "call") this.#close(last);
    const outputIndex = this.#items.length;
    const id = this.#options.idOf(prefix, outputIndex);
    const item: OpenItem = {
      kind,
      id,
      outputIndex,
      callId: callId || id,
      name: name ?? "",
      text: "",
      refusal: "",
      done: undefined,
    };
    this.#items.push(item);
    this.#write("response.output_item.added", { output_index: outputIndex, item: itemObject(item, "in_progress") });
    return item;
  }

  #close(item: OpenItem): void {
    if (item.done !== undefined) return;
    item.done = itemObject(item, "completed");
    const at = { item_id: item.id, output_index: item.outputIndex };
    if (item.kind === "call") {
      this.#write("response.function_call_arguments.done", { ...at, name: item.name, arguments: item.text });
    } else if (item.kind === "reasoning") {
      const part = { type: "summary_text", text: item.text };
      this.#write("response.reasoning_summary_text.done", { ...at, summary_index: 0, text: item.text });
      this.#write("response.reasoning_summary_part.done", { ...at, summary_index: 0, part });
    } else {
      const within = { ...at, content_index: 0 };
      if (item.refusal === "") this.#write("response.output_text.done", { ...within, text: item.text, logprobs: [] });
      else this.#write("response.refusal.done", { ...within, refusal: item.refusal });
      this.#write("response.content_part.done", { ...within, part: contentPart(item.text, item.refusal) });
    }
    this.#write("response.output_item.done", { output_index: item.outputIndex, item: item.done });
  }

  #response(status: Parameters<typeof responseObject>[1], reason: string | null): JsonObject {
    const { usage, model } = this.meter;
    const over = status !== "in_progress";
    const output = over ? this.#items.map((item) => item.done!) : [];
    const counted = over && usage !== undefined ? writeResponseUsage(usage) : null;
    return responseObject(this.#options.head, status, model ?? "", output, counted, reason);
  }

  #write(type: string, members: JsonObject): void {
    const event = { type, sequence_number: this.#sequence++, ...members };
    this.#out += `event: ${type}\ndata: ${JSON.stringify(event)}\n\n`;
  }
}

function itemObject(item: OpenItem, status: "in_progress" | "completed"): JsonObject {
  if (item.kind === "message") return messageItem(item.id, item.text, item.refusal, status);
  if (item.kind === "reasoning") return reasoningItem(item.id, item.text);
  return callItem(item.id, item.callId, item.name, item.text, status);
}
