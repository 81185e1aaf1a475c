import type { GatewayError } from "../errors.ts";
import { PENDING_ARGUMENT_CHARS_MAX } from "../limits.ts";
import { anthropicStopReason } from "../translation/finish-reasons.ts";
import { isForeign, sealedData, sealedSignature } from "../translation/reasoning.ts";
import { type RawUsage, writeAnthropicUsage } from "../usage/raw-usage.ts";
import { anthropicStreamError } from "./anthropic-pass-through.ts";
import type {
  ChatDelta,
  ChunkSink,
  ReasoningDetail,
  StreamedProviderError,
  StreamMeter,
  ToolCallDelta,
} from "./converter.ts";
import { JsonDepth } from "./json-depth.ts";

/** What an answer consists of, in the order in which it came. */
type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "thinking"; readonly detail: ReasoningDetail }
  | { readonly kind: "call"; readonly call: ToolCallDelta };

interface Call {
  readonly depth: JsonDepth;
  state: "new" | "open" | "closed";
  id: string;
  name: string;
  /** Arguments that came before the name. */
  early: string;
}

type OpenBlock =
  | { readonly kind: "none" }
  | { readonly kind: "text" }
  | { readonly kind: "thinking"; readonly key: string }
  | { readonly kind: "call"; readonly call: Call };

const TOO_LONG: StreamedProviderError = {
  message: "what it interleaves with an unfinished tool call is too long",
  type: undefined,
  code: undefined,
};

const NONE: OpenBlock = { kind: "none" };

/**
 * Writes Anthropic's stream events. They have one open block at a time, while chat completions may interleave parallel
 * calls, text and reasoning: what comes for another block while a call is incomplete waits until the call's JSON is
 * whole, so calls that come one after the other pass as they come. Rules: docs/translation.md.
 */
export class MessagesSink implements ChunkSink {
  problem: StreamedProviderError | undefined;
  /** Shown in `message_start`, before the provider has counted. */
  readonly #inputTokensEstimate: number;
  readonly #messageId: string;
  readonly #calls = new Map<number, Call>();
  #waiting: Piece[] = [];
  #waitingChars = 0;
  #open: OpenBlock = NONE;
  #blockIndex = -1;
  #messageStarted = false;
  #refused = false;
  /** Everything in a delta event before its value, for the open text block. */
  #textHead = "";
  #out = "";

  constructor(messageId: string, inputTokensEstimate: number) {
    this.#messageId = messageId;
    this.#inputTokensEstimate = Math.max(1, inputTokensEstimate);
  }

  take(delta: ChatDelta, finishReason: string | undefined, meter: StreamMeter): string {
    this.#out = "";
    this.#startMessage(meter);
    for (const detail of delta.reasoning ?? []) this.#add({ kind: "thinking", detail });
    if (delta.reasoningText !== undefined) {
      this.#add({ kind: "thinking", detail: { type: "reasoning.text", text: delta.reasoningText } });
    }
    if (delta.content) this.#add({ kind: "text", text: delta.content });
    if (delta.refusal) {
      this.#refused = true;
      this.#add({ kind: "text", text: delta.refusal });
    }
    for (const call of delta.toolCalls ?? []) this.#add({ kind: "call", call });
    if (finishReason !== undefined) this.#flush();
    return this.#out;
  }

