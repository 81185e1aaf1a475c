import { nowMs } from "../record.ts";
import type { RequestOutcome, RequestRecord } from "../request-record.ts";
import { withGatewayUsage } from "../routes/gateway-usage.ts";
import type { Dialogue } from "../translation/dialogue.ts";

/** One answer as it is kept: the bytes that the client's own format had, and what its record says. */
export interface CachedReply {
  readonly stream: boolean;
  readonly contentType: string;
  readonly bytes: Buffer;
  readonly provider: string;
  readonly model: string;
  readonly responseId: string | undefined;
  readonly finishReason: string | undefined;
  /** True where the built-in simulator made it. */
  readonly simulated: boolean;
  readonly costUsd: number;
  readonly chunks: number;
  readonly storedAtMs: number;
}

/** An answer from the cache, ready to be sent. */
export interface CachedAnswer {
  readonly kind: "cached";
  readonly reply: CachedReply;
}

/** The bytes for this client: a chat completion gets its `gateway_usage` anew, with a cost of nothing. */
export function cachedBytes(reply: CachedReply, conversation: Dialogue, record: RequestRecord): Buffer {
  const { dialect, metered, media } = conversation;
  if (reply.stream || dialect !== "openai" || !metered || media !== undefined) return reply.bytes;
  return withGatewayUsage(reply.bytes, reply.provider, record, nowMs());
}

/** What the record says of an answer that no provider was asked for: nothing used, nothing to pay. */
export function cachedOutcome(reply: CachedReply, record: RequestRecord, bodyBytes: number): RequestOutcome {
  const finishedAtMs = nowMs();
  return {
    statusCode: 200,
    provider: reply.provider,
    model: reply.model,
    responseId: reply.responseId,
    finishReason: reply.finishReason,
    responseBodyBytes: bodyBytes,
    finishedAtMs,
    timeToFirstByteMs: undefined,
    timeToFirstChunkMs: reply.stream ? finishedAtMs - record.startedAtMs : undefined,
    chunks: reply.chunks,
    chunksDropped: 0,
    clientAborted: false,
    error: undefined,
  };
}
