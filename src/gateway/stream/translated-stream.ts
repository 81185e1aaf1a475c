import type { GatewayError } from "../errors.ts";
import { STREAM_TOOL_CALLS_MAX } from "../limits.ts";
import type {
  ChatDelta,
  ChunkSink,
  ChunkSource,
  StreamConverter,
  StreamedProviderError,
  StreamMeter,
} from "./converter.ts";

const TOO_MANY_CALLS: StreamedProviderError = {
  message: `more than ${STREAM_TOOL_CALLS_MAX} tool calls in one stream`,
  type: undefined,
  code: undefined,
};

/** A provider's stream of one format as a client's stream of another: any source with any sink. */
export class TranslatedStream implements StreamConverter {
  started = false;
  readonly #source: ChunkSource;
  readonly #sink: ChunkSink;
  #tooMany: StreamedProviderError | undefined;
  #out = "";

  constructor(source: ChunkSource, sink: ChunkSink) {
    this.#source = source;
    this.#sink = sink;
  }

  get meter(): StreamMeter {
    return this.#source.meter;
  }

  get finished(): boolean {
    return this.#source.terminated || this.meter.finishReason !== undefined;
  }

  get terminated(): boolean {
    return this.#source.terminated;
  }

  get providerError(): StreamedProviderError | undefined {
    return this.#source.providerError ?? this.#sink.problem ?? this.#tooMany;
  }

  get unreadText(): string {
    return this.#source.unreadText;
  }

  push(bytes: Buffer): string {
    this.#out = "";
    this.#source.push(bytes, this.#emit);
    return this.#out;
  }

  readonly #emit = (delta: ChatDelta, finishReason?: string): void => {
    if (this.providerError !== undefined) return;
    if (delta.toolCalls?.some(({ index }) => index >= STREAM_TOOL_CALLS_MAX)) {
      this.#tooMany = TOO_MANY_CALLS;
      return;
    }
    const { meter } = this;
    const chars = charsOf(delta);
    meter.chunks++;
    meter.outputChars += chars;
    if (chars > 0 || delta.reasoning !== undefined || finishReason !== undefined) this.started = true;
    if (finishReason !== undefined) meter.finishReason = finishReason;
    this.#out += this.#sink.take(delta, finishReason, meter);
  };

  end(): string {
    return this.#sink.end(this.meter);
  }

  fail(error: GatewayError, requestId: string): string {
    return this.#sink.fail(error, requestId, this.meter);
  }
}

/** Characters of everything in a step that a model produced and that can be read. */
function charsOf(delta: ChatDelta): number {
  let chars = (delta.content?.length ?? 0) + (delta.refusal?.length ?? 0) + (delta.reasoningText?.length ?? 0);
  for (const { text, summary } of delta.reasoning ?? []) chars += (text?.length ?? 0) + (summary?.length ?? 0);
  for (const call of delta.toolCalls ?? []) chars += (call.name?.length ?? 0) + (call.arguments?.length ?? 0);
  return chars;
}
