import type { GatewayError } from "../errors.ts";
import type { JsonObject } from "../json.ts";
import type { StreamConverter, StreamedProviderError, StreamMeter } from "../stream/converter.ts";
import type { Provider } from "./provider.ts";
import type { StreamRewriter } from "./wire.ts";

/** The bytes of a reply after the provider's quirks: as they came, for the many that have none. Changes `reply`. */
export function rewrittenReply(provider: Provider, model: string, bytes: Buffer, reply: JsonObject): Buffer {
  const { adjustReply, native } = provider.wire(model);
  const changed = adjustReply?.(reply) === true;
  // What is translated is not read from its bytes again.
  return changed && native !== undefined ? Buffer.from(JSON.stringify(reply)) : bytes;
}

/** The converter for this provider's stream: behind its rewriter, for the few that have one. */
export function rewrittenStream(provider: Provider, model: string, converter: StreamConverter): StreamConverter {
  const rewriter = provider.wire(model).streamRewriter?.();
  return rewriter === undefined ? converter : new RewrittenStream(rewriter, converter);
}

class RewrittenStream implements StreamConverter {
  readonly #rewriter: StreamRewriter;
  readonly #inner: StreamConverter;

  constructor(rewriter: StreamRewriter, inner: StreamConverter) {
    this.#rewriter = rewriter;
    this.#inner = inner;
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
    return this.#rewriter.unreadText;
  }

  push(chunk: Buffer): Buffer | string {
    const events = this.#rewriter.push(chunk);
    if (events.length === 0) return "";
    return this.#inner.push(typeof events === "string" ? Buffer.from(events) : events);
  }

  end(): string {
    return this.#inner.end();
  }

  fail(error: GatewayError, requestId: string): string {
    return this.#inner.fail(error, requestId);
  }
}