  #startMessage(meter: StreamMeter): void {
    if (this.#messageStarted) return;
    this.#messageStarted = true;
    const counted = meter.usage ?? emptyUsage(this.#inputTokensEstimate);
    this.#write("message_start", {
      message: {
        id: this.#messageId,
        type: "message",
        role: "assistant",
        model: meter.model ?? "",
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: { ...writeAnthropicUsage(counted), output_tokens: 1 },
      },
    });
    this.#write("ping", {}); // As Anthropic does.
  }

  #add(piece: Piece): void {
    if (this.#isBlocked(piece)) {
      this.#waitingChars += piece.kind === "text" ? piece.text.length : JSON.stringify(piece).length;
      if (this.#waitingChars > PENDING_ARGUMENT_CHARS_MAX) this.problem = TOO_LONG;
      else this.#waiting.push(piece);
      return;
    }
    this.#place(piece);
    if (this.#waiting.length > 0 && !this.#callIsOpen()) this.#replay();
  }

  /** Whether an incomplete call of another index is open. */
  #isBlocked(piece: Piece): boolean {
    if (!this.#callIsOpen()) return false;
    return piece.kind !== "call" || this.#calls.get(piece.call.index)?.state !== "open";
  }

  #callIsOpen(): boolean {
    return this.#open.kind === "call" && !this.#open.call.depth.complete;
  }

  /** Places what has waited; some of it may have to wait again. */
  #replay(): void {
    const pieces = this.#waiting;
    this.#waiting = [];
    this.#waitingChars = 0;
    for (const piece of pieces) this.#add(piece);
  }

  /** The provider has said everything: no open call can go on. */
  #flush(): void {
    while (this.#waiting.length > 0) {
      this.#closeBlock();
      this.#replay(); // Places one piece at least.
    }
  }

  #place(piece: Piece): void {
    if (piece.kind === "text") this.#placeText(piece.text);
    else if (piece.kind === "thinking") this.#placeThinking(piece.detail);
    else this.#placeCall(piece.call);
  }

  #placeText(text: string): void {
    if (this.#open.kind !== "text") {
      this.#openBlock({ kind: "text" }, '{"type":"text","text":""}');
      this.#textHead = `event: content_block_delta\ndata: {"type":"content_block_delta","index":${this.#blockIndex},"delta":{"type":"text_delta","text":`;
    }
    this.#out += `${this.#textHead}${JSON.stringify(text)}}}\n\n`;
  }

  #placeThinking(detail: ReasoningDetail): void {
    const key = `${detail.index ?? ""} ${detail.id ?? ""}`;
    const here = this.#open.kind === "thinking" && this.#open.key === key;
    if (detail.type === "reasoning.encrypted") {
      const data = sealedData(detail);
      if (here && isForeign(detail)) this.#sign(data);
      else {
        this.#openBlock({ kind: "thinking", key }, JSON.stringify({ type: "redacted_thinking", data }));
        this.#closeBlock();
      }
      return;
    }
    const text = detail.text ?? detail.summary ?? "";
    const signature = sealedSignature(detail);
    if (text === "" && signature === undefined) return;
    if (!here) this.#openBlock({ kind: "thinking", key }, '{"type":"thinking","thinking":"","signature":""}');
    if (text !== "") this.#delta(`"thinking_delta","thinking":${JSON.stringify(text)}`);
    if (signature !== undefined) this.#sign(signature);
  }

  /** A signature ends its block. */
  #sign(signature: string): void {
    this.#delta(`"signature_delta","signature":${JSON.stringify(signature)}`);
    this.#closeBlock();
  }

  #placeCall(piece: ToolCallDelta): void {
    let call = this.#calls.get(piece.index);
    if (call === undefined) {
      call = { depth: new JsonDepth(), state: "new", id: "", name: "", early: "" };
      this.#calls.set(piece.index, call);
    }
    // A call's JSON was whole, yet there is more of it: nothing that could be read as arguments.
    if (call.state === "closed") return;
    call.id ||= piece.id ?? "";
    call.name ||= piece.name ?? "";
    const { arguments: argumentsPiece = "" } = piece;
    if (call.state === "new") {
      call.early += argumentsPiece;
      if (call.name !== "") this.#openCall(call);
    } else this.#feed(call, argumentsPiece);
  }

  #openCall(call: Call): void {
    const id = call.id || `toolu_${this.#messageId}_${this.#blockIndex + 1}`;
    this.#openBlock({ kind: "call", call }, JSON.stringify({ type: "tool_use", id, name: call.name, input: {} }));
    call.state = "open";
    this.#feed(call, call.early);
    call.early = "";
  }

  #feed(call: Call, piece: string): void {
    if (piece === "") return;
    call.depth.push(piece);
    this.#delta(`"input_json_delta","partial_json":${JSON.stringify(piece)}`);
  }

  #openBlock(block: OpenBlock, start: string): void {
    this.#closeBlock();
    this.#open = block;
    this.#blockIndex++;
    this.#out += `event: content_block_start\ndata: {"type":"content_block_start","index":${this.#blockIndex},"content_block":${start}}\n\n`;
  }

  /** @param delta Its members, from the value of `type` on. */
  #delta(delta: string): void {
    this.#out += `event: content_block_delta\ndata: {"type":"content_block_delta","index":${this.#blockIndex},"delta":{"type":${delta}}}\n\n`;
  }

  #closeBlock(): void {
    if (this.#open.kind === "none") return;
    if (this.#open.kind === "call") this.#open.call.state = "closed";
    this.#open = NONE;
    this.#write("content_block_stop", { index: this.#blockIndex });
  }

  #write(type: string, members: object): void {
    this.#out += `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`;
  }

  end(meter: StreamMeter): string {
    this.#out = "";
    this.#startMessage(meter);
    this.#flush();
    this.#closeBlock();
    const { finishReason, usage, outputChars, stopSequence } = meter;
    const counts = usage ?? emptyUsage(this.#inputTokensEstimate, Math.ceil(outputChars / 4));
    const reason = anthropicStopReason(finishReason ?? "stop", this.#refused, stopSequence);
    this.#write("message_delta", {
      delta: { stop_reason: reason, stop_sequence: reason === "stop_sequence" ? stopSequence : null },
      usage: writeAnthropicUsage(counts),
    });
    this.#write("message_stop", {});
    return this.#out;
  }

  fail(error: GatewayError, requestId: string): string {
    return anthropicStreamError(error, requestId);
  }
}

function emptyUsage(inputTokens: number, outputTokens = 0): RawUsage {
  return { inputTokens, outputTokens, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 };
}
